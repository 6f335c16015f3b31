//! An argument that cannot be kept.
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

#[circuit_breaker(fallback = g, fallback_on = any)]
fn f(n: Bare) -> Result<(), MyErr> { Ok(()) }
fn g(n: Bare) -> Result<(), MyErr> { Ok(()) }

fn main() {}
