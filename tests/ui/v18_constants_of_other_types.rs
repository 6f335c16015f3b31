//! Constants of other types.
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

#[circuit_breaker(failure_threshold = LIMIT, recovery_timeout = LIMIT, jitter = LIMIT)]
fn f() -> Result<(), MyErr> { Ok(()) }
const LIMIT: u64 = 5;

fn main() {}
