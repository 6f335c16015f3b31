//! A fallback that is unsafe.
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
fn f() -> Result<(), MyErr> { Ok(()) }
unsafe fn g() -> Result<(), MyErr> { Ok(()) }

fn main() {}
