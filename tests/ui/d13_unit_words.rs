//! Units that are spelled out, and one without a number before it.
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

#[circuit_breaker(recovery_timeout = "5 minutes", half_open_timeout = "5M", window_duration = "1m30", timeout = "s30")]
async fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
