//! Values that are no expressions.
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

#[circuit_breaker(name = , failure_threshold = =, recovery_timeout = @, jitter = 0.1)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
