//! Every second one of a key.
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

#[circuit_breaker(failure_threshold = 5, failure_threshold = 5, recovery_timeout = 1, name = "a", failure_threshold = 0)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
