//! Many threads and many tasks at once: no count is lost, no limit is passed, nothing gets stuck.
//!
//! Bounds never depend on who is faster. What a test does is counted by the test itself.

mod limits;
mod tasks;
mod threads;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use breakerbox::{CircuitBreaker, ManualClock, State};

/// How many threads or tasks hammer at once.
const HANDS: u64 = 8;

/// What a test did to a breaker, by its own count.
#[derive(Debug, Default)]
struct Made {
    refused: AtomicU64,
    succeeded: AtomicU64,
    /// Panics among them.
    failed: AtomicU64,
    ignored: AtomicU64,
    dropped: AtomicU64,
}

fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Made {
    /// At rest every call stands in exactly one counter, and in the right one or among the late.
    #[track_caller]
    fn assert_counted(&self, breaker: &CircuitBreaker, may_be_late: bool) {
        let totals = breaker.status().totals;
        let made = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (succeeded, failed, ignored) = (made(&self.succeeded), made(&self.failed), made(&self.ignored));
        let ended = succeeded + failed + ignored;
        assert_eq!(totals.rejections.total(), made(&self.refused), "{totals:?} {self:?}");
        assert_eq!(totals.cancelled, made(&self.dropped), "{totals:?} {self:?}");
        assert_eq!(totals.successes + totals.failures + totals.ignored + totals.late, ended, "{totals:?} {self:?}");
        assert_eq!(totals.attempts, ended + made(&self.refused) + made(&self.dropped), "{totals:?} {self:?}");
        assert!(totals.successes <= succeeded && totals.failures <= failed && totals.ignored <= ignored);
        if !may_be_late {
            assert_eq!((totals.successes, totals.failures, totals.ignored), (succeeded, failed, ignored));
        }
        assert_eq!(totals.trips, totals.transitions.closed_to_open);
    }
}

/// Once nothing is under way, time and a few good calls close it, whatever happened before.
#[track_caller]
fn assert_recovers(breaker: &CircuitBreaker, clock: &ManualClock) {
    breaker.auto();
    for _ in 0..50 {
        clock.advance(breaker.status().retry_after.unwrap_or(Duration::ZERO));
        if let Ok(permit) = breaker.try_acquire() {
            permit.success();
        }
    }
    assert_eq!(breaker.state(), State::Closed, "stuck: {:?}", breaker.status());
}
