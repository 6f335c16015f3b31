//! The error beside an `impl Trait`.
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
fn f() -> Result<impl Iterator<Item = u8>, Bare> { Ok(std::iter::empty()) }

fn main() {}
