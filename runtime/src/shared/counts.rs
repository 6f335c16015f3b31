//! Counting over a fleet: when the sum over its instances opens a circuit, and what one of them hands in.

use std::collections::VecDeque;
use std::time::Duration;

use super::Counts;
use crate::clock::nanos;

/// When calls that failed on all instances together open a circuit, although no instance has seen enough of them.
///
/// For many instances with few calls each. Thresholds are reached at `>=`; nothing opens unless so many instances have
/// seen failures as would otherwise have to vote.
///
/// ```
/// use breakerbox::shared::{Fleet, FleetCounts, InMemoryStore};
/// use breakerbox::SystemClock;
/// use std::time::Duration;
///
/// let counts = FleetCounts::new(Duration::from_secs(60)).failure_threshold(20);
/// let fleet = Fleet::new(InMemoryStore::new(SystemClock)).counts(counts);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct FleetCounts {
    window: Duration,
    failure_threshold: Option<u64>,
    failure_rate_threshold: Option<f64>,
    minimum_calls: u64,
}

impl FleetCounts {
    /// Counts the calls of this time, and opens on nothing yet.
    pub fn new(window: Duration) -> Self {
        FleetCounts { window, failure_threshold: None, failure_rate_threshold: None, minimum_calls: 10 }
    }

    /// So many failures in the window open the circuit. Default off.
    pub fn failure_threshold(mut self, calls: u64) -> Self {
        self.failure_threshold = Some(calls);
        self
    }

    /// Such a share of failures in the window opens the circuit, 0 to 1. Default off.
    pub fn failure_rate_threshold(mut self, share: f64) -> Self {
        self.failure_rate_threshold = Some(share);
        self
    }

    /// No rate under so many calls in the window. Default 10.
    pub fn minimum_calls(mut self, calls: u64) -> Self {
        self.minimum_calls = calls;
        self
    }
}

/// What one instance has counted of one breaker, and not yet handed in.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Failures and successes since the breaker was made, as last seen.
    seen: (u64, u64),
    /// What came since, oldest first.
    waiting: VecDeque<Part>,
    /// What was handed in without an answer.
    sent: Option<Part>,
    /// How often something was handed in.
    serial: u64,
}

/// What was counted between two looks.
#[derive(Clone, Copy, Debug)]
struct Part {
    at: u64,
    failures: u64,
    successes: u64,
}

impl Tally {
    /// Whether there is something to hand in.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || self.sent.is_some()
    }

    /// Looks at the totals of the breaker. What is older than the window is dropped.
    pub(super) fn look(&mut self, totals: (u64, u64), counts: &FleetCounts, now: u64) {
        let failures = totals.0.saturating_sub(self.seen.0);
        let successes = totals.1.saturating_sub(self.seen.1);
        self.seen = totals;
        if failures + successes > 0 {
            self.waiting.push_back(Part { at: now, failures, successes });
        }
        let is_young = |part: &Part| now.saturating_sub(part.at) < nanos(counts.window);
        self.waiting.retain(is_young);
        self.sent = self.sent.filter(is_young);
    }

    /// Begins anew with an epoch.
    pub(super) fn restart(&mut self, totals: (u64, u64)) {
        self.seen = totals;
        self.waiting.clear();
        self.sent = None;
    }

    /// Takes what there is to hand in: once more what was not answered, or all that came since.
    pub(super) fn take(&mut self, counts: &FleetCounts, on: u64, quorum: u32, wait: Duration) -> Option<Counts> {
        if self.sent.is_none() {
            let sum = |sum: Part, part: Part| Part {
                at: part.at,
                failures: sum.failures + part.failures,
                successes: sum.successes + part.successes,
            };
            self.sent = self.waiting.drain(..).reduce(sum);
            self.serial += u64::from(self.sent.is_some());
        }
        self.sent.map(|part| Counts {
            on,
            serial: self.serial,
            failures: part.failures,
            successes: part.successes,
            window: counts.window,
            failure_threshold: counts.failure_threshold,
            failure_rate_threshold: counts.failure_rate_threshold,
            minimum_calls: counts.minimum_calls,
            quorum,
            wait,
        })
    }

    /// What was handed in has arrived.
    pub(super) fn arrived(&mut self) {
        self.sent = None;
    }
}
