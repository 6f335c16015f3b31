//! What monitoring asks of breakers beyond their counters: calls under way, how long calls take, and
//! word of refusals. Nobody pays for it unless someone asks; then its flag in the word sends calls by
//! the slower way.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::nanos;
use crate::sync::{AtomicU64, OnceBox, Ordering};
use crate::word;

/// What someone asked for, for all breakers of a registry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) in_flight: bool,
    /// The upper bounds of the buckets, ascending.
    pub(crate) buckets: Option<Arc<[Duration]>>,
    /// The shortest time between two words of refusals.
    pub(crate) refusals: Option<Duration>,
    /// How many keys of a family metrics show by name.
    #[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
    pub(crate) labelled_keys: Option<usize>,
}

impl Watch {
    /// The flags of the word that it takes.
    pub(crate) fn flags(&self) -> u64 {
        let flag = |asked: bool, flag: u64| if asked { flag } else { 0 };
        flag(self.in_flight, word::FLIGHT)
            | flag(self.buckets.is_some(), word::TIMED)
            | flag(self.refusals.is_some(), word::TELLING)
    }
}

/// What a breaker holds for it, from the moment that someone asked.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    histogram: OnceBox<Histogram>,
    telling: Telling,
}

impl Watched {
    /// Takes over what is asked. Of buckets, the first ones asked for stay.
    pub(crate) fn follow(&self, watch: &Watch) {
        if let Some(bounds) = &watch.buckets {
            self.histogram.get_or_init(|| Box::new(Histogram::new(Arc::clone(bounds))));
        }
        self.telling.every.store(watch.refusals.map_or(0, nanos), Ordering::Relaxed);
    }

    pub(crate) fn histogram(&self) -> Option<&Histogram> {
        self.histogram.get()
    }

    /// A call was refused: how many were since it was last told, if it is time to tell.
    pub(crate) fn refused(&self, now: u64) -> Option<u64> {
        self.telling.refused(now)
    }
}

/// Refusals since they were last told. Relaxed: numbers that publish nothing.
#[derive(Debug)]
struct Telling {
    every: AtomicU64,
    /// When it was last told; [`u64::MAX`] before the first time.
    last: AtomicU64,
    untold: AtomicU64,
}

impl Default for Telling {
    fn default() -> Self {
        Telling { every: AtomicU64::new(0), last: AtomicU64::new(u64::MAX), untold: AtomicU64::new(0) }
    }
}

impl Telling {
    fn refused(&self, now: u64) -> Option<u64> {
        self.untold.fetch_add(1, Ordering::Relaxed);
        let last = self.last.load(Ordering::Relaxed);
        // By the difference, so that a clock that steps back silences nothing.
        let is_due = last == u64::MAX || now.abs_diff(last) >= self.every.load(Ordering::Relaxed);
        let now = now.min(u64::MAX - 1);
        let is_mine = is_due && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        is_mine.then(|| self.untold.swap(0, Ordering::Relaxed))
    }
}

/// How long calls took, by outcome. Its lines are shared by all threads: next to two readings of the
/// clock that matters little.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    bounds: Arc<[Duration]>,
    successes: Tallies,
    failures: Tallies,
}

#[derive(Debug, Default)]
struct Tallies {
    /// One for each bound, and one for what is beyond the last.
    buckets: Box<[AtomicU64]>,
    nanos: AtomicU64,
}

impl Histogram {
    fn new(bounds: Arc<[Duration]>) -> Self {
        let tallies =
            || Tallies { buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), nanos: AtomicU64::new(0) };
        Histogram { successes: tallies(), failures: tallies(), bounds }
    }

    pub(crate) fn record(&self, failed: bool, took: u64) {
        let tallies = if failed { &self.failures } else { &self.successes };
        let bucket = self.bounds.partition_point(|bound| nanos(*bound) < took);
        tallies.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        tallies.nanos.fetch_add(took, Ordering::Relaxed);
    }

    pub(crate) fn durations(&self) -> Durations {
        let read = |tallies: &Tallies| DurationCounts {
            buckets: tallies.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect(),
            sum: Duration::from_nanos(tallies.nanos.load(Ordering::Relaxed)),
        };
        Durations { bounds: self.bounds.to_vec(), successes: read(&self.successes), failures: read(&self.failures) }
    }
}

/// How long calls took since someone asked, by outcome: see [`Registry::time_calls`](crate::Registry::time_calls).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Durations {
    /// The upper bounds of the buckets, which hold what took as long as their bound or less.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_list_of_seconds"))]
    pub bounds: Vec<Duration>,
    /// Calls that succeeded.
    pub successes: DurationCounts,
    /// Calls that failed, panicked or timed out.
    pub failures: DurationCounts,
}

/// How many calls took how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DurationCounts {
    /// Calls in each bucket alone; the last is beyond all bounds.
    pub buckets: Vec<u64>,
    /// The sum of their durations.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_seconds"))]
    pub sum: Duration,
}

impl DurationCounts {
    /// Calls in all buckets.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}
