//! Shares that are strings, and none at all.
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

#[circuit_breaker(failure_rate_threshold = "50%", jitter = "0.1", multiplier = "two", slow_call_rate_threshold = 0, slow_call_duration = 2)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
