//! A pinned receiver that the call uses up.
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

struct S; impl S { fn g(self: std::pin::Pin<&mut Self>) -> Result<u8, MyErr> { Ok(1) }
#[circuit_breaker(fallback = Self::g, fallback_on = any)]
fn f(self: std::pin::Pin<&mut Self>) -> Result<u8, MyErr> { Ok(1) } }

fn main() {}
