//! The faces of the library: annotated functions of all sorts, an async and a sync one for each
//! breaker, and the handle. Who calls them, and how, is `callers`.

use breakerbox::{CircuitBreakerError, circuit_breaker};

use crate::target::{Attempt, Kind};
use crate::work::{Answer, CallError, UNLUCKY, Work};

/// How a target is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// By its handle.
    Handle,
    Plain,
    WithFallback,
    Limited,
    Judged,
    Ignoring,
}

impl Face {
    /// The annotated ones, with the names of their breakers.
    pub(crate) const ANNOTATED: [(Face, &str); 5] = [
        (Face::Plain, "plain"),
        (Face::WithFallback, "with fallback"),
        (Face::Limited, "limited"),
        (Face::Judged, "judged"),
        (Face::Ignoring, "ignoring"),
    ];

    pub(crate) async fn call(self, attempt: &Attempt, work: Work) {
        let answer = match self {
            Face::Handle => attempt.target().breaker.call_async(work.run(attempt)).await,
            Face::Plain => plain(attempt, work).await,
            Face::WithFallback => with_fallback(attempt, work).await,
            Face::Limited => limited(attempt, work).await,
            Face::Judged => judged(attempt, work).await,
            Face::Ignoring => ignoring(attempt, work).await,
        };
        self.read(attempt, &answer);
    }

    pub(crate) fn call_sync(self, attempt: &Attempt, work: Work) {
        let answer = match self {
            Face::Handle => attempt.target().breaker.call(|| work.run_sync(attempt)),
            Face::Plain => plain_sync(attempt, work),
            Face::WithFallback => with_fallback_sync(attempt, work),
            Face::Limited => limited_sync(attempt, work),
            Face::Judged => judged_sync(attempt, work),
            Face::Ignoring => ignoring_sync(attempt, work),
        };
        self.read(attempt, &answer);
    }

    /// Says how the call ended, unless a fallback was told already.
    pub(crate) fn read(self, attempt: &Attempt, answer: &Answer) {
        let kind = match (self, answer) {
            (_, Err(CallError::Circuit(error))) => return attempt.refused(error),
            (Face::Judged, answer) if is_bad(answer) => Kind::Failed,
            (Face::Judged, _) | (_, Ok(_)) => Kind::Succeeded,
            (Face::Ignoring, Err(error)) if is_busy(error) => Kind::Ignored,
            _ => Kind::Failed,
        };
        attempt.end(kind);
    }
}

fn is_busy(error: &CallError) -> bool {
    matches!(error, CallError::Busy)
}

fn is_bad(answer: &Answer) -> bool {
    matches!(answer, Ok(UNLUCKY) | Err(CallError::Down))
}

#[circuit_breaker(
    name = "plain",
    failure_threshold = 4,
    recovery_timeout = "80ms",
    max_recovery_timeout = "400ms",
    half_open_timeout = "300ms"
)]
async fn plain(attempt: &Attempt, work: Work) -> Answer {
    work.run(attempt).await
}

#[circuit_breaker(name = "plain")]
fn plain_sync(attempt: &Attempt, work: Work) -> Answer {
    work.run_sync(attempt)
}

#[circuit_breaker(
    name = "with fallback",
    failure_threshold = 3,
    recovery_timeout = "50ms",
    max_recovery_timeout = "400ms",
    half_open_timeout = "200ms",
    multiplier = 2.0,
    fallback = told
)]
async fn with_fallback(attempt: &Attempt, work: Work) -> Answer {
    work.run(attempt).await
}

#[circuit_breaker(name = "with fallback", fallback = told)]
fn with_fallback_sync(attempt: &Attempt, work: Work) -> Answer {
    work.run_sync(attempt)
}

/// Counts itself, so that the program knows what it was asked for.
fn told(attempt: &Attempt, _: Work, error: CircuitBreakerError) -> Answer {
    attempt.fall_back(&error);
    if error.is_rejected() { Ok(2) } else { Err(error.into()) }
}

#[circuit_breaker(
    name = "limited",
    failure_rate_threshold = 0.5,
    window_size = 40,
    minimum_calls = 10,
    recovery_timeout = "60ms",
    max_recovery_timeout = "400ms",
    half_open_timeout = "250ms",
    half_open_max_calls = 2,
    timeout = "8ms",
    fallback = [gives_up, told],
    fallback_on = any
)]
async fn limited(attempt: &Attempt, work: Work) -> Answer {
    work.run(attempt).await
}

#[circuit_breaker(name = "limited", fallback = [gives_up, told], fallback_on = any)]
fn limited_sync(attempt: &Attempt, work: Work) -> Answer {
    work.run_sync(attempt)
}

/// The first of a chain, which has no answer.
fn gives_up(attempt: &Attempt, _: Work, error: CircuitBreakerError) -> Answer {
    attempt.fall_back(&error);
    Err(error.into())
}

#[circuit_breaker(
    name = "judged",
    failure_threshold = 6,
    failure_rate_threshold = 0.6,
    window_duration = "1s",
    recovery_timeout = "40ms",
    max_recovery_timeout = "400ms",
    half_open_timeout = "200ms",
    jitter = 0.5,
    failure_if = is_bad
)]
async fn judged(attempt: &Attempt, work: Work) -> Answer {
    work.run(attempt).await
}

#[circuit_breaker(name = "judged", failure_if = |answer| matches!(answer, Ok(UNLUCKY) | Err(CallError::Down)))]
fn judged_sync(attempt: &Attempt, work: Work) -> Answer {
    work.run_sync(attempt)
}

#[circuit_breaker(
    name = "ignoring",
    failure_threshold = 5,
    slow_call_duration = "10ms",
    slow_call_rate_threshold = 0.7,
    window_size = 30,
    recovery_timeout = "90ms",
    max_recovery_timeout = "400ms",
    half_open_timeout = "300ms",
    success_threshold = 2,
    ignore_if = is_busy
)]
async fn ignoring(attempt: &Attempt, work: Work) -> Answer {
    work.run(attempt).await
}

#[circuit_breaker(name = "ignoring", ignore_if = |error| matches!(error, CallError::Busy))]
fn ignoring_sync(attempt: &Attempt, work: Work) -> Answer {
    work.run_sync(attempt)
}
