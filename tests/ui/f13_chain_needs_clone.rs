//! Chain needs Clone.
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

struct N; fn g(_: N) -> Result<u8, MyErr> { Ok(1) }
#[circuit_breaker(fallback = [g, g])]
fn f(n: N) -> Result<u8, MyErr> { Ok(1) }

fn main() {}
