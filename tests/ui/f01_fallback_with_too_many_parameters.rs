//! Fallback with too many parameters.
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

fn g(_: u8, _: u8, _: u8) -> Result<u8, MyErr> { Ok(1) }
#[circuit_breaker(fallback = g)]
fn f(x: u8) -> Result<u8, MyErr> { Ok(x) }

fn main() {}
