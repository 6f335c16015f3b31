//! Every mistake is told in one run.
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

#[circuit_breaker(failure_threshold = 0, recovery_timeout = "30", nmae = "x", fallback = "g", jitter = 2.0, preset = kafak, , on_open)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
