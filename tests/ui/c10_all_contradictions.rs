//! Every contradiction in one run.
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

#[circuit_breaker(minimum_calls = 20, window_size = 10, half_open_max_calls = 2, success_threshold = 3, recovery_timeout = 60, max_recovery_timeout = 30, fallback_on = any, ignore_if = |_| true, failure_if = |_| true, slow_call_rate_threshold = 0.5)]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
