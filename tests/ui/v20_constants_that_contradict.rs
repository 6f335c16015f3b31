//! Constants that contradict each other.
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

#[circuit_breaker(window_size = SIZE, failure_rate_threshold = 0.5, minimum_calls = SIZE + 1)]
fn f() -> Result<(), MyErr> { Ok(()) }
const SIZE: u32 = 5;

fn main() {}
