//! Why a request to the admin API brought nothing.

use std::fmt;
use std::time::Duration;

/// What kind of trouble a [`ClientError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// The client cannot be made so: the address or the token is unusable. Nothing was sent.
    Setup,
    /// Nobody answers there, or the connection broke off.
    Unreachable,
    /// The answer did not come in time.
    TimedOut,
    /// The server wants a token, and none or another one was sent (401).
    Unauthorized,
    /// The server does not allow this at all (403).
    Forbidden,
    /// There is no such breaker (404).
    NotFound,
    /// The server does not accept the request, such as a bad setting (other 4xx with a problem).
    Refused,
    /// What came is no answer of the admin API: another status, a page, other JSON.
    Unexpected,
}

/// Why a request to the admin API brought nothing. It never holds the token.
///
/// ```no_run
/// # async fn f() -> Result<(), breakerbox::admin::ClientError> {
/// use breakerbox::admin::{Client, ClientErrorKind};
///
/// let client = Client::new("http://127.0.0.1:8080")?;
/// let error = client.config("payments", [("failure_threshold", 0)]).await.unwrap_err();
/// assert_eq!(error.kind(), ClientErrorKind::Refused);
/// assert_eq!(error.key(), Some("failure_threshold"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientError {
    inner: Box<Inner>,
}

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ClientErrorKind,
    message: String,
    status: Option<u16>,
    detail: Option<String>,
    key: Option<String>,
}

impl ClientError {
    pub(super) fn new(kind: ClientErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner { kind, message: message.into(), status: None, detail: None, key: None };
        ClientError { inner: Box::new(inner) }
    }

    /// What the transport tells, in the words of its first cause; the others only say that there is one.
    pub(super) fn transport(error: &reqwest::Error, at: &str, timeout: Duration) -> Self {
        if error.is_timeout() {
            return Self::timed_out(at, timeout);
        }
        let cause = first_cause(error);
        if cause.contains("scheme is not http") {
            let message =
                format!("cannot speak https to {at}: switch on the feature `rustls` of reqwest in Cargo.toml");
            return ClientError::new(ClientErrorKind::Setup, message);
        }
        let message = if error.is_connect() {
            format!("cannot reach {at}: {cause}")
        } else {
            format!("the connection to {at} broke off: {cause}")
        };
        ClientError::new(ClientErrorKind::Unreachable, message)
    }

    pub(super) fn timed_out(at: &str, timeout: Duration) -> Self {
        let message = format!("no answer from {at} within {}", crate::duration::text(timeout));
        ClientError::new(ClientErrorKind::TimedOut, message)
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.inner.status = Some(status);
        self
    }

    pub(super) fn with_problem(mut self, detail: Option<String>, key: Option<String>) -> Self {
        self.inner.detail = detail;
        self.inner.key = key;
        self
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> ClientErrorKind {
        self.inner.kind
    }

    /// The HTTP status of the answer, if there was one that is an error.
    pub fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// What the server says about it, as it says it: text from elsewhere.
    pub fn detail(&self) -> Option<&str> {
        self.inner.detail.as_deref()
    }

    /// The key of the setting that was refused, such as `failure_threshold`; of a client that cannot be made, `url` or
    /// `token`.
    pub fn key(&self) -> Option<&str> {
        self.inner.key.as_deref()
    }

    /// Whether the same request may succeed later: unreachable, timed out, or an error of the server (429, 5xx).
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind(), ClientErrorKind::Unreachable | ClientErrorKind::TimedOut)
            || self.status().is_some_and(|status| status == 429 || status >= 500)
    }
}

fn first_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientError")
            .field("kind", &self.kind())
            .field("message", &self.inner.message)
            .field("status", &self.status())
            .field("key", &self.key())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ClientError {}
