//! Everything about a breaker at one moment, for people and dashboards. What it takes to take it up again is `snapshot`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::Reason;
use crate::event::{Conflict, Transition};
use crate::keeper::StoreStatus;
use crate::location::Location;
use crate::preset::Preset;
use crate::settings::{Key, Origin, Value};
use crate::spans::StateTimes;
use crate::state::{Mode, State};
use crate::watch::Durations;

/// Everything about one breaker at one moment.
///
/// Taking one never holds up a call for longer than it takes to copy some numbers. With the
/// feature `serde` it is serialisable: durations are numbers of seconds, times are seconds since
/// the Unix epoch, and `null` means that there is nothing to tell.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Status {
    /// The name of the breaker.
    pub name: Arc<str>,
    /// What callers meet: an open time that is over shows as half-open, a forced mode as its effect.
    pub state: State,
    /// What an operator has ordered.
    pub mode: Mode,
    /// How many episodes there have been: grows with each transition and operator command.
    pub generation: u64,
    /// How long the state has lasted; of a mode other than `auto`, how long that has.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_seconds"))]
    pub time_in_state: Duration,
    /// When the state, or the mode, began, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_unix"))]
    pub since: SystemTime,
    /// The time until a trial call may be admitted; `None` unless the circuit is open by itself.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_optional_seconds"))]
    pub retry_after: Option<Duration>,
    /// Failures in a row, towards `failure_threshold`; those that opened the circuit while it is open, and 0 if
    /// a trial did.
    pub consecutive_failures: u32,
    /// How often the circuit has re-opened since it was last closed: the exponent of the backoff.
    pub reopened: u32,
    /// What the window of the rates holds; `None` when no rate is set.
    pub window: Option<WindowStatus>,
    /// The half-open episode, if there is one.
    pub half_open: Option<HalfOpenStatus>,
    /// Counters since the breaker was made. They only grow.
    pub totals: Totals,
    /// The last change of state.
    pub last_transition: Option<Transition>,
    /// How long the breaker was in each state since it was made.
    pub time_in_states: StateTimes,
    /// Calls under way; `None` unless [`Registry::count_in_flight`](crate::Registry::count_in_flight) asked for it.
    pub in_flight: Option<u64>,
    /// How long calls took; `None` unless [`Registry::time_calls`](crate::Registry::time_calls) asked for it.
    pub durations: Option<Durations>,
    /// When a call last failed, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_optional_unix"))]
    pub last_failure: Option<SystemTime>,
    /// The preset, if one was named.
    pub preset: Option<Preset>,
    /// Every setting in force, and where it came from.
    pub settings: Vec<Setting>,
    /// The functions behind the breaker.
    pub locations: Vec<Location>,
    /// What they disagree about.
    pub conflicts: Vec<Conflict>,
    /// How its state is kept; `None` unless a store is attached to its registry.
    pub store: Option<StoreStatus>,
}

impl Status {
    /// The value of a setting, and where it came from.
    ///
    /// ```
    /// use breakerbox::{CircuitBreaker, Config, Key, Origin, Value};
    ///
    /// let breaker = CircuitBreaker::new("quotes", Config::default())?;
    /// let setting = breaker.status().setting(Key::FailureThreshold);
    /// assert_eq!((setting.value, setting.origin), (Value::Count(5), Origin::Default));
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn setting(&self, key: Key) -> Setting {
        // Every key is listed, in the order of `Key::ALL`.
        self.settings[key as usize]
    }

    /// The share of half-open episodes that ended closed; `None` before the first one ended.
    pub fn recovery_rate(&self) -> Option<f64> {
        let Transitions { half_open_to_closed: closed, half_open_to_open: opened, .. } = self.totals.transitions;
        (closed + opened > 0).then(|| closed as f64 / (closed + opened) as f64)
    }
}

/// One setting in force.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Setting {
    /// The setting.
    pub key: Key,
    /// Its value.
    pub value: Value,
    /// Where the value came from.
    pub origin: Origin,
}

/// What the window of the rates holds. While the circuit is open, what opened it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WindowStatus {
    /// Recorded calls.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those that were slow.
    pub slow_calls: u64,
    /// Those that failed and were slow.
    pub slow_failures: u64,
    /// Share of failures; `None` under `minimum_calls`.
    pub failure_rate: Option<f64>,
    /// Share of slow calls; `None` under `minimum_calls`.
    pub slow_call_rate: Option<f64>,
}

/// The half-open episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HalfOpenStatus {
    /// Trial calls that the episode admits.
    pub max_calls: u32,
    /// Trial calls under way.
    pub in_flight: u32,
    /// Trial calls that succeeded.
    pub successes: u32,
    /// Successes that close the circuit.
    pub success_threshold: u32,
    /// The time until the episode ends without a verdict; `None` before its first trial call.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_optional_seconds"))]
    pub time_left: Option<Duration>,
}

