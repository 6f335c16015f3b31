//! Strings that are no length of time.
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

#[circuit_breaker(recovery_timeout = "", half_open_timeout = "soon", slow_call_duration = "1.2.3s", window_duration = "30 sec", timeout = "-5s", slow_call_rate_threshold = 0.5)]
async fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
