//! A negative constant.
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

#[circuit_breaker(failure_threshold = -LIMIT, recovery_timeout = -1.5, jitter = - 1)]
fn f() -> Result<(), MyErr> { Ok(()) }
const LIMIT: u32 = 5;

fn main() {}
