//! Fallbacks: a function of any number of parameters, with or without the error at the end, and in
//! an async function with a value or a future as its result. The types decide.

use std::future::{Future, Pending};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::breaker::Core;
use crate::error::CircuitBreakerError;
use crate::outcome::{Classify, Outcome};

/// A function that takes what the annotated one takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the fallback of this function",
    label = "expected a function that takes `{A}`, or these and a `CircuitBreakerError`",
    note = "a fallback takes the same parameters in the same order, the receiver first, and may take a `breakerbox::CircuitBreakerError` at the end",
    note = "it must not be `unsafe`; where types differ or a fixed value will do, write a closure: `fallback = |open| ..`"
)]
pub trait Fallback<A, M> {
    type Output;

    fn call(self, arguments: A, error: CircuitBreakerError) -> Self::Output;
}

/// Marks a fallback that takes the arguments alone.
#[derive(Debug)]
pub struct Bare;

/// Marks a fallback that takes the error too.
#[derive(Debug)]
pub struct WithError;

macro_rules! arities {
    () => {};
    ($first:ident $($rest:ident)*) => {
        arities!($($rest)*);
        arity!($first $($rest)*);
    };
}

macro_rules! arity {
    ($($argument:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<F, O, $($argument),*> Fallback<($($argument,)*), Bare> for F
        where
            F: FnOnce($($argument),*) -> O,
        {
            type Output = O;

            #[inline]
            #[allow(non_snake_case)]
            fn call(self, ($($argument,)*): ($($argument,)*), _: CircuitBreakerError) -> O {
                self($($argument),*)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<F, O, $($argument),*> Fallback<($($argument,)*), WithError> for F
        where
            F: FnOnce($($argument,)* CircuitBreakerError) -> O,
        {
            type Output = O;

            #[inline]
            #[allow(non_snake_case)]
            fn call(self, ($($argument,)*): ($($argument,)*), error: CircuitBreakerError) -> O {
                self($($argument,)* error)
            }
        }
    };
}

arity!();
arities!(A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15);

/// Calls a function.
#[inline]
pub fn fallback<A, F, M>(function: F, arguments: A, error: CircuitBreakerError) -> F::Output
where
    F: Fallback<A, M>,
{
    function.call(arguments, error)
}

/// Calls a closure that looks at the error.
#[inline]
pub fn answer<R, F: FnOnce(CircuitBreakerError) -> R>(closure: F, error: CircuitBreakerError) -> R {
    closure(error)
}

/// Calls a closure that does not look.
#[inline]
pub fn answer_unasked<R, F: FnOnce() -> R>(closure: F, _: CircuitBreakerError) -> R {
    closure()
}

/// Calls a closure whose result may be a future.
#[inline]
pub fn begin<O, F: FnOnce(CircuitBreakerError) -> O>(closure: F, error: CircuitBreakerError) -> O {
    closure(error)
}

/// Calls a closure that does not look, whose result may be a future.
#[inline]
pub fn begin_unasked<O, F: FnOnce() -> O>(closure: F, _: CircuitBreakerError) -> O {
    closure()
}

/// The result of a fallback in an async function: the value, or a future of it. `M` tells them apart.
#[diagnostic::on_unimplemented(
    message = "mismatched types: the fallback returns `{Self}`, the function `{R}`",
    label = "expected `{R}`, or a future of it"
)]
pub trait Reply<R, M> {
    type Rest: Future<Output = R>;

    /// The value at once, or what is to be awaited.
    fn begin(self) -> Result<R, Self::Rest>;
}

#[derive(Debug)]
pub struct Now;

#[derive(Debug)]
pub struct Later;

#[diagnostic::do_not_recommend]
impl<R> Reply<R, Now> for R {
    type Rest = Pending<R>;

    #[inline]
    fn begin(self) -> Result<R, Pending<R>> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<R, F: Future<Output = R>> Reply<R, Later> for F {
    type Rest = F;

    #[inline]
    fn begin(self) -> Result<R, F> {
        Err(self)
    }
}

pin_project! {
    /// A fallback of an async function. Holds no result, which need not be `Send`.
    #[must_use = "futures do nothing unless polled"]
    pub struct Replying<C, S, T> {
        call: Option<C>,
        #[pin]
        rest: Option<S>,
        types: PhantomData<fn() -> T>,
    }
}

/// The answer of a fallback, called when this is first polled.
#[inline]
pub fn reply<R, C, O, M>(call: C) -> Replying<C, O::Rest, (R, M)>
where
    C: FnOnce() -> O,
    O: Reply<R, M>,
{
    Replying { call: Some(call), rest: None, types: PhantomData }
}

impl<R, C, O, M> Future for Replying<C, O::Rest, (R, M)>
where
    C: FnOnce() -> O,
    O: Reply<R, M>,
{
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let mut this = self.project();
        if let Some(call) = this.call.take() {
            match call().begin() {
                Ok(value) => return Poll::Ready(value),
                Err(rest) => this.rest.set(Some(rest)),
            }
        }
        match this.rest.as_pin_mut() {
            Some(rest) => rest.poll(cx),
            // Polled after its end, which is a mistake of the caller.
            None => Poll::Pending,
        }
    }
}

/// The value of a fallback that succeeded; of one that failed there is a next one.
#[inline]
pub fn succeeded<R: Classify>(returned: R) -> Option<R> {
    succeeded_by(returned, R::outcome)
}

#[inline]
pub fn succeeded_by<R, C: FnOnce(&R) -> Outcome>(returned: R, judge: C) -> Option<R> {
    if judge(&returned) == Outcome::Failure { None } else { Some(returned) }
}

/// An argument once more.
#[inline]
pub fn copy<T: Clone>(argument: &T) -> T {
    argument.clone()
}

/// What a fallback hears of a call that was admitted and failed.
#[cold]
pub fn failed(breaker: &Core) -> CircuitBreakerError {
    breaker.failed()
}
