//! What an axum service answers when a breaker refuses a call: 503 with `Retry-After`.

use std::time::Duration;

use axum_core::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::clock::COARSE_LAG;
use crate::error::CircuitBreakerError;
use crate::tower::{Answer, CircuitBreakerLayer, Error, ServerErrors};

/// 503 Service Unavailable, with `Retry-After` in seconds where it is known; 504 Gateway Timeout for a
/// call that was cut off. The body is the text of the error.
impl IntoResponse for CircuitBreakerError {
    fn into_response(self) -> Response {
        let status = if self.is_timeout() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::SERVICE_UNAVAILABLE };
        let mut response = (status, self.to_string()).into_response();
        if let Some(left) = self.retry_after() {
            // Rounded up, for who comes back earlier is refused once more; but two seconds by a clock that lags are two.
            let left = left.saturating_sub(Duration::from_nanos(COARSE_LAG));
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// Like the [`CircuitBreakerError`], if it is one. An error of the inner service is a 502 Bad Gateway that
/// does not tell what the error was.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self.rejection() {
            Some(refusal) => refusal.clone().into_response(),
            None => StatusCode::BAD_GATEWAY.into_response(),
        }
    }
}

/// Refused calls are answered with a response instead of an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Responses;

impl<E> Answer<Response, E> for Responses {
    type Error = E;

    fn refused(&self, refusal: CircuitBreakerError) -> Result<Response, E> {
        Ok(refusal.into_response())
    }

    fn failed(&self, error: E) -> E {
        error
    }
}

impl<C, B, A> CircuitBreakerLayer<C, B, A> {
    /// For a route or a router of axum: a response with a status of 500 to 599 is a failure, and a refused call
    /// is answered with 503 and `Retry-After`, so that no `HandleErrorLayer` is needed.
    ///
    /// ```
    /// use breakerbox::{CircuitBreaker, Config};
    /// use breakerbox::tower::CircuitBreakerLayer;
    ///
    /// let breaker = CircuitBreaker::new("reports", Config::default())?;
    /// let layer = CircuitBreakerLayer::new(breaker).for_axum();
    /// // Router::new().route("/reports", get(reports)).layer(layer)
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn for_axum(self) -> CircuitBreakerLayer<ServerErrors, B, Responses> {
        self.classify(ServerErrors).answer(Responses)
    }
}
