//! On a naked function.
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

#[circuit_breaker]
#[unsafe(naked)]
extern "C" fn f() -> i32 { core::arch::naked_asm!("ret") }

fn main() {}
