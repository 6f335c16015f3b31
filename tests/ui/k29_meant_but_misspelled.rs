//! No second error about what was only misspelled.
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

#[circuit_breaker(fallbck = g, fallback_on = any, slow_call_duratin = 2, slow_call_rate_threshold = 0.5)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
