//! A key that would leave the function, or wait.
#![allow(dead_code, unused)]
use breakerbox::circuit_breaker;

#[circuit_breaker(key = url.split('/').nth(2)?)]
fn question(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = if url.is_empty() { return None } else { url })]
fn returns(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = resolve(url).await)]
async fn waits(url: &str) -> Option<u8> { Some(1) }
async fn resolve(url: &str) -> String { url.to_owned() }

#[circuit_breaker(key = format_args!("{}", url.strip_prefix("x")?))]
fn in_a_macro(url: &str) -> Option<u8> { Some(1) }

#[circuit_breaker(key = Some(n | 1)?)]
fn after_a_bar(n: u8) -> Option<u8> { Some(n) }

#[circuit_breaker(key = { break; url })]
fn breaks(url: &str) -> Option<u8> { Some(1) }

fn main() {}
