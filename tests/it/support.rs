//! What the tests of behaviour share: a breaker on a clock that stands still, and calls in one word.

use std::time::Duration;

use breakerbox::{CircuitBreaker, ConfigBuilder, Event, ManualClock, Registry};
use std::sync::{Arc, Mutex};

/// A breaker in a registry of its own, on a clock of its own.
pub(crate) struct Bench {
    pub(crate) registry: Registry,
    pub(crate) clock: ManualClock,
    pub(crate) breaker: CircuitBreaker,
}

/// A breaker with these settings.
#[track_caller]
pub(crate) fn bench(settings: ConfigBuilder) -> Bench {
    let clock = ManualClock::new();
    // Not at zero, so that a clock may step back.
    clock.set(secs(1000));
    let registry = Registry::with_clock(clock.clone());
    let config = settings.build().expect("valid settings");
    let breaker = registry.get_or_insert("quotes", config).expect("a valid name");
    Bench { registry, clock, breaker }
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One call that succeeds, if it is let in.
pub(crate) fn succeed(breaker: &CircuitBreaker) -> bool {
    breaker.try_acquire().map(breakerbox::Permit::success).is_ok()
}

/// One call that fails, if it is let in.
pub(crate) fn fail(breaker: &CircuitBreaker) -> bool {
    breaker.try_acquire().map(breakerbox::Permit::failure).is_ok()
}

pub(crate) fn fail_times(breaker: &CircuitBreaker, times: usize) {
    for _ in 0..times {
        assert!(fail(breaker), "a failing call was refused");
    }
}

pub(crate) fn succeed_times(breaker: &CircuitBreaker, times: usize) {
    for _ in 0..times {
        assert!(succeed(breaker), "a call was refused");
    }
}

/// The lines of everything that happens from now on.
pub(crate) fn listen(registry: &Registry) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&lines);
    registry.subscribe(move |event: &Event| heard.lock().expect("not poisoned").push(event.to_string())).keep();
    lines
}

/// What was heard so far, taken out.
pub(crate) fn heard(lines: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *lines.lock().expect("not poisoned"))
}

/// DESIGN §4.6: every attempt stands in exactly one counter.
#[track_caller]
pub(crate) fn assert_law(breaker: &CircuitBreaker, attempts: u64) {
    let totals = breaker.status().totals;
    let sum = totals.successes
        + totals.failures
        + totals.ignored
        + totals.cancelled
        + totals.late
        + totals.rejections.total();
    assert_eq!((totals.attempts, sum), (attempts, attempts), "{totals:?}");
}
