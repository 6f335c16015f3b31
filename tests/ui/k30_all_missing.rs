//! Every key without a value.
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

#[circuit_breaker(name, preset, failure_threshold, recovery_timeout =, failure_rate_threshold, jitter, timeout, fallback, fallback_on, on_open, failure_if, ignore_if, returns, crate)]
async fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
