//! Whether a call through a service has failed. What its caller gets is `answer`.

use crate::outcome::Outcome;

/// Reads the [`Outcome`] of a call off what the inner service returned.
///
/// A closure `Fn(&Result<Response, Error>) -> Outcome` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know when a `Result<{Res}, {E}>` is a failure",
    note = "say it: `.classify(|result: &Result<{Res}, {E}>| ..)`"
)]
pub trait Classifier<Res, E> {
    /// How the call ended that returned this.
    fn outcome(&self, result: &Result<Res, E>) -> Outcome;
}

impl<F, Res, E> Classifier<Res, E> for F
where
    F: Fn(&Result<Res, E>) -> Outcome,
{
    fn outcome(&self, result: &Result<Res, E>) -> Outcome {
        self(result)
    }
}

/// The default: an error is a failure, every response a success.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors;

impl<Res, E> Classifier<Res, E> for Errors {
    fn outcome(&self, result: &Result<Res, E>) -> Outcome {
        if result.is_ok() { Outcome::Success } else { Outcome::Failure }
    }
}

/// For HTTP: an error is a failure, and so is a response with a status of 500 to 599.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerErrors;

impl<B, E> Classifier<http::Response<B>, E> for ServerErrors {
    fn outcome(&self, result: &Result<http::Response<B>, E>) -> Outcome {
        match result {
            Ok(response) if !response.status().is_server_error() => Outcome::Success,
            _ => Outcome::Failure,
        }
    }
}
