//! Private fallback of another module.
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

mod m { fn g(x: u8) -> Result<u8, crate::MyErr> { Ok(x) } }
#[circuit_breaker(fallback = m::g)]
fn f(x: u8) -> Result<u8, MyErr> { Ok(x) }

fn main() {}
