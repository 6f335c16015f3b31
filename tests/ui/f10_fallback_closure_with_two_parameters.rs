//! Fallback closure with two parameters.
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

#[circuit_breaker(fallback = |a, b| Ok(1))]
fn f(x: u8) -> Result<u8, MyErr> { Ok(x) }

fn main() {}
