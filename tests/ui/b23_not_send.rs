//! A future that is not `Send`.
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
async fn f() -> Result<u8, MyErr> { let r = std::rc::Rc::new(1); std::future::ready(()).await; Ok(*r) }
fn send<T: Send>(_: T) {}
fn check() { send(f()) }

fn main() {}
