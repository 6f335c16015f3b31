//! What is no expression of the arguments.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

#[circuit_breaker(key = |url| url.host_str())]
fn closure(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = async { url })]
async fn future(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = (region, shard))]
fn tuple(region: &str, shard: u8) -> Option<u8> { Some(1) }

#[circuit_breaker(key)]
fn missing(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = , name = "a")]
fn missing_after(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = url.)]
fn unreadable(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = "url")]
fn quoted(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = url, key = url)]
fn twice(url: &str) -> Option<u8> { Some(1) }

fn main() {}
