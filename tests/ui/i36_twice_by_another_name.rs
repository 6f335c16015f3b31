//! Twice, once by another name.
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

use breakerbox::circuit_breaker as guarded; #[guarded(name = "a")] #[guarded(name = "b")]
fn f() -> Result<(), MyErr> { Ok(()) }

fn main() {}
