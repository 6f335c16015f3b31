//! A number of keys, and no key; a name that looks like that of a key.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

#[circuit_breaker(name = "fetch", max_keys = 500)]
fn f(host: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(by = host, max_keys = 500)]
fn g(host: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(name = "fetch[host]", key = host)]
fn h(host: &str) -> Option<u8> { Some(1) }

fn main() {}
