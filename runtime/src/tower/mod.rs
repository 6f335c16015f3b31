//! Circuit breakers for tower: a layer that sends the requests of a service through a breaker. What a
//! breaker does is elsewhere; here is what makes a service of it.
//!
//! ```
//! use breakerbox::{CircuitBreaker, Config};
//! use breakerbox::tower::CircuitBreakerLayer;
//! use tower_layer::Layer;
//! # fn example<S>(client: S) -> Result<impl Sized, breakerbox::ConfigError> {
//!
//! let breaker = CircuitBreaker::new("quotes", Config::builder().failure_threshold(3))?;
//! let client = CircuitBreakerLayer::new(breaker).layer(client);
//! # Ok(client)
//! # }
//! ```
//!
//! A call takes its permit in `call`, not in `poll_ready`: a service that is ready and never called
//! holds no trial, and neither do its clones. So `poll_ready` is that of the inner service. Of a call
//! that is refused the inner service hears nothing.
//!
//! The outcome of a call is told when its future is ready. Of an HTTP response that is its head; what
//! becomes of the body is not known then. A future that is dropped before is neutral, a panic is a
//! failure, and the setting `timeout` cuts a call off.

mod answer;
mod breakers;
mod classify;
mod error;
mod future;
mod layer;
mod place;
mod service;

pub use answer::Answer;
pub use answer::Boxed;
pub use answer::Kept;
pub use breakers::Breakers;
pub use breakers::Keyed;
pub use classify::Classifier;
pub use classify::Errors;
pub use classify::ServerErrors;
pub use error::BoxError;
pub use error::Error;
pub use future::ResponseFuture;
pub use layer::CircuitBreakerLayer;
pub use service::CircuitBreakerService;
