//! Settings that cannot be switched off.
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

#[circuit_breaker(recovery_timeout = off, window_size = off, jitter = off, failure_threshold = none, failure_rate_threshold = false, slow_call_duration = None)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
