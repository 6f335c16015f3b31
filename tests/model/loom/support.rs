//! What the models share: how they are run, calls in one word, and what holds in every model.

use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, Permit, Reason, State, Status};
use loom::model::Builder;
use loom::thread::{self, JoinHandle};

pub(crate) use breakerbox::__private::advance_system_clock as advance;

/// Tries every schedule.
pub(crate) fn check(model: impl Fn() + Sync + Send + 'static) {
    builder().check(model);
}

/// Tries every schedule in which at most four times a thread is left that could go on: all would take
/// minutes. `LOOM_MAX_PREEMPTIONS` sets another number.
pub(crate) fn check_most(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = builder();
    builder.preemption_bound = builder.preemption_bound.or(Some(4));
    builder.check(model);
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.max_branches = 10_000;
    builder
}

/// Opens at the first failure for a minute; one trial decides.
pub(crate) fn settings() -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(secs(60)).half_open_max_calls(1)
}

/// A breaker on the system's clock, which stands still unless the model moves it.
pub(crate) fn breaker(settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new("quotes", settings).expect("valid")
}

/// A breaker whose open time is over.
pub(crate) fn recovering(settings: ConfigBuilder) -> CircuitBreaker {
    let breaker = breaker(settings);
    breaker.open();
    advance(secs(60));
    breaker
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Another thread with a handle of its own.
pub(crate) fn with<T: 'static>(
    breaker: &CircuitBreaker,
    act: impl FnOnce(&CircuitBreaker) -> T + 'static,
) -> JoinHandle<T> {
    let breaker = breaker.clone();
    thread::spawn(move || act(&breaker))
}

pub(crate) fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("no panic")
}

pub(crate) fn succeed(breaker: &CircuitBreaker) -> Result<(), Reason> {
    breaker.try_acquire().map(Permit::success).map_err(|refusal| refusal.reason())
}

pub(crate) fn fail(breaker: &CircuitBreaker) -> Result<(), Reason> {
    breaker.try_acquire().map(Permit::failure).map_err(|refusal| refusal.reason())
}

pub(crate) fn cancel(breaker: &CircuitBreaker) -> Result<(), Reason> {
    breaker.try_acquire().map(drop).map_err(|refusal| refusal.reason())
}

/// A call that never ends.
pub(crate) fn hold(breaker: &CircuitBreaker) -> Result<(), Reason> {
    breaker.try_acquire().map(std::mem::forget).map_err(|refusal| refusal.reason())
}

/// At rest: every call stands in one counter, trips are transitions, and the state fits the rest.
#[track_caller]
pub(crate) fn rest(breaker: &CircuitBreaker, attempts: u64) -> Status {
    let status = breaker.status();
    let totals = &status.totals;
    let ended = totals.successes + totals.failures + totals.ignored + totals.cancelled + totals.late;
    assert_eq!(totals.attempts, attempts, "{totals:?}");
    assert_eq!(ended + totals.rejections.total(), attempts, "{totals:?}");
    assert_eq!(totals.trips, totals.transitions.closed_to_open, "{totals:?}");
    assert_eq!(status.state, breaker.state());
    assert_eq!(status.retry_after.is_some(), status.state == State::Open && status.mode == breakerbox::Mode::Auto);
    status
}
