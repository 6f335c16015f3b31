//! Calls that breakerbox makes itself, sync and async, under one rule: a call that was admitted
//! ends exactly once, whatever becomes of it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_timer::Delay;
use pin_project_lite::pin_project;

use crate::__private::Protect;
use crate::breaker::{End, Ticket};
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;
use crate::outcome::{Classify, Outcome};

/// An admitted call that runs on this thread. Dropped before its end, it panicked: a failure.
#[derive(Debug)]
#[must_use]
pub struct Entered<'a> {
    breaker: &'a CircuitBreaker,
    ticket: Ticket,
}

/// Lets a call in, or says why not.
#[inline]
pub fn enter(breaker: &CircuitBreaker) -> Result<Entered<'_>, CircuitBreakerError> {
    match breaker.core.admit() {
        Ok(ticket) => Ok(Entered { breaker, ticket }),
        Err(refusal) => Err(refusal.error(&breaker.core)),
    }
}

impl<'a> Entered<'a> {
    /// The call ended so.
    #[inline]
    pub fn finish(self, outcome: Outcome) {
        let (breaker, ticket) = self.dissolve();
        breaker.core.settle(ticket, outcome.into());
    }

    /// Takes it apart without its drop, which would tell of a panic.
    #[inline]
    fn dissolve(self) -> (&'a CircuitBreaker, Ticket) {
        let parts = (self.breaker, self.ticket);
        std::mem::forget(self);
        parts
    }
}

impl Drop for Entered<'_> {
    #[cold]
    fn drop(&mut self) {
        self.breaker.core.settle(self.ticket, End::Failure);
    }
}

/// The place of an async call in its breaker. Dropped before its end, the call was cancelled.
#[derive(Debug)]
struct Place<'a> {
    breaker: &'a CircuitBreaker,
    /// [`Ticket::NONE`] before the call was let in and after it ended.
    ticket: Ticket,
}

impl Place<'_> {
    #[inline]
    fn end(&mut self, end: End) {
        let ticket = std::mem::replace(&mut self.ticket, Ticket::NONE);
        if ticket.word != Ticket::NONE.word {
            self.breaker.core.settle(ticket, end);
        }
    }
}

impl Drop for Place<'_> {
    #[inline]
    fn drop(&mut self) {
        self.end(End::Cancelled);
    }
}

/// Ends a place as failed if the poll that it watches panics.
struct Watch<'p, 'a>(&'p mut Place<'a>);

impl Drop for Watch<'_, '_> {
    #[cold]
    fn drop(&mut self) {
        self.0.end(End::Failure);
    }
}

#[inline]
fn watched<T>(place: &mut Place<'_>, poll: impl FnOnce() -> T) -> T {
    let watch = Watch(place);
    let polled = poll();
    std::mem::forget(watch);
    polled
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
pub fn guard<'a, F, C>(entered: Entered<'a>, future: F, classify: C) -> Guarded<'a, F, C>
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
        let output = match watched(this.place, || this.future.poll(cx)) {
            Poll::Ready(output) => output,
            Poll::Pending => return Poll::Pending,
        };
        if let Some(classify) = this.classify.take() {
            // A classifier that panics is a failed call.
            let outcome = watched(this.place, || classify(&output));
            this.place.end(outcome.into());
        }
        Poll::Ready(output)
    }
}

pin_project! {
    /// An admitted call that is a future, and is cut off after the time limit of its breaker.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Limited<'a, F, C> {
        #[pin]
        call: Guarded<'a, F, C>,
        limit: Option<Delay>,
    }
}

/// Runs an admitted call to its end, or to the end of its time.
pub fn guard_timeout<'a, F, C>(entered: Entered<'a>, future: F, classify: C) -> Limited<'a, F, C>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
{
    let limit = entered.breaker.core.timeout().map(Delay::new);
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
        let is_over = this.limit.as_mut().is_some_and(|limit| Pin::new(limit).poll(cx).is_ready());
        if !is_over {
            return Poll::Pending;
        }
        let place = this.call.project().place;
        place.end(End::Failure);
        Poll::Ready(Err(place.breaker.core.timed_out()))
    }
}

pin_project! {
    /// A call that is a future, from asking to be let in to its answer. One state machine, which
    /// adds a breaker and a ticket to the future that it runs.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Call<'a, F> {
        #[pin]
        future: F,
        place: Place<'a>,
    }
}

/// A call that asks to be let in when it is first polled.
#[inline]
pub fn run_async<F>(breaker: &CircuitBreaker, future: F) -> Call<'_, F>
where
    F: Future,
    F::Output: Protect,
{
    Call { future, place: Place { breaker, ticket: Ticket::NONE } }
}

