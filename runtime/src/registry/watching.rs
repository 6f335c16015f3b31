//! What monitoring asks of all breakers of a registry, from then on, and of those to come.

use std::time::Duration;

use super::Registry;
use crate::watch::Watch;

impl Registry {
    /// Counts calls under way, for [`Status::in_flight`](crate::Status::in_flight), from now on. Costs a call
    /// some nanoseconds.
    pub fn count_in_flight(&self) {
        self.watch(|watch| watch.in_flight = true);
    }

    /// Measures how long calls take, for [`Status::durations`](crate::Status::durations), from now on, in
    /// buckets of these upper bounds. Costs a call two readings of the clock.
    ///
    /// Bounds are sorted, and those of zero or said twice left out. A breaker keeps the first buckets that
    /// were asked for, so that its counters only grow.
    pub fn time_calls(&self, bounds: &[Duration]) {
        let mut bounds: Vec<Duration> = bounds.iter().copied().filter(|bound| !bound.is_zero()).collect();
        bounds.sort_unstable();
        bounds.dedup();
        self.watch(|watch| {
            watch.buckets.get_or_insert_with(|| bounds.into());
        });
    }

    /// Tells listeners of refused calls, for each breaker at once and then at most once in this time: see
    /// [`Event::Refused`](crate::Event::Refused). Zero tells of every one; `None` of none, which is how it begins.
    pub fn tell_refusals(&self, every: impl Into<Option<Duration>>) {
        let every = every.into();
        self.watch(|watch| watch.refusals = every);
    }

    /// Limits how many keys of each family metrics show by name: in so many places, whoever has them. All others are
    /// shown together as `fetch[*]`, with the sums of their counters and the worst of their states. No limit unless set,
    /// so `max_keys` is one.
    ///
    /// ```
    /// breakerbox::registry().label_keys(50);
    /// ```
    #[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))))]
    pub fn label_keys(&self, most: impl Into<Option<usize>>) {
        self.inner.watch.lock().labelled_keys = most.into();
    }

    #[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
    pub(crate) fn labelled_keys(&self) -> Option<usize> {
        self.inner.watch.lock().labelled_keys
    }

    fn watch(&self, change: impl FnOnce(&mut Watch)) {
        // Held until all breakers follow, so that of two changes the later one wins everywhere.
        let mut watch = self.inner.watch.lock();
        change(&mut watch);
        for breaker in self.all() {
            breaker.core.watch(&watch);
        }
    }
}
