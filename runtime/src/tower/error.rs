//! The error of a service behind a breaker: what the breaker says, or what the inner service says.

use std::error;
use std::fmt;

use crate::error::CircuitBreakerError;

/// Any error, as services of tower pass them on.
pub type BoxError = Box<dyn error::Error + Send + Sync>;

/// The error of a call through a [`CircuitBreakerService`](super::CircuitBreakerService): the breaker's,
/// or the inner service's. It reads like the one that it holds.
///
/// ```
/// use breakerbox::tower::Error;
///
/// fn may_be_retried(error: &Error) -> bool {
///     !error.is_rejected()
/// }
/// # let _ = may_be_retried;
/// ```
pub struct Error(Kind);

enum Kind {
    Refused(CircuitBreakerError),
    Failed(BoxError),
}

impl Error {
    pub(super) fn refused(refusal: CircuitBreakerError) -> Self {
        Error(Kind::Refused(refusal))
    }

    pub(super) fn failed(error: BoxError) -> Self {
        Error(Kind::Failed(error))
    }

    /// What the breaker says, if it has refused the call or cut it off.
    pub fn rejection(&self) -> Option<&CircuitBreakerError> {
        match &self.0 {
            Kind::Refused(refusal) => Some(refusal),
            Kind::Failed(_) => None,
        }
    }

    /// Whether the inner service was not called.
    pub fn is_rejected(&self) -> bool {
        self.rejection().is_some_and(CircuitBreakerError::is_rejected)
    }

    /// Whether the breaker has cut the call off after its `timeout`.
    pub fn is_timeout(&self) -> bool {
        self.rejection().is_some_and(CircuitBreakerError::is_timeout)
    }

    /// The error of the inner service, if it is one.
    pub fn inner(&self) -> Option<&(dyn error::Error + Send + Sync + 'static)> {
        match &self.0 {
            Kind::Refused(_) => None,
            Kind::Failed(error) => Some(&**error),
        }
    }

    /// What it holds: the error of the inner service, or a [`CircuitBreakerError`].
    pub fn into_inner(self) -> BoxError {
        match self.0 {
            Kind::Refused(refusal) => refusal.into(),
            Kind::Failed(error) => error,
        }
    }

    /// What the breaker says about an error that has come through other services, each of which may
    /// have wrapped it.
    ///
    /// ```
    /// use breakerbox::tower::{BoxError, Error};
    ///
    /// fn may_be_retried(error: &BoxError) -> bool {
    ///     Error::find_rejection(&**error).is_none()
    /// }
    /// # let _ = may_be_retried;
    /// ```
    pub fn find_rejection<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a CircuitBreakerError> {
        let mut next = Some(error);
        while let Some(error) = next {
            let own = error.downcast_ref::<Error>().and_then(Error::rejection);
            if let Some(refusal) = own.or_else(|| error.downcast_ref()) {
                return Some(refusal);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Refused(refusal) => refusal.fmt(f),
            Kind::Failed(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Refused(refusal) => refusal.fmt(f),
            Kind::Failed(error) => error.fmt(f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.0 {
            Kind::Refused(_) => None,
            // The text is that of the inner error, so what comes next is its source.
            Kind::Failed(error) => error.source(),
        }
    }
}
