//! Values that are no length of time.
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

#[circuit_breaker(recovery_timeout = true, half_open_timeout = '5', window_duration = |x| x, timeout = b"5s")]
async fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
