//! `returns = future` for a future that cannot be made.
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

#[circuit_breaker(returns = future)]
fn f() -> std::future::Ready<Result<u8, MyErr>> { std::future::ready(Ok(1)) }

fn main() {}
