//! Every mistake at once.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

#[circuit_breaker(name = "", key = url.host()?, max_keys = 0, failure_threshold = -1)]
fn f(url: &str) -> Option<u8> { Some(1) }

fn main() {}
