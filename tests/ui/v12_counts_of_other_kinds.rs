//! Values that are no counts.
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

#[circuit_breaker(failure_threshold = [5], half_open_max_calls = || 5, success_threshold = &3, window_size = 1..5, minimum_calls = b"10")]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
