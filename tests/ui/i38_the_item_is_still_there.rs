//! A function with a wrong attribute can be called.
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

#[circuit_breaker(failure_threshold = 0)]
fn f() -> Result<(), MyErr> { Ok(()) }
struct S; impl S { #[circuit_breaker(nmae = "x")]
async fn g(&self, #[cfg(all())] mut n: u8) -> u8 { n += 1; n } }
async fn calls() { let _ = f(); let _: u8 = S.g(1).await; }

fn main() {}
