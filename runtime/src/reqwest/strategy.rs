//! When reqwest-retry should try again, as far as breakers are concerned.

use reqwest::Response;
use reqwest_middleware::Error;
use reqwest_retry::{DefaultRetryableStrategy, Retryable, RetryableStrategy};

use super::refusal;

/// Never retries what a breaker has refused, and retries what it has cut off; the rest is up to
/// another strategy.
///
/// The default strategy retries no error of a middleware, so it stops at refusals too; but it does not retry
/// a request that the breaker's `timeout` has cut off.
///
/// ```
/// use breakerbox::reqwest::CircuitBreakerStrategy;
/// use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
///
/// let policy = ExponentialBackoff::builder().build_with_max_retries(2);
/// let retries = RetryTransientMiddleware::new_with_policy_and_strategy(policy, CircuitBreakerStrategy::default());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CircuitBreakerStrategy<S = DefaultRetryableStrategy> {
    rest: S,
}

impl<S> CircuitBreakerStrategy<S> {
    /// With another strategy for what is no breaker's doing.
    pub fn new(rest: S) -> Self {
        CircuitBreakerStrategy { rest }
    }
}

impl Default for CircuitBreakerStrategy {
    fn default() -> Self {
        Self::new(DefaultRetryableStrategy)
    }
}

impl<S: RetryableStrategy> RetryableStrategy for CircuitBreakerStrategy<S> {
    fn handle(&self, result: &Result<Response, Error>) -> Option<Retryable> {
        match result.as_ref().err().and_then(refusal) {
            Some(refused) if refused.is_rejected() => Some(Retryable::Fatal),
            Some(_) => Some(Retryable::Transient),
            None => self.rest.handle(result),
        }
    }
}
