//! HTTP clients with breakers: a middleware for `reqwest-middleware`, and a client with retries on top of it.
//!
//! [`CircuitBreakerMiddleware`] puts a breaker for each host into a client that has middlewares already;
//! [`HttpClient`] is the whole for who has none. TLS is the user's choice, as with reqwest itself: its features
//! `default-tls`, `rustls` or `native-tls`, switched on in the program's own `Cargo.toml`.

mod body;
mod budget;
mod builder;
mod client;
mod error;
mod failed;
mod guard;
mod host;
mod judgement;
mod middleware;
mod patience;
mod redirects;
mod request;
mod retries;
mod retry_after;
#[cfg(feature = "reqwest-retry")]
mod strategy;

pub use builder::HttpClientBuilder;
pub use client::HttpClient;
pub use error::HttpError;
pub use failed::refusal;
pub use judgement::default_outcome;
pub use middleware::CircuitBreakerMiddleware;
pub use redirects::redirects;
pub use request::HttpRequest;
#[cfg(feature = "reqwest-retry")]
pub use strategy::CircuitBreakerStrategy;
