//! How a future runs under a breaker, and the shapes in which functions return one. What drives it is
//! `crate::future`.

use std::future::Future;
use std::pin::Pin;

use crate::breaker::Core;
use crate::call::Entered;
use crate::error::CircuitBreakerError;
use crate::future::{Call, Guarded, Limited, call};
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

/// A future that passes through the breaker, which it asks when it is first polled. `answer` is a
/// pointer, and not a type of its own, so that a return type that cannot be refused is reported
/// where it stands and not at every use of this one.
#[inline]
pub fn deferred<R, F, C>(
    breaker: &Core,
    answer: fn(CircuitBreakerError) -> R,
    future: F,
    judge: C,
) -> Call<'_, F, C, fn(CircuitBreakerError) -> R>
where
    F: Future<Output = R>,
    C: Fn(&R) -> Outcome,
{
    call(breaker, future, judge, answer)
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
