//! The future of a call through a service: refused from the start, or under way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::answer::Answer;
use super::classify::Classifier;
use super::place::Place;
use crate::error::CircuitBreakerError;
use crate::limit::Limit;
use crate::ticket::End;

pin_project! {
    /// The answer of a [`CircuitBreakerService`](super::CircuitBreakerService). Dropped before it is
    /// ready, the call was cancelled: neutral, and a trial place comes back.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, C, A> {
        #[pin]
        state: State<F, C>,
        answer: A,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, C> {
        Called {
            // First, so that the place is given back after the future is dropped.
            #[pin]
            future: F,
            place: Place,
            limit: Limit,
            classify: C,
        },
        Refused { error: CircuitBreakerError },
    }
}

impl<F, C, A> ResponseFuture<F, C, A> {
    pub(super) fn called(future: F, place: Place, classify: C, answer: A) -> Self {
        ResponseFuture { state: State::Called { future, place, limit: Limit::unasked(), classify }, answer }
    }

    pub(super) fn refused(error: CircuitBreakerError, answer: A) -> Self {
        ResponseFuture { state: State::Refused { error }, answer }
    }
}

impl<F, C, A, Res, E> Future for ResponseFuture<F, C, A>
where
    F: Future<Output = Result<Res, E>>,
    C: Classifier<Res, E>,
    A: Answer<Res, E>,
{
    type Output = Result<Res, A::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let error = match this.state.as_mut().project() {
            StateProjection::Refused { error } => return Poll::Ready(this.answer.refused(error.clone())),
            StateProjection::Called { future, place, limit, classify } => {
                let Some(entered) = place.enter() else {
                    // Polled after its end, which is between the caller and the future.
                    return future.poll(cx).map_err(|error| this.answer.failed(error));
                };
                if let Poll::Ready(result) = future.poll(cx) {
                    let outcome = classify.outcome(&result);
                    return Poll::Ready(entered.pass(result, outcome).map_err(|error| this.answer.failed(error)));
                }
                place.ticket = entered.dissolve().1;
                let Poll::Ready(limit) = limit.poll(&place.breaker.core, cx) else { return Poll::Pending };
                place.end(End::Failure);
                place.breaker.core.timed_out(limit)
            }
        };
        // The inner future is dropped now, with what it holds of the dependency.
        this.state.set(State::Refused { error: error.clone() });
        Poll::Ready(this.answer.refused(error))
    }
}

impl<F, C, A> fmt::Debug for ResponseFuture<F, C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("ResponseFuture");
        match &self.state {
            State::Called { place, .. } => text.field("breaker", &place.breaker.name()),
            State::Refused { error } => text.field("refused", error),
        };
        text.finish_non_exhaustive()
    }
}
