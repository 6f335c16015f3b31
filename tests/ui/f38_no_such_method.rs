//! A method that the type does not have.
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

struct S; impl S { #[circuit_breaker(fallback = self.nowhere)]
fn f(&self) -> Result<(), MyErr> { Ok(()) }
#[circuit_breaker(fallback = Self::nowhere)]
async fn g(&self) -> Result<(), MyErr> { Ok(()) } }

fn main() {}
