//! A key that is neither `AsRef<str>` nor `Display`.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

struct Request { host: Option<String> }

#[circuit_breaker(key = request)]
fn whole(request: &Request) -> Option<u8> { Some(1) }

#[circuit_breaker(key = request.host.as_deref())]
async fn optional(request: &Request) -> Option<u8> { Some(1) }

#[circuit_breaker(key = bytes)]
fn bytes(bytes: &[u8]) -> Option<u8> { Some(1) }

#[circuit_breaker(key = { drop(n) })]
fn unit(n: u8) -> Option<u8> { Some(n) }

#[circuit_breaker(key = t)]
fn generic<T>(t: T) -> Option<u8> { Some(1) }

#[circuit_breaker(key = host_of)]
fn function(request: &Request) -> Option<u8> { Some(1) }
fn host_of(request: &Request) -> &str { request.host.as_deref().unwrap_or("-") }

fn main() {}
