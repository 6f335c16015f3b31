//! Names that the key and the number of keys might have.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

#[circuit_breaker(by = a)] fn a(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(per = a)] fn b(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(keyed_by = a)] fn c(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(partition = a)] fn d(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(group_by = a)] fn e(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(tenant = a)] fn f(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(keys = a)] fn g(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(key = a, max_size = 5)] fn h(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(key = a, capacity = 5)] fn i(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(key = a, max_breakers = 5)] fn j(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(key = a, max_key = 5)] fn k(a: &str) -> Option<u8> { Some(1) }

fn main() {}
