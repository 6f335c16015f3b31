//! A future alias the macro cannot see through.
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

type Fut = std::pin::Pin<Box<dyn std::future::Future<Output = Result<u8, MyErr>>>>;
#[circuit_breaker]
fn f() -> Fut { Box::pin(async { Ok(1) }) }

fn main() {}
