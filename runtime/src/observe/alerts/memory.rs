//! What is remembered of one breaker between two looks, and what follows from it. Bounded, and in times of
//! the breaker's own clock: its age is the sum of the times in its states.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::rules::{MOST_TRIPS, Rules};
use super::{Alert, Severity};
use crate::duration;
use crate::spans::StateTimes;
use crate::state::{Mode, State};
use crate::status::Status;

/// A circuit that is half-open for longer than this is not being tried, but left alone: its outage is over.
const LULL: Duration = Duration::from_secs(300);

/// Trips that are remembered at least, so that an alert tells how many there were.
const TRIPS: u32 = 100;

/// Samples of the counters in one window.
const SAMPLES: u32 = 10;

/// An open circuit, with its trials.
#[derive(Clone, Copy, Debug)]
struct Outage {
    /// The age of the breaker when it began.
    begin: Duration,
    /// The time that it had been closed, which grows when it recovers.
    closed: Duration,
    /// The time that it had been half-open when it was last seen open.
    half_open: Duration,
}

/// Counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    age: Duration,
    successes: u64,
    failures: u64,
    /// Calls of the closed circuit.
    closed: u64,
}

/// What is remembered of a breaker.
#[derive(Debug)]
pub(super) struct Memory {
    age: Duration,
    outage: Option<Outage>,
    /// Since which age its mode is another one than `auto`.
    forced: Option<Duration>,
    /// How many trips had been counted, and the ages of the last ones in the window.
    trips: u64,
    tripped: VecDeque<Duration>,
    /// Since which age there are enough of them.
    flapping: Option<Duration>,
    /// The oldest one is the last that is as old as the window.
    samples: VecDeque<Sample>,
    /// Since which age too many calls fail.
    failing: Option<Duration>,
    /// Since which age its state is not kept as it should be.
    degraded: Option<Duration>,
}

fn age(times: &StateTimes) -> Duration {
    times.closed.saturating_add(times.open).saturating_add(times.half_open)
}

impl Sample {
    fn of(status: &Status) -> Self {
        let totals = &status.totals;
        Sample {
            age: age(&status.time_in_states),
            successes: totals.successes,
            failures: totals.failures,
            closed: totals.requests.closed,
        }
    }
}

impl Memory {
    /// Of a new breaker: it has counted nothing.
    pub(super) fn new() -> Self {
        Memory::since(0, Sample::default())
    }

    /// Of a breaker that was there already: what it has counted so far is of an unknown time.
    pub(super) fn of(status: &Status) -> Self {
        Memory::since(status.totals.trips, Sample::of(status))
    }

    fn since(trips: u64, sample: Sample) -> Self {
        let (age, tripped) = (Duration::ZERO, VecDeque::new());
        let samples = [sample].into();
        Memory {
            age,
            outage: None,
            forced: None,
            trips,
            tripped,
            flapping: None,
            samples,
            failing: None,
            degraded: None,
        }
    }

    /// Takes in what a breaker is now. `at_once`: its state or mode has begun just now.
    pub(super) fn see(&mut self, status: &Status, rules: &Rules, at_once: bool) {
        let now = age(&status.time_in_states);
        if now < self.age || status.totals.trips < self.trips {
            // A clock that went back, or another breaker of this name.
            *self = Memory::of(status);
        }
        self.age = now;
        self.see_outage(status, at_once);
        let begin = self.forced.unwrap_or(now.saturating_sub(status.time_in_state));
        self.forced = (status.mode != Mode::Auto).then_some(begin);
        self.see_trips(status.totals.trips, rules);
        self.see_failures(status, rules);
        let is_degraded = status.store.as_ref().is_some_and(|store| store.degraded.is_some());
        self.degraded = is_degraded.then(|| self.degraded.unwrap_or(now));
    }

    /// The store has worked in between.
    pub(super) fn see_recovery(&mut self) {
        self.degraded = None;
    }

    /// For how long its state has not been kept as it should be.
    pub(super) fn degraded_for(&self) -> Option<Duration> {
        self.degraded.map(|begin| self.age.saturating_sub(begin))
    }

    fn see_outage(&mut self, status: &Status, at_once: bool) {
        let times = &status.time_in_states;
        self.outage = match status.state {
            State::Closed => None,
            State::HalfOpen => self.outage.filter(|known| known.closed == times.closed),
            State::Open => {
                let goes_on = |known: &Outage| {
                    known.closed == times.closed && times.half_open.saturating_sub(known.half_open) < LULL
                };
                // When a mode ends the status tells how long the state beneath it has lasted.
                let lasted = if at_once { Duration::ZERO } else { status.time_in_state };
                let begin = self.outage.filter(goes_on).map_or(self.age.saturating_sub(lasted), |known| known.begin);
                Some(Outage { begin, closed: times.closed, half_open: times.half_open })
            }
        };
    }

    fn see_trips(&mut self, trips: u64, rules: &Rules) {
        let Some(threshold) = rules.flapping_trips else { return };
        while self.tripped.front().is_some_and(|age| self.age.saturating_sub(*age) >= rules.flapping_window) {
            self.tripped.pop_front();
        }
        let is_flapping = |tripped: &VecDeque<_>| tripped.len() >= threshold as usize;
        self.flapping = self.flapping.filter(|_| is_flapping(&self.tripped));
        let most = threshold.clamp(TRIPS, MOST_TRIPS) as usize;
        for _ in 0..(trips - self.trips).min(most as u64) {
            if self.tripped.len() == most {
                self.tripped.pop_front();
            }
            self.tripped.push_back(self.age);
        }
        self.trips = trips;
        if is_flapping(&self.tripped) {
            self.flapping.get_or_insert(self.age);
        }
    }

