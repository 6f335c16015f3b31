//! Which calls fail, and the breakers that they go through.

use std::io;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, State};

use crate::work::FAIL;

/// The argument of a call that fails, but for one call in eight: the smallest window is never full of failures, so no
/// rate reaches 100 %.
#[inline]
pub(super) fn mostly_failing(x: u64) -> u64 {
    if x.is_multiple_of(8) { x } else { x | FAIL }
}

/// The argument of a call that fails once in a hundred times.
#[inline]
pub(super) fn rarely_failing(x: u64) -> u64 {
    if x.is_multiple_of(100) { x | FAIL } else { x }
}

/// Thresholds that are never reached, so that failures do not open the circuit.
fn patient() -> ConfigBuilder {
    Config::builder().failure_threshold(1_000_000)
}

fn breaker(config: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new("growth", config).expect("the settings of the benchmark are valid")
}

/// Counts consecutive failures.
pub(super) fn consecutive() -> CircuitBreaker {
    breaker(patient())
}

/// Takes the rate of the last `size` calls.
pub(super) fn count_window(size: u32) -> CircuitBreaker {
    breaker(patient().failure_rate_threshold(1.0).window_size(size).minimum_calls(size))
}

/// Takes the rate of the last ten seconds.
pub(super) fn time_window() -> CircuitBreaker {
    breaker(patient().failure_rate_threshold(1.0).window_duration(Duration::from_secs(10)))
}

/// Refuses every call.
pub(super) fn open() -> CircuitBreaker {
    let breaker = consecutive();
    breaker.open_for(Duration::from_hours(1));
    breaker
}

/// That the breaker did what its curve says: it admitted every call, or refused every call.
pub(super) fn verify(breaker: &CircuitBreaker, state: State) -> io::Result<()> {
    let status = breaker.status();
    let as_meant = match state {
        State::Closed => status.totals.successes > 0 && status.totals.rejections.total() == 0,
        _ => status.totals.rejections.total() > 0 && status.totals.successes == 0,
    };
    if status.state == state && as_meant {
        return Ok(());
    }
    Err(io::Error::other(format!("a breaker of the benchmark should be {state}, but it did this: {status:#?}")))
}
