//! Calls that are futures: the permit survives every `.await`, and a future that is dropped gives
//! it back. What a call may be, a future or a function that makes one, is `lazy`.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_timer::Delay;
use pin_project_lite::pin_project;

use crate::answer::Protect;
use crate::call::Entered;
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;
use crate::lazy::IntoCall;
use crate::outcome::{Classify, Outcome};
use crate::ticket::{End, Ticket};

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

/// Ends a place and passes the output on. With nothing to drop should the end unwind, the output
/// stays in registers.
#[inline]
fn ended<T>(place: &mut Place<'_>, outcome: Outcome, output: T) -> T {
    let output = ManuallyDrop::new(output);
    place.end(outcome.into());
    ManuallyDrop::into_inner(output)
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
        let output = match watched(this.place, || this.future.poll(cx)) {
            Poll::Ready(output) => output,
            Poll::Pending => return Poll::Pending,
        };
        if let Some(classify) = this.classify.take() {
            // A classifier that panics is a failed call.
            let outcome = watched(this.place, || classify(&output));
            return Poll::Ready(ended(this.place, outcome, output));
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
        limit: Option<(Delay, Duration)>,
    }
}

/// Runs an admitted call to its end, or to the end of its time.
pub(crate) fn guard_timeout<F, C>(entered: Entered<'_>, future: F, classify: C) -> Limited<'_, F, C>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
{
    let limit = entered.core().timeout().map(|limit| (Delay::new(limit), limit));
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
        let Some((delay, limit)) = this.limit else { return Poll::Pending };
        match Pin::new(delay).poll(cx) {
            Poll::Ready(()) => {
                let place = this.call.project().place;
                place.end(End::Failure);
                Poll::Ready(Err(place.breaker.core.timed_out(*limit)))
            }
            Poll::Pending => Poll::Pending,
        }
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
pub(crate) fn call<F, J, A>(breaker: &CircuitBreaker, future: F, judge: J, answer: A) -> Call<'_, F, J, A>
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
        let breaker = this.place.breaker;
        let ticket = if this.place.ticket.word == Ticket::NONE.word {
            match breaker.core.admit() {
                Ok(ticket) => ticket,
                Err(refusal) => return Poll::Ready((this.answer)(refusal.error(&breaker.core))),
            }
        } else {
            std::mem::replace(&mut this.place.ticket, Ticket::NONE)
        };
        // In the meantime the ticket is in `entered`, for which a drop is a panic: of the future, or
        // of the judge.
        let entered = Entered::with(breaker, ticket);
        let output = match this.future.poll(cx) {
            Poll::Ready(output) => output,
            Poll::Pending => {
                this.place.ticket = entered.dissolve().1;
                return Poll::Pending;
            }
        };
        let outcome = (this.judge)(&output);
        Poll::Ready(entered.pass(output, outcome))
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

/// When a call is cut off.
#[derive(Debug)]
enum Limit {
    /// Not asked for yet: the time of a call begins when it is first polled.
    Unasked,
    Never,
    After(Delay, Duration),
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
        let place = call.place;
        if let Limit::Unasked = this.limit {
            *this.limit =
                place.breaker.core.timeout().map_or(Limit::Never, |limit| Limit::After(Delay::new(limit), limit));
        }
        let Limit::After(delay, limit) = this.limit else { return Poll::Pending };
        match Pin::new(delay).poll(cx) {
            Poll::Ready(()) => {
                place.end(End::Failure);
                Poll::Ready((call.answer)(place.breaker.core.timed_out(*limit)))
            }
            Poll::Pending => Poll::Pending,
        }
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
        let call = self::call(self, call.into_call(), C::Output::outcome, C::Output::answer);
        LimitedCall { call, limit: Limit::Unasked }
    }
}
