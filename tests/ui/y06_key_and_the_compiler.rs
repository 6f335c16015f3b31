//! What the compiler says of a key: of the user's own tokens.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

#[circuit_breaker(key = hots)]
fn unknown(host: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = { let taken = host; taken })]
fn moved(host: String) -> Option<u8> { drop(host); Some(1) }

#[circuit_breaker(key = self.host)]
fn no_self(host: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = url.host())]
async fn no_such_method(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = inside)]
fn of_the_body(host: &str) -> Option<u8> { let inside = host; Some(1) }

fn main() {}
