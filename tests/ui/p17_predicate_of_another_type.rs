//! A predicate about another type.
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

#[circuit_breaker(failure_if = is_bad)]
fn f() -> Result<(), MyErr> { Ok(()) }
fn is_bad(n: &u8) -> bool { true }

fn main() {}
