//! The shapes of `tests/it/shapes.rs` in edition 2021, where captures, `unsafe` and identifiers
//! follow other rules; and what is an identifier in this edition alone.

#![deny(warnings)]
#![forbid(unsafe_code)]

#[cfg(test)]
#[rustfmt::skip]
#[path = "../../it/shapes.rs"]
mod shapes;

#[cfg(test)]
#[allow(clippy::unnecessary_wraps, reason = "shapes, not code")]
mod own {
    use breakerbox::{circuit_breaker, CircuitBreakerError};
    use std::future::Future;

    #[circuit_breaker(name = "e01", fallback = spare)]
    fn gen(gen: u8) -> Result<u8, String> {
        Ok(gen)
    }
    fn spare(gen: u8, _: CircuitBreakerError) -> Result<u8, String> {
        Ok(gen + 1)
    }

    #[circuit_breaker(name = "e02")]
    fn lent<'a>(s: &'a str, _other: &str) -> impl Future<Output = Result<&'a str, String>> + Send + 'a {
        async move { Ok(s) }
    }

    #[test]
    fn gen_is_an_identifier() {
        assert_eq!(gen(1), Ok(1));
        breakerbox::breaker("e01").unwrap().force_open();
        assert_eq!(gen(1), Ok(2));
    }

    #[test]
    fn a_returned_future_captures_what_it_names() {
        let s = String::from("a");
        let future = {
            let other = String::from("b");
            lent(&s, &other)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(future), Ok("a"));
    }
}
