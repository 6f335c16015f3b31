//! Names of other libraries.
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

#[circuit_breaker(reset_timeout = 5, max_failures = 3, expected_exception = x, cooldown = 5, minimum_throughput = 10, error_threshold = 50, slow_call_threshold = 2, permitted_calls = 3, retries = 3)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
