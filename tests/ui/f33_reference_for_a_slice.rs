//! A fallback that takes a slice where the function takes an array.
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

#[circuit_breaker(fallback = g)]
fn f(a: &[u8; 2]) -> Result<(), MyErr> { Ok(()) }
fn g(a: &[u8]) -> Result<(), MyErr> { Ok(()) }

fn main() {}
