//! Other signs than `=`.
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

#[circuit_breaker(name == "a", failure_threshold => 5, recovery_timeout += 5)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
