//! A count that is too large, or of another kind.
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

#[circuit_breaker(failure_threshold = 1_000_001, half_open_max_calls = 99999999999999999999, success_threshold = 0, window_size = 5.0f64, minimum_calls = 'a')]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
