//! Suffixes of other types.
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

#[circuit_breaker(failure_threshold = 5usize, failure_rate_threshold = 0.5f32, jitter = 1u8, recovery_timeout = 1.5ms, timeout = 5u64)]
async fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
