//! How a call ended, and the trait that reads it off a returned value.

/// How a call ended, as far as its breaker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The dependency works: ends a run of failures.
    Success,
    /// The dependency does not work.
    Failure,
    /// Says nothing about the dependency: counted, and otherwise as if the call had not been made.
    Ignored,
}

/// Reads the [`Outcome`] of a call off the value that it returned.
///
/// `Result` is a failure when it is `Err`, `Option` when it is `None`. Implement it for a type of
/// your own to teach every breaker what its failures are, or use `failure_if` at one function.
///
/// ```
/// use breakerbox::{Classify, Outcome};
///
/// struct Response { status: u16 }
///
/// impl Classify for Response {
///     fn outcome(&self) -> Outcome {
///         if self.status >= 500 { Outcome::Failure } else { Outcome::Success }
///     }
/// }
/// # assert_eq!(Response { status: 503 }.outcome(), Outcome::Failure);
/// ```
#[diagnostic::on_unimplemented(
    message = "`#[circuit_breaker]` does not know when a returned `{Self}` is a failure",
    label = "neither `Result` nor `Option`",
    note = "say when it is one: `#[circuit_breaker(.., failure_if = |value| <true for a failure>, fallback = path::to::function)]`",
    note = "or write `impl breakerbox::Classify for {Self}`"
)]
pub trait Classify {
    /// How the call that returned this value ended.
    fn outcome(&self) -> Outcome;
}

impl<T, E> Classify for Result<T, E> {
    #[inline]
    fn outcome(&self) -> Outcome {
        match self {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }
}

impl<T> Classify for Option<T> {
    #[inline]
    fn outcome(&self) -> Outcome {
        match self {
            Some(_) => Outcome::Success,
            None => Outcome::Failure,
        }
    }
}
