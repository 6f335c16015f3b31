//! Futures of functions that are not `async`: they ask the breaker when they are first polled, as an
//! `async fn` does. What an admitted one is driven by is `crate::future`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::call::{Entered, enter};
use crate::error::CircuitBreakerError;
use crate::future::{Guarded, Limited};
use crate::handle::CircuitBreaker;
use crate::outcome::Outcome;

/// Types the `async` block that it is returned in.
#[inline(always)]
pub fn ret<R>() -> Option<R> {
    None
}

/// Calls a body, which is a closure only to be a scope of its own. Here it is `FnOnce` by
/// expectation; called in place it would be what its captures make it, and could not lend them out.
#[inline(always)]
pub fn body<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Calls a body that returns some future.
#[inline(always)]
pub fn future<R, F, B>(body: B) -> F
where
    F: Future<Output = R>,
    B: FnOnce() -> F,
{
    body()
}

/// Makes a boxed future pollable.
#[inline]
pub fn pinned<F: ?Sized>(future: Box<F>) -> Pin<Box<F>> {
    future.into()
}

/// Drives an admitted call.
#[inline(always)]
pub fn guard<R, F, C>(entered: Entered<'_>, future: F, judge: C) -> Guarded<'_, F, C>
where
    F: Future<Output = R>,
    C: FnOnce(&R) -> Outcome,
{
    crate::future::guard(entered, future, judge)
}

/// The same, with a limit of time.
#[inline(always)]
pub fn guard_timeout<R, F, C>(entered: Entered<'_>, future: F, judge: C) -> Limited<'_, F, C>
where
    F: Future<Output = R>,
    C: FnOnce(&R) -> Outcome,
{
    crate::future::guard_timeout(entered, future, judge)
}

pin_project! {
    /// A future that has not asked the breaker yet, or was admitted by it.
    #[project = Step]
    #[project_replace = Last]
    #[must_use = "futures do nothing unless polled"]
    pub enum Deferred<F, C>
    where
        F: Future,
    {
        // A pointer, and not a type of its own, so that a return type that cannot be refused is
        // reported where it stands and not at every use of this one.
        Waiting { breaker: &'static CircuitBreaker, future: F, judge: C, answer: fn(CircuitBreakerError) -> F::Output },
        Running { #[pin] guarded: Guarded<'static, F, C> },
        Over,
    }
}

/// A future that passes through the breaker.
#[inline]
pub fn deferred<R, F, C>(
    breaker: &'static CircuitBreaker,
    answer: fn(CircuitBreakerError) -> R,
    future: F,
    judge: C,
) -> Deferred<F, C>
where
    F: Future<Output = R>,
    C: FnOnce(&R) -> Outcome,
{
    Deferred::Waiting { breaker, future, judge, answer }
}

impl<F, C> Future for Deferred<F, C>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
{
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if let Step::Waiting { .. } = self.as_mut().project()
            && let Last::Waiting { breaker, future, judge, answer } = self.as_mut().project_replace(Deferred::Over)
        {
            match enter(breaker) {
                Ok(entered) => self.set(Deferred::Running { guarded: crate::future::guard(entered, future, judge) }),
                Err(error) => return Poll::Ready(answer(error)),
            }
        }
        match self.project() {
            Step::Running { guarded } => guarded.poll(cx),
            // Polled after its end, which is a mistake of the caller.
            Step::Waiting { .. } | Step::Over => Poll::Pending,
        }
    }
}

/// A boxed future that another one can be put in the place of.
#[diagnostic::on_unimplemented(
    message = "`returns = future` cannot make a `{Self}`",
    label = "not a `Pin<Box<dyn Future>>`",
    note = "return `impl Future<Output = ..>` or `Pin<Box<dyn Future<Output = ..>>>`, or make the function `async`"
)]
pub trait Rewrap<F> {
    fn rewrap(future: F) -> Self;
}

macro_rules! rewraps {
    ($($bound:ident $(+ $more:ident)*)?) => {
        impl<'a, R, F> Rewrap<F> for Pin<Box<dyn Future<Output = R> $(+ $bound $(+ $more)*)? + 'a>>
        where
            F: Future<Output = R> $(+ $bound $(+ $more)*)? + 'a,
        {
            #[inline]
            fn rewrap(future: F) -> Self {
                Box::pin(future)
            }
        }
    };
}

rewraps!();
rewraps!(Send);
rewraps!(Send + Sync);

/// Boxes a future as the type that the function returns.
#[inline]
pub fn boxed<B, F>(future: F) -> B
where
    B: Rewrap<F>,
{
    B::rewrap(future)
}
