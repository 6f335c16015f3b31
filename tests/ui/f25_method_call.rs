//! A method that is called.
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

struct S; impl S { #[circuit_breaker(fallback = self.cached())]
fn f(&self) -> Result<(), MyErr> { Ok(()) } }

fn main() {}
