//! What the end of a request says about its host. How long the host asks to stay away is `retry_after`.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Response, StatusCode};
use reqwest_middleware::Error;

use super::failed::TryTimedOut;
use super::retry_after;
use crate::clock::precise;
use crate::error::CircuitBreakerError;
use crate::outcome::Outcome;

type Judge = dyn Fn(Result<&Response, &Error>) -> Outcome + Send + Sync;

/// How answers and errors are judged.
#[derive(Clone)]
pub(super) struct Judgement {
    judge: Arc<Judge>,
    pub(super) max_retry_after: Duration,
    /// When the caller gives up, if that is before hosts are too slow.
    gives_up: Option<u64>,
}

impl Default for Judgement {
    fn default() -> Self {
        Judgement { judge: Arc::new(default_outcome), max_retry_after: Duration::from_secs(300), gives_up: None }
    }
}

impl Judgement {
    pub(super) fn by(self, judge: impl Fn(Result<&Response, &Error>) -> Outcome + Send + Sync + 'static) -> Self {
        Judgement { judge: Arc::new(judge), ..self }
    }

    pub(super) fn by_status(self, fails: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.by(move |result| match result {
            Ok(response) => of_status(fails(response.status())),
            Err(error) => of_error(error),
        })
    }

    /// For a request whose caller gives up then, by the clock.
    pub(super) fn until(self, gives_up: Option<u64>) -> Self {
        Judgement { gives_up, ..self }
    }

    pub(super) fn outcome(&self, result: Result<&Response, &Error>) -> Outcome {
        match result {
            Err(error) if self.gives_up.is_some_and(|at| precise() >= at) && is_cut_off(error) => Outcome::Ignored,
            result => (self.judge)(result),
        }
    }

    /// How long a failed answer asks to stay away, within the limit.
    pub(super) fn stay_away(&self, result: &Result<Response, Error>) -> Option<Duration> {
        let asked = retry_after::of_response(result.as_ref().ok()?)?;
        Some(asked.min(self.max_retry_after)).filter(|time| !time.is_zero())
    }
}

impl fmt::Debug for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judgement").field("max_retry_after", &self.max_retry_after).finish_non_exhaustive()
    }
}

/// How a request ended, as far as its host is concerned, unless [`classify`](super::CircuitBreakerMiddleware::classify)
/// says otherwise; for a classifier that decides about some answers only.
///
/// | the request ended with | outcome |
/// |---|---|
/// | 5xx but 501 and 505, or 429 | failure |
/// | any other answer | success |
/// | no connection, no answer in time, an answer that breaks off or cannot be read, its body too | failure |
/// | a request that cannot be sent, a body of the caller's that fails, too many redirects | ignored |
/// | the refusal of another breaker, or an error of another middleware that no transport caused | ignored |
pub fn default_outcome(result: Result<&Response, &Error>) -> Outcome {
    match result {
        Ok(response) => of_status(fails(response.status())),
        Err(error) => of_error(error),
    }
}

fn of_status(fails: bool) -> Outcome {
    if fails { Outcome::Failure } else { Outcome::Success }
}

/// 501 and 505 say what the server is, not how it is.
fn fails(status: StatusCode) -> bool {
    let is_answer = matches!(status, StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() && !is_answer
}

fn of_error(error: &Error) -> Outcome {
    match error {
        Error::Reqwest(error) => of_transport(error),
        Error::Middleware(_) => chain(error).find_map(of_link).unwrap_or(Outcome::Ignored),
    }
}

/// What one link of an error's chain says about the host, if anything.
fn of_link(link: &(dyn StdError + 'static)) -> Option<Outcome> {
    if let Some(error) = link.downcast_ref::<CircuitBreakerError>() {
        return Some(if error.is_timeout() { Outcome::Failure } else { Outcome::Ignored });
    }
    #[cfg(feature = "reqwest-retry")]
    if let Some(reqwest_retry::RetryError::Error(error)) = link.downcast_ref() {
        return Some(of_error(error));
    }
    if let Some(error) = link.downcast_ref::<Error>() {
        return Some(of_error(error));
    }
    if let Some(error) = link.downcast_ref::<reqwest::Error>() {
        return Some(of_transport(error));
    }
    link.is::<TryTimedOut>().then_some(Outcome::Failure)
}

/// Whether the limit of the request ended it, which is not that of connecting.
fn is_cut_off(error: &Error) -> bool {
    let of_link = |error: &reqwest::Error| error.is_timeout() && !error.is_connect();
    chain(error).any(|link| link.downcast_ref().is_some_and(of_link))
}

fn of_transport(error: &reqwest::Error) -> Outcome {
    if let Some(status) = error.status() {
        return of_status(fails(status));
    }
    let is_body = |link: &(dyn StdError + 'static)| link.downcast_ref().is_some_and(reqwest::Error::is_body);
    let is_of_caller = if error.is_decode() {
        // By who reads bodies within: text that is no JSON says nothing, but one that breaks off does.
        !links(error).any(|link| link.is::<io::Error>() || is_body(link))
    } else {
        // Outermost it is the body of the answer, further in that of the request.
        error.is_builder() || error.is_redirect() || !error.is_body() && links(error).any(is_body)
    };
    if is_of_caller { Outcome::Ignored } else { Outcome::Failure }
}

/// An error and what caused it, outermost first.
pub(super) fn chain(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    links(match error {
        Error::Middleware(error) => error.as_ref(),
        Error::Reqwest(error) => error,
    })
}

fn links<'a>(first: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(first), |&link| link.source())
}
