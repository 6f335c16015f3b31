//! What a refused call returns when no fallback answers: the error of the return type, made from
//! the refusal. The traits here are read by users, in the messages of the compiler.

use crate::__private::{ByType, Judge};
use crate::error::CircuitBreakerError;
use crate::outcome::Classify;

/// A returned type with a place for a refusal.
#[diagnostic::on_unimplemented(
    message = "`#[circuit_breaker]` does not know when a returned `{Self}` is a failure, or what to return while the circuit is open",
    label = "neither a `Result` nor an `Option`",
    note = "say both: `#[circuit_breaker(.., failure_if = |returned| <true for a failure>, fallback = path::to::function)]`",
    note = "or return a `Result`",
    note = "if `{Self}` is an alias of a boxed future, write `#[circuit_breaker(.., returns = future)]`"
)]
pub trait Respond: Classify {
    type Error;
    /// Always [`ByType`]. Where a type has none the compiler is silent about what it is used for.
    type Judge: Judge<Self> + Copy;

    const JUDGE: Self::Judge;

    fn respond(error: Self::Error) -> Self;
}

impl<T, E> Respond for Result<T, E> {
    type Error = E;
    type Judge = ByType;

    const JUDGE: ByType = ByType;

    #[inline]
    fn respond(error: E) -> Self {
        Err(error)
    }
}

impl<T> Respond for Option<T> {
    type Error = Nothing;
    type Judge = ByType;

    const JUDGE: ByType = ByType;

    #[inline]
    fn respond(_: Nothing) -> Self {
        None
    }
}

/// The error of an `Option`.
#[derive(Debug)]
pub struct Nothing;

impl From<CircuitBreakerError> for Nothing {
    #[inline]
    fn from(_: CircuitBreakerError) -> Self {
        Nothing
    }
}

/// An error type that can hold a refusal.
#[diagnostic::on_unimplemented(
    message = "the error type `{Self}` cannot represent an open circuit",
    label = "`#[circuit_breaker]` must return a `{Self}` when it rejects a call",
    note = "add a variant `#[from] breakerbox::CircuitBreakerError` (thiserror), or write `impl From<breakerbox::CircuitBreakerError> for {Self}`",
    note = "or convert at this function: `#[circuit_breaker(.., on_open = |open| <your error>)]`",
    note = "or answer without an error: `#[circuit_breaker(.., fallback = path::to::function)]`"
)]
pub trait FromOpen {
    fn from_open(error: CircuitBreakerError) -> Self;
}

impl<E: From<CircuitBreakerError>> FromOpen for E {
    #[inline]
    fn from_open(error: CircuitBreakerError) -> Self {
        E::from(error)
    }
}

/// The answer of the error type.
#[inline]
pub fn refuse<R>(error: CircuitBreakerError) -> R
where
    R: Respond,
    R::Error: FromOpen,
{
    R::respond(R::Error::from_open(error))
}

/// A returned type with an error: `on_open` makes one, `ignore_if` is asked about one.
#[diagnostic::on_unimplemented(
    message = "`on_open` and `ignore_if` are about the error of a `Result`, and a returned `{Self}` has none",
    label = "not a `Result`",
    note = "instead of `ignore_if` write `failure_if = |returned| <true for a failure>`",
    note = "instead of `on_open` write `fallback = || <what to return>`"
)]
pub trait Fallible: Classify {
    type Failure;

    fn failure(&self) -> Option<&Self::Failure>;

    fn fail(error: Self::Failure) -> Self;
}

impl<T, E> Fallible for Result<T, E> {
    type Failure = E;

    #[inline]
    fn failure(&self) -> Option<&E> {
        self.as_ref().err()
    }

    #[inline]
    fn fail(error: E) -> Self {
        Err(error)
    }
}

/// The answer of a closure that looks at the refusal.
#[cold]
pub fn on_open<R, F>(make: F, error: CircuitBreakerError) -> R
where
    R: Fallible,
    F: FnOnce(CircuitBreakerError) -> R::Failure,
{
    R::fail(make(error))
}

/// The answer of a closure that does not look.
#[cold]
pub fn on_open_unasked<R, F>(make: F, _: CircuitBreakerError) -> R
where
    R: Fallible,
    F: FnOnce() -> R::Failure,
{
    R::fail(make())
}

/// The answer of an expression: a function, or the error itself. `M` tells them apart.
#[cold]
pub fn on_open_value<R, V, M>(value: V, error: CircuitBreakerError) -> R
where
    R: Fallible,
    V: OnOpen<R::Failure, M>,
{
    R::fail(value.make(error))
}

/// What `on_open` takes, if it is no closure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the `on_open` of a function whose error is `{E}`",
    label = "neither a `{E}` nor a function that makes one",
    note = "write `on_open = |open| <a value of type {E}>`"
)]
pub trait OnOpen<E, M> {
    fn make(self, error: CircuitBreakerError) -> E;
}

#[derive(Debug)]
pub struct IsError;

#[derive(Debug)]
pub struct MakesError;

#[derive(Debug)]
pub struct MakesErrorUnasked;

#[diagnostic::do_not_recommend]
impl<E> OnOpen<E, IsError> for E {
    #[inline]
    fn make(self, _: CircuitBreakerError) -> E {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<E, F: FnOnce(CircuitBreakerError) -> E> OnOpen<E, MakesError> for F {
    #[inline]
    fn make(self, error: CircuitBreakerError) -> E {
        self(error)
    }
}

#[diagnostic::do_not_recommend]
impl<E, F: FnOnce() -> E> OnOpen<E, MakesErrorUnasked> for F {
    #[inline]
    fn make(self, _: CircuitBreakerError) -> E {
        self()
    }
}
