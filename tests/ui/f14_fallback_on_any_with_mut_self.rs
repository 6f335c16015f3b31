//! Fallback_on = any with &mut self.
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

struct S; impl S { fn g(&mut self) -> Result<u8, MyErr> { Ok(1) }
#[circuit_breaker(fallback = Self::g, fallback_on = any)]
fn f(&mut self) -> Result<u8, MyErr> { Ok(1) } }

fn main() {}
