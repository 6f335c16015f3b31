//! Arguments that are gone into a future.
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

#[circuit_breaker(fallback = g)]
fn f(s: String) -> impl std::future::Future<Output = Result<(), MyErr>> { inner(s) }
async fn g(s: String) -> Result<(), MyErr> { Ok(()) }
async fn inner(s: String) -> Result<(), MyErr> { Ok(()) }

fn main() {}
