//! Lengths of time that nobody means.
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

#[circuit_breaker(recovery_timeout = 0.0, half_open_timeout = 99999999999, max_recovery_timeout = "200000d", timeout = 1e300, window_duration = "0ms")]
async fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
