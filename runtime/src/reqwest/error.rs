//! The error of an `HttpClient`: what went wrong, and after how many tries.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use reqwest_middleware::Error;

use super::failed::{is_timeout, refusal};
use crate::config::ConfigError;
use crate::error::CircuitBreakerError;

/// Why a request of an [`HttpClient`](super::HttpClient) has no answer.
///
/// An answer with a status of failure is an answer: `error_for_status` of the response makes it a `reqwest::Error`,
/// which `?` turns into this.
pub struct HttpError {
    kind: Kind,
    attempts: u32,
}

#[derive(Debug)]
enum Kind {
    Request(Error),
    Settings(ConfigError),
}

impl HttpError {
    pub(super) fn of_request(error: Error, attempts: u32) -> Self {
        HttpError { kind: Kind::Request(error), attempts }
    }

    fn request(&self) -> Option<&Error> {
        match &self.kind {
            Kind::Request(error) => Some(error),
            Kind::Settings(_) => None,
        }
    }

    fn transport(&self) -> Option<&reqwest::Error> {
        match self.request()? {
            Error::Reqwest(error) => Some(error),
            Error::Middleware(_) => None,
        }
    }

    /// Why the breaker refused the request, or cut it off after its `timeout`.
    pub fn refusal(&self) -> Option<&CircuitBreakerError> {
        self.request().and_then(refusal)
    }

    /// Whether the circuit refused the request. A try before that one may have been sent: see
    /// [`attempts`](Self::attempts).
    pub fn is_rejected(&self) -> bool {
        self.refusal().is_some_and(CircuitBreakerError::is_rejected)
    }

    /// How long until the circuit admits a trial; `None` if it has not refused the request, or nobody knows.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(CircuitBreakerError::retry_after)
    }

    /// Whether a limit of time ended the request: of the client, the connection, the try, or the breaker.
    pub fn is_timeout(&self) -> bool {
        self.request().is_some_and(is_timeout)
    }

    /// Whether there was no connection.
    pub fn is_connect(&self) -> bool {
        self.transport().is_some_and(reqwest::Error::is_connect)
    }

    /// Whether the request could not be sent, or had no answer.
    pub fn is_request(&self) -> bool {
        self.transport().is_some_and(reqwest::Error::is_request)
    }

    /// Whether it is about a body.
    pub fn is_body(&self) -> bool {
        self.transport().is_some_and(reqwest::Error::is_body)
    }

    /// Whether the body of an answer could not be read: it broke off, or is not what was asked for, such as JSON.
    pub fn is_decode(&self) -> bool {
        self.transport().is_some_and(reqwest::Error::is_decode)
    }

    /// Whether a redirect was not followed.
    pub fn is_redirect(&self) -> bool {
        self.transport().is_some_and(reqwest::Error::is_redirect)
    }

    /// Whether `error_for_status` has made it.
    pub fn is_status(&self) -> bool {
        self.transport().is_some_and(reqwest::Error::is_status)
    }

    /// Whether the request, or the client, could not be built.
    pub fn is_builder(&self) -> bool {
        matches!(self.kind, Kind::Settings(_)) || self.transport().is_some_and(reqwest::Error::is_builder)
    }

    /// The status, of an error that `error_for_status` has made.
    pub fn status(&self) -> Option<StatusCode> {
        self.transport().and_then(reqwest::Error::status)
    }

    /// The address that the error is about, where reqwest knows it.
    pub fn url(&self) -> Option<&Url> {
        self.transport().and_then(reqwest::Error::url)
    }

    /// The same error without the address, which may hold secrets.
    #[must_use]
    pub fn without_url(self) -> Self {
        let kind = match self.kind {
            Kind::Request(Error::Reqwest(error)) => Kind::Request(Error::Reqwest(error.without_url())),
            other => other,
        };
        HttpError { kind, ..self }
    }

    /// How many tries were sent, or begun. 0 if the first one was refused.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpError").field("kind", &self.kind).field("attempts", &self.attempts).finish()
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Settings(error) => error.fmt(f),
            Kind::Request(error) => {
                error.fmt(f)?;
                if self.attempts > 1 { write!(f, ", after {} tries", self.attempts) } else { Ok(()) }
            }
        }
    }
}

impl StdError for HttpError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            // It stands for the error that it shows as.
            Kind::Request(error) => error.source(),
            Kind::Settings(error) => error.source(),
        }
    }
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        HttpError::of_request(error.into(), 0)
    }
}

impl From<ConfigError> for HttpError {
    fn from(error: ConfigError) -> Self {
        HttpError { kind: Kind::Settings(error), attempts: 0 }
    }
}
