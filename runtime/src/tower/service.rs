//! The service: asks the breaker, and calls the inner service or does not.

use std::task::{Context, Poll, ready};

use tower_service::Service;

use super::answer::{Answer, Boxed};
use super::breakers::Breakers;
use super::classify::{Classifier, Errors};
use super::future::ResponseFuture;
use super::place::Place;
use crate::call::Entered;
use crate::handle::CircuitBreaker;

/// A service behind a circuit breaker. Made by a [`CircuitBreakerLayer`](super::CircuitBreakerLayer).
/// Clones share the breaker.
#[derive(Clone, Debug)]
pub struct CircuitBreakerService<S, C = Errors, B = CircuitBreaker, A = Boxed> {
    inner: S,
    breakers: B,
    classify: C,
    answer: A,
}

impl<S, C, B, A> CircuitBreakerService<S, C, B, A> {
    pub(super) fn new(inner: S, breakers: B, classify: C, answer: A) -> Self {
        CircuitBreakerService { inner, breakers, classify, answer }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service. What is called through it, the breaker does not see.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, without the breaker.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, C, B, A, Req> Service<Req> for CircuitBreakerService<S, C, B, A>
where
    S: Service<Req>,
    C: Classifier<S::Response, S::Error> + Clone,
    B: Breakers<Req>,
    A: Answer<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = A::Error;
    type Future = ResponseFuture<S::Future, C, A>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        Poll::Ready(ready!(self.inner.poll_ready(cx)).map_err(|error| {
            // Where clients tell of a connection that is lost.
            if let Some(breaker) = self.breakers.of_all() {
                breaker.record_failure();
            }
            self.answer.failed(error)
        }))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let breaker = self.breakers.of(&request);
        let ticket = match breaker.core.admit() {
            Ok(ticket) => ticket,
            Err(refusal) => return ResponseFuture::refused(refusal.error(&breaker.core), self.answer.clone()),
        };
        // A panic of the inner service, which is before there is a future, is a failure too.
        let entered = Entered::with(&breaker.core, ticket);
        let future = self.inner.call(request);
        let ticket = entered.dissolve().1;
        let place = Place { breaker: breaker.into_owned(), ticket };
        ResponseFuture::called(future, place, self.classify.clone(), self.answer.clone())
    }
}
