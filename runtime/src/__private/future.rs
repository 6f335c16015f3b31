//! Futures of functions that are not `async`: they ask the breaker when they are first polled, as an
//! `async fn` does. What an admitted one is driven by is `call::Guarded`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::__private::{FromOpen, Respond, refuse};
use crate::call::{Entered, Guarded, enter, guard as guard_by, guard_timeout as guard_timeout_by};
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;
use crate::outcome::{Classify, Outcome};

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

/// Drives an admitted call whose type says what a failure is.
#[inline]
pub fn guard<R, F>(entered: Entered<'_>, future: F) -> Guarded<'_, F, impl FnOnce(&R) -> Outcome + use<R, F>>
where
    R: Classify,
    F: Future<Output = R>,
{
    guard_by(entered, future, R::outcome)
}

/// The same, with a limit of time.
#[inline]
pub fn guard_timeout<'a, R, F>(
    entered: Entered<'a>,
    future: F,
) -> impl Future<Output = Result<R, CircuitBreakerError>> + use<'a, R, F>
where
    R: Classify,
    F: Future<Output = R>,
{
    guard_timeout_by(entered, future, R::outcome)
}

pin_project! {
    /// A future that has not asked the breaker yet, or was admitted by it.
    #[project = Step]
    #[project_replace = Last]
    #[must_use = "futures do nothing unless polled"]
    pub enum Deferred<F, C, A> {
        Waiting { breaker: &'static CircuitBreaker, future: F, judge: C, answer: A },
        Running { #[pin] guarded: Guarded<'static, F, C> },
        Over,
    }
}

/// A future that passes through the breaker.
#[inline]
pub fn deferred<R, F>(
    breaker: &'static CircuitBreaker,
    future: F,
) -> Deferred<F, impl FnOnce(&R) -> Outcome + use<R, F>, impl FnOnce(CircuitBreakerError) -> R + use<R, F>>
where
    R: Respond,
    R::Error: FromOpen,
    F: Future<Output = R>,
{
    Deferred::Waiting { breaker, future, judge: R::outcome, answer: refuse::<R> }
}

#[inline]
pub fn deferred_by<R, F, C>(
    breaker: &'static CircuitBreaker,
    future: F,
    judge: C,
) -> Deferred<F, C, impl FnOnce(CircuitBreakerError) -> R + use<R, F, C>>
where
    R: Respond,
    R::Error: FromOpen,
    F: Future<Output = R>,
    C: FnOnce(&R) -> Outcome,
{
    Deferred::Waiting { breaker, future, judge, answer: refuse::<R> }
}

// What can be refused is asked of `deferred` alone, so that a type that cannot is reported once.
impl<F, C, A> Future for Deferred<F, C, A>
where
    F: Future,
    C: FnOnce(&F::Output) -> Outcome,
    A: FnOnce(CircuitBreakerError) -> F::Output,
{
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if let Step::Waiting { .. } = self.as_mut().project()
            && let Last::Waiting { breaker, future, judge, answer } = self.as_mut().project_replace(Deferred::Over)
        {
            match enter(breaker) {
                Ok(entered) => self.set(Deferred::Running { guarded: guard_by(entered, future, judge) }),
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