    fn see_failures(&mut self, status: &Status, rules: &Rules) {
        let window = rules.failure_window;
        let now = Sample::of(status);
        let is_old = |sample: &Sample| now.age.saturating_sub(sample.age) >= window;
        while self.samples.get(1).is_some_and(is_old) {
            self.samples.pop_front();
        }
        let is_due = |last: &Sample| now.age.saturating_sub(last.age) >= window / SAMPLES;
        if self.samples.back().is_some_and(is_due) {
            self.samples.push_back(now);
        }
        let base = self.samples.front().copied().unwrap_or_default();
        let span = now.age.saturating_sub(base.age);
        let calls = (now.closed.saturating_sub(base.closed)) as f64 / span.max(window).as_secs_f64();
        let is_failing = calls > rules.failure_calls_per_second
            && self.ratio(status).zip(rules.failure_ratio).is_some_and(|(ratio, limit)| ratio > limit);
        // Of a window that nobody looked at while it passed, it is the mean that was so.
        self.failing = is_failing.then(|| self.failing.unwrap_or(now.age.saturating_sub(span.saturating_sub(window))));
    }

    /// The share of failures since the oldest sample.
    fn ratio(&self, status: &Status) -> Option<f64> {
        let base = self.samples.front()?;
        let failures = status.totals.failures.saturating_sub(base.failures);
        let successes = status.totals.successes.saturating_sub(base.successes);
        (failures + successes > 0).then(|| failures as f64 / (failures + successes) as f64)
    }

    /// What is to be told of a breaker that was just taken in.
    pub(super) fn alerts(&self, status: &Status, rules: &Rules, mut tell: impl FnMut(Alert)) {
        let mut alert = |name, severity, since, value, summary| {
            tell(Alert { name, breaker: Some(Arc::clone(&status.name)), severity, since, value, summary });
        };
        let name = &status.name;
        let wall = SystemTime::now();
        let since = |begin: Duration| wall.checked_sub(self.age.saturating_sub(begin)).unwrap_or(wall);
        let lasts = |begin: Duration, limit: Option<Duration>| {
            let lasted = self.age.saturating_sub(begin);
            limit.filter(|limit| lasted >= *limit).map(|_| (since(begin), people(lasted)))
        };
        let is_left_alone = status.state == State::HalfOpen && status.time_in_state >= LULL;
        if let Some(outage) = self.outage.filter(|_| !is_left_alone) {
            for (rule, severity, limit) in [
                ("CircuitBreakerOpenLong", Severity::Critical, rules.open_long),
                ("CircuitBreakerOpen", Severity::Warning, rules.open),
            ] {
                if let Some((since, lasted)) = lasts(outage.begin, limit) {
                    let summary = match (status.mode, status.state) {
                        (Mode::ForcedOpen, _) => format!("{name} has been forced open for {lasted}"),
                        (_, State::HalfOpen) => format!("{name} has been open for {lasted} and is being tried again"),
                        _ => format!("{name} has been open for {lasted}"),
                    };
                    alert(rule, severity, since, f64::from(status.state as u8), summary);
                }
            }
        }
        if let Some(begin) = self.flapping {
            let (trips, window) = (self.tripped.len(), people(rules.flapping_window));
            let times = if trips == 1 { "once".to_owned() } else { format!("{trips} times") };
            let summary = format!("{name} has tripped {times} in {window}");
            alert("CircuitBreakerFlapping", Severity::Warning, since(begin), trips as f64, summary);
        }
        if status.state == State::HalfOpen && rules.stuck_half_open.is_some_and(|limit| status.time_in_state >= limit) {
            let summary = format!("{name} has been half-open for {} without a verdict", people(status.time_in_state));
            let value = f64::from(State::HalfOpen as u8);
            alert("CircuitBreakerStuckHalfOpen", Severity::Warning, status.since, value, summary);
        }
        if let Some((since, lasted)) = self.forced.and_then(|begin| lasts(begin, rules.forced)) {
            let mode = match status.mode {
                Mode::Auto => "automatic",
                Mode::ForcedOpen => "forced open",
                Mode::Disabled => "disabled",
                Mode::MetricsOnly => "only measuring",
            };
            let summary = format!("{name} has been steered by hand for {lasted}, and is {mode}");
            alert("CircuitBreakerForced", Severity::Info, since, 1.0, summary);
        }
        let failing = self.failing.and_then(|begin| lasts(begin, Some(rules.failure_for)));
        if let Some(((since, _), ratio)) = failing.zip(self.ratio(status)) {
            let span = self.age.saturating_sub(self.samples.front().map_or(Duration::ZERO, |base| base.age));
            let (percent, span) = ((ratio * 100.0).floor(), people(span));
            let summary = format!("{percent} % of the calls of {name} failed in {span}");
            alert("CircuitBreakerFailureRate", Severity::Warning, since, ratio, summary);
        }
    }
}

/// A time as people say it, in its two largest units, and minutes without seconds.
pub(super) fn people(time: Duration) -> String {
    let seconds = time.as_secs();
    let unit = match seconds {
        0 => return duration::text(time),
        1..60 => 1,
        60..86_400 => 60,
        _ => 3600,
    };
    duration::text(Duration::from_secs(seconds / unit * unit))
}
