//! An alias of `Result`.
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

type R<T> = Result<T, Bare>;
#[circuit_breaker]
async fn f() -> R<u8> { Ok(1) }

fn main() {}
