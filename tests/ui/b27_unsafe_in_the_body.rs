//! Unsafe code in the body where it is forbidden.
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

mod m { #![forbid(unsafe_code)] use super::*;
#[circuit_breaker] unsafe fn f(p: *const u8) -> Result<u8, MyErr> { Ok(*p) } }

fn main() {}
