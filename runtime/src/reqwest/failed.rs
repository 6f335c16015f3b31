//! Errors of requests that a breaker refused, or that were cut off: how they are put into the error of
//! reqwest-middleware, and how they are found in there.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest_middleware::Error;

use super::host::Host;
use super::judgement::chain;
use crate::duration;
use crate::error::CircuitBreakerError;

/// Why a breaker refused a request or cut it off, if that is what the error is about.
///
/// It looks through what other middlewares wrap around it, such as the error of reqwest-retry.
///
/// ```no_run
/// # async fn f(client: reqwest_middleware::ClientWithMiddleware) {
/// if let Err(error) = client.get("http://api.example.com/").send().await
///     && let Some(refused) = breakerbox::reqwest::refusal(&error)
/// {
///     println!("{} is down, again in {:?}", refused.name(), refused.retry_after());
/// }
/// # }
/// ```
pub fn refusal(error: &Error) -> Option<&CircuitBreakerError> {
    chain(error).find_map(|link| link.downcast_ref().or_else(|| link.downcast_ref().and_then(refusal)))
}

/// Whether a limit of time ended the request, whoever has set it.
pub(super) fn is_timeout(error: &Error) -> bool {
    let of_link = |link: &(dyn StdError + 'static)| {
        link.is::<TryTimedOut>()
            || link.downcast_ref().is_some_and(CircuitBreakerError::is_timeout)
            || link.downcast_ref().is_some_and(reqwest::Error::is_timeout)
            || link.downcast_ref().is_some_and(is_timeout)
    };
    chain(error).any(of_link)
}

/// The error of a request that a breaker refused or cut off. The reason is its source, where it is found
/// through errors that pass on the source of another as their own.
pub(super) fn stopped(url: &Url, reason: CircuitBreakerError) -> Error {
    let stopped = Stopped { host: Host(url).to_string(), is_rejected: reason.is_rejected() };
    Error::Middleware(anyhow::Error::new(reason).context(stopped))
}

#[derive(Debug)]
struct Stopped {
    host: String,
    is_rejected: bool,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_rejected { "not sent" } else { "cut off" };
        write!(f, "request to {} {what}", self.host)
    }
}

/// One try of an [`HttpClient`](super::HttpClient) took too long.
#[derive(Debug)]
pub(super) struct TryTimedOut(pub(super) Duration);

impl fmt::Display for TryTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {}", duration::text(self.0))
    }
}

impl StdError for TryTimedOut {}
