//! Constants that only a value or a type parameter knows.
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

#[circuit_breaker(failure_threshold = Self::LIMIT, window_size = self.window, minimum_calls = N * 2)]
fn f<const N: u32>() -> Result<(), MyErr> { Ok(()) }

fn main() {}
