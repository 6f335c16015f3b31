//! Constants out of range, each at its place.
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

#[circuit_breaker(recovery_timeout = std::time::Duration::ZERO, failure_rate_threshold = RATE, multiplier = RATE / 4.0)]
fn f() -> Result<(), MyErr> { Ok(()) }
const RATE: f64 = 1.5;

fn main() {}
