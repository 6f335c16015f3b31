//! Both kinds of window.
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

#[circuit_breaker(failure_rate_threshold = 0.5, window_size = 10, window_duration = "1m")]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
