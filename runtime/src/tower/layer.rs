//! The layer: which breaker, what a failure is, what a refused call is answered with.

use std::borrow::Cow;

use tower_layer::Layer;

use super::answer::Boxed;
use super::breakers::Keyed;
use super::classify::Errors;
use super::service::CircuitBreakerService;
use crate::handle::CircuitBreaker;
use crate::registry::KeyedCircuitBreaker;

/// Puts a circuit breaker around a service. All services that it makes share the breaker.
///
/// By default an `Err` of the service is a failure, every response a success, and the error is
/// [`tower::Error`](super::Error). The type parameters have defaults: without one of the methods below,
/// it is `CircuitBreakerLayer`.
///
/// ```
/// use breakerbox::{CircuitBreaker, Config};
/// use breakerbox::tower::{CircuitBreakerLayer, ServerErrors};
///
/// let breaker = CircuitBreaker::new("quotes", Config::default())?;
/// let layer: CircuitBreakerLayer = CircuitBreakerLayer::new(breaker);
/// let for_http = layer.classify(ServerErrors);
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CircuitBreakerLayer<C = Errors, B = CircuitBreaker, A = Boxed> {
    breakers: B,
    classify: C,
    answer: A,
}

impl CircuitBreakerLayer {
    /// All requests go through this breaker. An error of the inner service's `poll_ready` is one of its failures.
    pub fn new(breaker: CircuitBreaker) -> Self {
        Self::by(breaker)
    }
}

impl<B> CircuitBreakerLayer<Errors, B> {
    /// Each request goes through the breaker that `breakers` chooses for it.
    pub fn by(breakers: B) -> Self {
        CircuitBreakerLayer { breakers, classify: Errors, answer: Boxed }
    }
}

impl<K> CircuitBreakerLayer<Errors, Keyed<K>> {
    /// Each request goes through the breaker of its key, such as its host. No key is known to
    /// `poll_ready`, so its errors are not counted.
    ///
    /// ```
    /// use breakerbox::{Config, Registry};
    /// use breakerbox::tower::CircuitBreakerLayer;
    ///
    /// struct Request { host: String }
    ///
    /// let hosts = Registry::new().keyed("http", Config::default())?;
    /// let layer = CircuitBreakerLayer::keyed(hosts, |request: &Request| request.host.as_str().into());
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn keyed<Req>(family: KeyedCircuitBreaker, key: K) -> Self
    where
        K: Fn(&Req) -> Cow<'_, str>,
    {
        Self::by(Keyed::new(family, key))
    }
}

impl<C, B, A> CircuitBreakerLayer<C, B, A> {
    /// Says what a failure is: a [`Classifier`](super::Classifier), such as
    /// [`ServerErrors`](super::ServerErrors) or a closure.
    ///
    /// ```
    /// # use breakerbox::{CircuitBreaker, Config};
    /// # use breakerbox::tower::CircuitBreakerLayer;
    /// use breakerbox::Outcome;
    ///
    /// # let breaker = CircuitBreaker::new("quotes", Config::default())?;
    /// let layer = CircuitBreakerLayer::new(breaker).classify(|result: &Result<u16, String>| match result {
    ///     Ok(500..) | Err(_) => Outcome::Failure,
    ///     Ok(429) => Outcome::Ignored,
    ///     Ok(_) => Outcome::Success,
    /// });
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn classify<D>(self, classifier: D) -> CircuitBreakerLayer<D, B, A> {
        CircuitBreakerLayer { breakers: self.breakers, classify: classifier, answer: self.answer }
    }

    /// Says what a refused call is answered with: an [`Answer`](super::Answer), such as
    /// [`Kept`](super::Kept) or a closure.
    ///
    /// ```
    /// # use breakerbox::{CircuitBreaker, CircuitBreakerError, Config};
    /// # use breakerbox::tower::CircuitBreakerLayer;
    /// # let breaker = CircuitBreaker::new("quotes", Config::default())?;
    /// let layer = CircuitBreakerLayer::new(breaker).answer(|refusal: CircuitBreakerError| Ok::<_, String>(1.25));
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn answer<D>(self, answer: D) -> CircuitBreakerLayer<C, B, D> {
        CircuitBreakerLayer { breakers: self.breakers, classify: self.classify, answer }
    }
}

impl<S, C: Clone, B: Clone, A: Clone> Layer<S> for CircuitBreakerLayer<C, B, A> {
    type Service = CircuitBreakerService<S, C, B, A>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreakerService::new(inner, self.breakers.clone(), self.classify.clone(), self.answer.clone())
    }
}