impl<F> Future for Call<'_, F>
where
    F: Future,
    F::Output: Protect,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.place.ticket.word == Ticket::NONE.word {
            match this.place.breaker.core.admit() {
                Ok(ticket) => this.place.ticket = ticket,
                Err(refusal) => return Poll::Ready(F::Output::answer(refusal.error(&this.place.breaker.core))),
            }
        }
        let polled = watched(this.place, || this.future.poll(cx));
        if let Poll::Ready(output) = &polled {
            // A classifier that panics is a failed call.
            let outcome = watched(this.place, || output.outcome());
            this.place.end(outcome.into());
        }
        polled
    }
}

pin_project! {
    /// A [`Call`] that is cut off after the time limit of its breaker, if it has one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct LimitedCall<'a, F> {
        #[pin]
        call: Call<'a, F>,
        limit: Limit,
    }
}

/// When a call is cut off.
#[derive(Debug)]
enum Limit {
    /// Not asked for yet: the time of a call begins when it is first polled.
    Unasked,
    Never,
    After(Delay),
}

/// A call that asks to be let in when it is first polled, with the time limit of its breaker.
#[inline]
pub fn run_async_limited<F>(breaker: &CircuitBreaker, future: F) -> LimitedCall<'_, F>
where
    F: Future,
    F::Output: Protect,
{
    LimitedCall { call: run_async(breaker, future), limit: Limit::Unasked }
}

impl<F> Future for LimitedCall<'_, F>
where
    F: Future,
    F::Output: Protect,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.call.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        let place = this.call.project().place;
        if let Limit::Unasked = this.limit {
            *this.limit = place.breaker.core.timeout().map_or(Limit::Never, |limit| Limit::After(Delay::new(limit)));
        }
        let Limit::After(delay) = this.limit else { return Poll::Pending };
        match Pin::new(delay).poll(cx) {
            Poll::Ready(()) => {
                place.end(End::Failure);
                Poll::Ready(F::Output::answer(place.breaker.core.timed_out()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Statistics: a fallback answered.
#[cold]
pub fn count_fallback(breaker: &CircuitBreaker) {
    breaker.core.stripes().fallback();
}

impl CircuitBreaker {
    /// Runs a function through the breaker and returns what it returns.
    ///
    /// While calls are refused the function does not run, and the answer is the refusal as the
    /// function's own error (`E: From<CircuitBreakerError>`), or `None`. A panic is a failure, and goes on.
    #[inline]
    pub fn call<R: Protect>(&self, function: impl FnOnce() -> R) -> R {
        match enter(self) {
            Ok(entered) => {
                let returned = function();
                entered.finish(returned.outcome());
                returned
            }
            Err(refusal) => R::answer(refusal),
        }
    }

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
        run_async_limited(self, call.into_call())
    }
}

/// What [`CircuitBreaker::call_async`] runs: a future, or a function that makes one. `M` tells them apart.
pub trait IntoCall<M> {
    /// What the call returns.
    type Output;
    /// The future of the call, which has begun nothing before it is polled.
    type Future: Future<Output = Self::Output>;

    /// Makes it a future.
    fn into_call(self) -> Self::Future;
}

/// Marks a call that is a future.
#[derive(Debug)]
pub struct AsFuture;

/// Marks a call that is a function which makes a future.
#[derive(Debug)]
pub struct AsFunction;

impl<F: Future> IntoCall<AsFuture> for F {
    type Output = F::Output;
    type Future = F;

    #[inline]
    fn into_call(self) -> F {
        self
    }
}

impl<F, U> IntoCall<AsFunction> for F
where
    F: FnOnce() -> U,
    U: Future,
{
    type Output = U::Output;
    type Future = Lazy<F, U>;

    #[inline]
    fn into_call(self) -> Lazy<F, U> {
        Lazy { function: Some(self), future: None }
    }
}

pin_project! {
    /// A future that is made when it is first polled.
    #[derive(Debug)]
    pub struct Lazy<F, U> {
        function: Option<F>,
        #[pin]
        future: Option<U>,
    }
}

impl<F, U> Future for Lazy<F, U>
where
    F: FnOnce() -> U,
    U: Future,
{
    type Output = U::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<U::Output> {
        let mut this = self.project();
        if let Some(function) = this.function.take() {
            this.future.set(Some(function()));
        }
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            // Only if the function panicked, and someone polls it again all the same.
            None => Poll::Pending,
        }
    }
}
