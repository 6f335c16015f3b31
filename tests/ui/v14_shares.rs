//! Shares out of range.
#![allow(dead_code, unused)]
use breakerbox::{CircuitBreakerError, circuit_breaker};

enum MyErr {
    Boom,
    Open(CircuitBreakerError),
}
impl From<CircuitBreakerError> for MyErr {
    fn from(error: CircuitBreakerError) -> Self {
        MyErr::Open(error)
    }
}
struct Bare;

#[circuit_breaker(failure_rate_threshold = 50, slow_call_rate_threshold = 1.5, jitter = -0.1, multiplier = 0.5, slow_call_duration = 1)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
