//! What a caller gets for a call that was refused, cut off or failed. Whether it failed is `classify`.

use super::error::{BoxError, Error};
use crate::error::CircuitBreakerError;

/// What a call is answered with that the breaker has refused or cut off, and what becomes of the
/// errors of the inner service.
///
/// A closure `Fn(CircuitBreakerError) -> Result<Response, Error>` is one, which keeps the inner
/// service's types: a fallback, or an error of your own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what a refused call is where the inner service returns `Result<{Res}, {E}>`",
    note = "without `.answer(..)`, `{E}` has to be `Into<BoxError>`, as every `Error + Send + Sync` is",
    note = "`.answer(Kept)` keeps an error type that is `From<CircuitBreakerError>`, `.answer(|refusal| ..)` any"
)]
pub trait Answer<Res, E> {
    /// The error of the service.
    type Error;

    /// Instead of a call that was refused or cut off.
    fn refused(&self, refusal: CircuitBreakerError) -> Result<Res, Self::Error>;

    /// For an error of the inner service.
    fn failed(&self, error: E) -> Self::Error;
}

/// The default: an [`Error`], whatever the inner service's error is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boxed;

impl<Res, E: Into<BoxError>> Answer<Res, E> for Boxed {
    type Error = Error;

    fn refused(&self, refusal: CircuitBreakerError) -> Result<Res, Error> {
        Err(Error::refused(refusal))
    }

    fn failed(&self, error: E) -> Error {
        Error::failed(error.into())
    }
}

/// The error type of the inner service, where a refusal can be one: `E: From<CircuitBreakerError>`.
/// So can a `BoxError`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept;

impl<Res, E: From<CircuitBreakerError>> Answer<Res, E> for Kept {
    type Error = E;

    fn refused(&self, refusal: CircuitBreakerError) -> Result<Res, E> {
        Err(refusal.into())
    }

    fn failed(&self, error: E) -> E {
        error
    }
}

impl<F, Res, E> Answer<Res, E> for F
where
    F: Fn(CircuitBreakerError) -> Result<Res, E>,
{
    type Error = E;

    fn refused(&self, refusal: CircuitBreakerError) -> Result<Res, E> {
        self(refusal)
    }

    fn failed(&self, error: E) -> E {
        error
    }
}
