//! Borrow outlives the function.
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

#[circuit_breaker]
fn f<'a>(s: String) -> Result<&'a str, MyErr> { Ok(&s) }

fn main() {}
