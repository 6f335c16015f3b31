//! Which breaker a request goes through: always the same, or one for each key.

use std::borrow::Cow;
use std::fmt;

use crate::handle::CircuitBreaker;
use crate::registry::KeyedCircuitBreaker;

/// Chooses the breaker of a request. A [`CircuitBreaker`] is that of all requests.
pub trait Breakers<Req> {
    /// The breaker that this request goes through.
    fn of(&self, request: &Req) -> Cow<'_, CircuitBreaker>;

    /// The breaker that hears of an inner service which fails before there is a request. By default none.
    fn of_all(&self) -> Option<&CircuitBreaker> {
        None
    }
}

impl<Req> Breakers<Req> for CircuitBreaker {
    fn of(&self, _: &Req) -> Cow<'_, CircuitBreaker> {
        Cow::Borrowed(self)
    }

    fn of_all(&self) -> Option<&CircuitBreaker> {
        Some(self)
    }
}

/// A breaker for each key that a function finds in a request. Made by
/// [`CircuitBreakerLayer::keyed`](super::CircuitBreakerLayer::keyed).
#[derive(Clone)]
pub struct Keyed<K> {
    family: KeyedCircuitBreaker,
    key: K,
}

impl<K> Keyed<K> {
    pub(super) fn new(family: KeyedCircuitBreaker, key: K) -> Self {
        Keyed { family, key }
    }
}

impl<Req, K> Breakers<Req> for Keyed<K>
where
    K: Fn(&Req) -> Cow<'_, str>,
{
    fn of(&self, request: &Req) -> Cow<'_, CircuitBreaker> {
        Cow::Owned(self.family.get(&(self.key)(request)))
    }
}

impl<K> fmt::Debug for Keyed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("family", &self.family.name()).finish_non_exhaustive()
    }
}
