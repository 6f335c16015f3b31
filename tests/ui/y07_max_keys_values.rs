//! Numbers of keys that cannot be.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

#[circuit_breaker(key = a, max_keys = 0)] fn a(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(key = a, max_keys = off)] fn b(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(key = a, max_keys = "500")] fn c(a: &str) -> Option<u8> { Some(1) }
#[circuit_breaker(key = a, max_keys = 2_000_000)] fn d(a: &str) -> Option<u8> { Some(1) }
const NONE: u32 = 0;
#[circuit_breaker(key = a, max_keys = NONE)] fn e(a: &str) -> Option<u8> { Some(1) }

fn main() {}
