//! Calls that are futures: the permit survives every `.await`, and a future that is dropped gives
//! it back. What a call may be, a future or a function that makes one, is `lazy`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::answer::Protect;
use crate::breaker::Core;
use crate::call::Entered;
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;
use crate::lazy::IntoCall;
use crate::limit::Limit;
use crate::outcome::{Classify, Outcome};
use crate::ticket::{End, Ticket};

/// The place of an async call in its breaker. Dropped before its end, the call was cancelled.
#[derive(Debug)]
struct Place<'a> {
    breaker: &'a Core,
    /// [`Ticket::NONE`] before the call was let in and after it ended.
    ticket: Ticket,
}

impl Place<'_> {
    #[inline]
    fn take(&mut self) -> Ticket {
        std::mem::replace(&mut self.ticket, Ticket::NONE)
    }

    #[inline]
    fn end(&mut self, end: End) {
        let ticket = self.take();
        if !ticket.is_none() {
            self.breaker.settle(ticket, end);
        }
    }
}

impl Place<'_> {
    #[cold]
    fn cancel(&self) {
        self.breaker.settle(self.ticket, End::Cancelled);
    }
}

impl Drop for Place<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.ticket.is_none() {
            self.cancel();
        }
    }
}

/// Polls an admitted call, and ends it if it is ready. In the meantime its ticket is in `entered`,
/// for which a drop is a panic: of the future, or of the judge.
#[inline]
fn drive<F: Future>(
    place: &mut Place<'_>,
    ticket: Ticket,
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
    judge: impl FnOnce(&F::Output) -> Outcome,
) -> Poll<F::Output> {
    let entered = Entered::with(place.breaker, ticket);
    match future.poll(cx) {
        Poll::Ready(output) => {
            let outcome = judge(&output);
            Poll::Ready(entered.pass(output, outcome))
        }
        Poll::Pending => {
            place.ticket = entered.dissolve().1;
            Poll::Pending
        }
    }
}

/// The error of a call that is not ready, once its time is over.
fn cut_off(place: &mut Place<'_>, limit: &mut Limit, cx: &mut Context<'_>) -> Poll<CircuitBreakerError> {
    limit.poll(place.breaker, cx).map(|limit| {
        place.end(End::Failure);
        place.breaker.timed_out(limit)
    })
}

pin_project! {
    /// An admitted call that is a future.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'a, F, C> {
        // First, so that the place is given back after the future is dropped.
        #[pin]
        future: F,
        place: Place<'a>,
        classify: Option<C>,
    }
}

/// Runs an admitted call to its end.
#[inline]
pub(crate) fn guard<F, C>(entered: Entered<'_>, future: F, classify: C) -> Guarded<'_, F, C>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
{
    let (breaker, ticket) = entered.dissolve();
    Guarded { future, place: Place { breaker, ticket }, classify: Some(classify) }
}

impl<F, C> Future for Guarded<'_, F, C>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let ticket = this.place.take();
        if ticket.is_none() {
            // Polled after its end, which is between the caller and the future.
            return this.future.poll(cx);
        }
        let judge = |output: &_| this.classify.take().map_or(Outcome::Ignored, |classify| classify(output));
        drive(this.place, ticket, this.future, cx, judge)
    }
}

pin_project! {
    /// An admitted call that is a future, and is cut off after the time limit of its breaker.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Limited<'a, F, C> {
        #[pin]
        call: Guarded<'a, F, C>,
        limit: Limit,
    }
}

/// Runs an admitted call to its end, or to the end of its time.
pub(crate) fn guard_timeout<F, C>(entered: Entered<'_>, future: F, classify: C) -> Limited<'_, F, C>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
{
    let limit = Limit::of(entered.core());
    Limited { call: guard(entered, future, classify), limit }
}

impl<F, C> Future for Limited<'_, F, C>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
{
    type Output = Result<F::Output, CircuitBreakerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.call.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        cut_off(this.call.project().place, this.limit, cx).map(Err)
    }
}

pin_project! {
    /// A call that is a future, from asking to be let in to its answer. One state machine, which
    /// adds a breaker and a ticket to the future that it runs.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Call<'a, F, J, A> {
        #[pin]
        future: F,
        place: Place<'a>,
        judge: J,
        answer: A,
    }
}

/// A call that asks to be let in when it is first polled. `judge` says how it ended, `answer` what
/// a refused one returns.
#[inline]
pub(crate) fn call<F, J, A>(breaker: &Core, future: F, judge: J, answer: A) -> Call<'_, F, J, A>
where
    F: Future,
    J: Fn(&F::Output) -> Outcome,
    A: Fn(CircuitBreakerError) -> F::Output,
{
    Call { future, place: Place { breaker, ticket: Ticket::NONE }, judge, answer }
}

impl<F, J, A> Future for Call<'_, F, J, A>
where
    F: Future,
    J: Fn(&F::Output) -> Outcome,
    A: Fn(CircuitBreakerError) -> F::Output,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut ticket = this.place.take();
        if ticket.is_none() {
            let breaker = this.place.breaker;
            match breaker.admit() {
                Ok(admitted) => ticket = admitted,
                Err(refusal) => return Poll::Ready((this.answer)(refusal.error(breaker))),
            }
        }
        drive(this.place, ticket, this.future, cx, &*this.judge)
    }
}

pin_project! {
    /// A [`Call`] that is cut off after the time limit of its breaker, if it has one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    struct LimitedCall<'a, F, J, A> {
        #[pin]
        call: Call<'a, F, J, A>,
        limit: Limit,
    }
}

impl<F, J, A> Future for LimitedCall<'_, F, J, A>
where
    F: Future,
    J: Fn(&F::Output) -> Outcome,
    A: Fn(CircuitBreakerError) -> F::Output,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.call.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        let call = this.call.project();
        cut_off(call.place, this.limit, cx).map(call.answer)
    }
}

impl CircuitBreaker {
    /// Runs a future through the breaker and returns what it returns. Takes the future, or a
    /// function that makes it and is not called while calls are refused.
    ///
    /// A future that is dropped before its end is neutral. With the setting `timeout`, a call that
    /// takes longer is cut off: a failure, answered like a refusal.
    ///
    /// ```
    /// # use breakerbox::{CircuitBreaker, Config};
    /// # async fn fetch() -> Result<u8, String> { Ok(1) }
    /// # async fn example(breaker: &CircuitBreaker) {
    /// let one = breaker.call_async(fetch()).await;
    /// let other = breaker.call_async(|| fetch()).await;
    /// # }
    /// ```
    #[inline]
    pub fn call_async<C, M>(&self, call: C) -> impl Future<Output = C::Output> + use<'_, C, M>
    where
        C: IntoCall<M>,
        C::Output: Protect,
    {
        let call = self::call(&self.core, call.into_call(), C::Output::outcome, C::Output::answer);
        LimitedCall { call, limit: Limit::unasked() }
    }
}