/// Counters of a breaker since it was made. They only grow, and survive a reset.
///
/// When no call is under way, `attempts` is the number of calls that were made, refused ones
/// included, and each stands in exactly one of the other counters. Calls made while the breaker
/// was disabled are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Totals {
    /// Calls that ended or were refused: the sum of the next six counters.
    pub attempts: u64,
    /// The same calls, by the state that judged them.
    pub requests: Requests,
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed, panicked or timed out.
    pub failures: u64,
    /// Calls whose outcome was ignored.
    pub ignored: u64,
    /// Calls that were dropped before they had an outcome.
    pub cancelled: u64,
    /// Calls that ended after the episode in which they began.
    pub late: u64,
    /// Calls that were refused.
    pub rejections: Rejections,
    /// Calls, of those above, that were slow.
    pub slow_calls: u64,
    /// How often a fallback answered.
    pub fallbacks: u64,
    /// How often the circuit opened from closed by itself or by hand. A forced mode is no trip.
    pub trips: u64,
    /// Changes of state, by direction.
    pub transitions: Transitions,
}

impl Totals {
    /// Adds the counters of another breaker.
    pub(crate) fn add(&mut self, other: &Totals) {
        let Totals { attempts, requests, successes, failures, ignored, cancelled, late, .. } = other;
        self.attempts += attempts;
        self.requests.closed += requests.closed;
        self.requests.open += requests.open;
        self.requests.half_open += requests.half_open;
        self.successes += successes;
        self.failures += failures;
        self.ignored += ignored;
        self.cancelled += cancelled;
        self.late += late;
        self.rejections.open += other.rejections.open;
        self.rejections.half_open_full += other.rejections.half_open_full;
        self.rejections.forced_open += other.rejections.forced_open;
        self.slow_calls += other.slow_calls;
        self.fallbacks += other.fallbacks;
        self.trips += other.trips;
        for (from, to) in Transitions::DIRECTIONS {
            if let Some(count) = self.transitions.count(from, to) {
                *count += other.transitions.between(from, to);
            }
        }
    }
}

/// Calls that ended or were refused, by the state that they met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Requests {
    /// Calls of a closed circuit.
    pub closed: u64,
    /// Calls that an open circuit refused, by itself or forced.
    pub open: u64,
    /// Trial calls, and those that found their places taken.
    pub half_open: u64,
}

impl Requests {
    /// The calls that met one state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::Closed => self.closed,
            State::Open => self.open,
            State::HalfOpen => self.half_open,
        }
    }
}

/// Calls that were refused, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Rejections {
    /// The circuit was open.
    pub open: u64,
    /// The circuit was half-open and its trial calls were taken.
    pub half_open_full: u64,
    /// The circuit was forced open.
    pub forced_open: u64,
}

impl Rejections {
    /// Calls refused for any reason.
    pub fn total(&self) -> u64 {
        self.open + self.half_open_full + self.forced_open
    }

    /// Calls refused for one reason; zero for those that refuse nothing.
    pub fn by(&self, reason: Reason) -> u64 {
        match reason {
            Reason::Open => self.open,
            Reason::HalfOpenFull => self.half_open_full,
            Reason::ForcedOpen => self.forced_open,
            Reason::Timeout | Reason::Failed => 0,
        }
    }
}

/// Changes of state, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Transitions {
    /// From closed to open.
    pub closed_to_open: u64,
    /// From closed to half-open: by hand alone.
    pub closed_to_half_open: u64,
    /// From open to half-open.
    pub open_to_half_open: u64,
    /// From open to open: with another open time, by `open_for` or a restored snapshot.
    pub open_to_open: u64,
    /// From open to closed: by hand alone.
    pub open_to_closed: u64,
    /// From half-open to open.
    pub half_open_to_open: u64,
    /// From half-open to closed.
    pub half_open_to_closed: u64,
}

impl Transitions {
    /// Every direction in which a state can change.
    pub(crate) const DIRECTIONS: [(State, State); 7] = [
        (State::Closed, State::Open),
        (State::Closed, State::HalfOpen),
        (State::Open, State::HalfOpen),
        (State::Open, State::Open),
        (State::Open, State::Closed),
        (State::HalfOpen, State::Open),
        (State::HalfOpen, State::Closed),
    ];

    /// The changes from one state to another.
    pub fn between(&self, from: State, to: State) -> u64 {
        let mut copy = *self;
        copy.count(from, to).map_or(0, |count| *count)
    }

    pub(crate) fn count(&mut self, from: State, to: State) -> Option<&mut u64> {
        match (from, to) {
            (State::Closed, State::Open) => Some(&mut self.closed_to_open),
            (State::Closed, State::HalfOpen) => Some(&mut self.closed_to_half_open),
            (State::Open, State::HalfOpen) => Some(&mut self.open_to_half_open),
            (State::Open, State::Open) => Some(&mut self.open_to_open),
            (State::Open, State::Closed) => Some(&mut self.open_to_closed),
            (State::HalfOpen, State::Open) => Some(&mut self.half_open_to_open),
            (State::HalfOpen, State::Closed) => Some(&mut self.half_open_to_closed),
            _ => None,
        }
    }
}
