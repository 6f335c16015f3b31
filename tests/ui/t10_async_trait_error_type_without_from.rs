//! Async_trait error type without From.
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
fn f() -> std::pin::Pin<Box<dyn std::future::Future<Output = Result<u8, Bare>> + Send>> { Box::pin(async move { Ok(1) }) }

fn main() {}
