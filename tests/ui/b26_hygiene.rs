//! Nothing of the expansion is in scope.
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

#[circuit_breaker(name = "x", failure_threshold = 3, fallback = || Ok(1), fallback_on = any)]
fn f() -> Result<u8, MyErr> { let _ = (breaker, entered, error, ret, kept0, failed); Ok(1) }

fn main() {}
