//! For gRPC by tonic: a refusal as a `Status`, and which statuses are failures.

use std::sync::Arc;

use http::{Response, StatusCode};
use tonic::{Code, Status};

use crate::error::CircuitBreakerError;
use crate::outcome::Outcome;
use crate::tower::{Answer, BoxError, CircuitBreakerLayer, Classifier, Error};

/// How long a client of gRPC should wait before it tries again, in milliseconds (gRFC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// `Unavailable`, or `DeadlineExceeded` for a call that was cut off; the error is the `source`. Where it is known
/// when a trial call may be admitted, the metadata `grpc-retry-pushback-ms` says so.
impl From<CircuitBreakerError> for Status {
    fn from(error: CircuitBreakerError) -> Self {
        let code = if error.is_timeout() { Code::DeadlineExceeded } else { Code::Unavailable };
        let mut status = Status::new(code, error.to_string());
        if let Some(left) = error.retry_after() {
            let millis = u64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
            status.metadata_mut().insert(PUSHBACK, millis.max(1).into());
        }
        status.set_source(Arc::new(error));
        status
    }
}

/// What the breaker says, or what tonic makes of the inner service's error.
impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error.rejection() {
            Some(refusal) => refusal.clone().into(),
            None => Status::from_error(error.into_inner()),
        }
    }
}

/// How a call ended by the code of its status: `Unavailable`, `DeadlineExceeded`, `Internal`, `Unknown`,
/// `ResourceExhausted` and `DataLoss` are failures, `Cancelled` says nothing about the server, and all others are answers
/// of a server that works.
pub fn outcome_of(code: Code) -> Outcome {
    match code {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Internal
        | Code::Unknown
        | Code::ResourceExhausted
        | Code::DataLoss => Outcome::Failure,
        Code::Cancelled => Outcome::Ignored,
        _ => Outcome::Success,
    }
}

/// How a call ended, by [`outcome_of`]: for `classify` of a layer around a service whose error is a `Status`.
pub fn outcome<T>(result: &Result<T, Status>) -> Outcome {
    result.as_ref().map_or_else(|status| outcome_of(status.code()), |_| Outcome::Success)
}

/// Whether a call failed, by [`outcome_of`]: for `failure_if` of an annotated function.
///
/// ```
/// # use breakerbox::circuit_breaker;
/// use tonic::{Response, Status};
///
/// #[circuit_breaker(name = "greeter", failure_if = breakerbox::tonic::is_failure)]
/// async fn greet(name: &str) -> Result<Response<String>, Status> {
///     if name.is_empty() { Err(Status::invalid_argument("no name")) } else { Ok(Response::new(format!("hello {name}"))) }
/// }
/// ```
pub fn is_failure<T>(result: &Result<T, Status>) -> bool {
    outcome(result) == Outcome::Failure
}

/// For a gRPC channel: an error is a failure, and so is a response whose head tells a status that
/// is one, by [`outcome_of`]. A status that comes after messages is not known yet, and counts as a success.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcStatus;

impl<B, E> Classifier<Response<B>, E> for GrpcStatus {
    fn outcome(&self, result: &Result<Response<B>, E>) -> Outcome {
        let Ok(response) = result else { return Outcome::Failure };
        if let Some(status) = Status::from_header_map(response.headers()) {
            return outcome_of(status.code());
        }
        // Of a proxy in between, which may not know of gRPC.
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            Outcome::Failure
        } else {
            Outcome::Success
        }
    }
}

/// The error of the service is a `Status`: of the breaker, or what tonic makes of the inner service's error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statuses;

impl<Res, E: Into<BoxError>> Answer<Res, E> for Statuses {
    type Error = Status;

    fn refused(&self, refusal: CircuitBreakerError) -> Result<Res, Status> {
        Err(refusal.into())
    }

    fn failed(&self, error: E) -> Status {
        Status::from_error(error.into())
    }
}

impl<C, B, A> CircuitBreakerLayer<C, B, A> {
    /// For a channel that a generated client calls through: failures are those of [`GrpcStatus`], and a refused call
    /// is `Status::unavailable`, whose `source` is the [`CircuitBreakerError`].
    ///
    /// ```
    /// use breakerbox::{CircuitBreaker, Config};
    /// use breakerbox::tower::CircuitBreakerLayer;
    /// use tower_layer::Layer;
    ///
    /// # fn example<Channel>(channel: Channel) -> Result<impl Sized, breakerbox::ConfigError> {
    /// let breaker = CircuitBreaker::new("greeter", Config::default())?;
    /// let channel = CircuitBreakerLayer::new(breaker).for_tonic().layer(channel);
    /// // let client = GreeterClient::new(channel);
    /// # Ok(channel)
    /// # }
    /// ```
    pub fn for_tonic(self) -> CircuitBreakerLayer<GrpcStatus, B, Statuses> {
        self.classify(GrpcStatus).answer(Statuses)
    }
}
