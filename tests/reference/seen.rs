//! What can be seen of a circuit from outside: of a breaker, and of its model.

use std::time::{Duration, SystemTime};

use breakerbox::{
    Cause, CircuitBreaker, Event, HalfOpenStatus, Key, Mode, Origin, Snapshot, State, Status, Totals, Transition,
    Transitions, Value, WindowStatus,
};

use super::settings::nanos;

/// A time of the wall clock, as nanoseconds before it was told. The wall clock goes on while a test runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ago(pub(crate) u64);

impl PartialEq for Ago {
    fn eq(&self, other: &Ago) -> bool {
        self.0.abs_diff(other.0) < 600_000_000_000
    }
}

impl From<SystemTime> for Ago {
    fn from(at: SystemTime) -> Ago {
        Ago(nanos(SystemTime::now().duration_since(at).unwrap_or_default()))
    }
}

/// A change of state and its numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) cause: Cause,
    pub(crate) generation: u64,
    pub(crate) consecutive: u32,
    /// Calls, failures, slow calls.
    pub(crate) numbers: [u64; 3],
    pub(crate) trials_succeeded: u32,
    pub(crate) retry_after: Option<u64>,
    pub(crate) at: Ago,
}

impl From<&Transition> for Change {
    fn from(transition: &Transition) -> Change {
        Change {
            from: transition.from,
            to: transition.to,
            cause: transition.cause,
            generation: transition.generation,
            consecutive: transition.consecutive_failures,
            numbers: [transition.calls, transition.failures, transition.slow_calls],
            trials_succeeded: transition.trials_succeeded,
            retry_after: transition.retry_after.map(nanos),
            at: transition.at.into(),
        }
    }
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Changed(Change),
    Mode(Mode, Mode, State),
    Reset,
    WouldOpen(Cause),
    /// Keys with their values before and after.
    Reconfigured(Vec<(Key, Value, Value)>),
    /// The key, what counts, what was set aside.
    Conflict(String, String, String),
    /// What the model never says.
    Other(String),
}

impl From<&Event> for Told {
    fn from(event: &Event) -> Told {
        match event {
            Event::Transition(transition) => Told::Changed(transition.into()),
            Event::ModeChanged { from, to, state, .. } => Told::Mode(*from, *to, *state),
            Event::Reset { .. } => Told::Reset,
            Event::WouldOpen { cause, .. } => Told::WouldOpen(*cause),
            Event::Reconfigured { changes, .. } => {
                Told::Reconfigured(changes.iter().map(|change| (change.key, change.before, change.after)).collect())
            }
            Event::Conflict(told) => Told::Conflict(told.key.to_owned(), told.kept.clone(), told.ignored.clone()),
            other => Told::Other(other.to_string()),
        }
    }
}

/// What a snapshot keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) state: State,
    pub(crate) mode: Mode,
    pub(crate) generation: u64,
    pub(crate) remaining: u64,
    pub(crate) reopened: u32,
}

impl From<Snapshot> for Kept {
    fn from(snapshot: Snapshot) -> Kept {
        let Snapshot { state, mode, generation, reopened, .. } = snapshot;
        Kept { state, mode, generation, remaining: nanos(snapshot.remaining), reopened }
    }
}

impl From<Kept> for Snapshot {
    fn from(kept: Kept) -> Snapshot {
        let remaining = Duration::from_nanos(kept.remaining);
        Snapshot::new(kept.state, kept.mode, kept.generation, remaining, kept.reopened)
    }
}

/// The window: calls, failures, slow calls, slow failures; the rates of failures and of slow calls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) numbers: [u64; 4],
    pub(crate) rates: [Option<f64>; 2],
}

impl From<WindowStatus> for Window {
    fn from(window: WindowStatus) -> Window {
        Window {
            numbers: [window.calls, window.failures, window.slow_calls, window.slow_failures],
            rates: [window.failure_rate, window.slow_call_rate],
        }
    }
}

/// The half-open episode.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HalfOpen {
    pub(crate) trials: u32,
    pub(crate) under_way: u32,
    pub(crate) succeeded: u32,
    pub(crate) successes: u32,
    pub(crate) time_left: Option<u64>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) mode: Mode,
    pub(crate) generation: u64,
    pub(crate) time_in_state: u64,
    pub(crate) retry_after: Option<u64>,
    pub(crate) consecutive: u32,
    pub(crate) reopened: u32,
    pub(crate) window: Option<Window>,
    pub(crate) half_open: Option<HalfOpen>,
    pub(crate) totals: Totals,
    pub(crate) in_states: [u64; 3],
    pub(crate) in_flight: Option<u64>,
    pub(crate) last_change: Option<Change>,
    pub(crate) last_failure: Option<Ago>,
    pub(crate) settings: Vec<(Key, Value, Origin)>,
    pub(crate) disagreements: usize,
    pub(crate) would_admit: bool,
    pub(crate) kept: Kept,
}

impl From<&HalfOpenStatus> for HalfOpen {
    fn from(half_open: &HalfOpenStatus) -> HalfOpen {
        HalfOpen {
            trials: half_open.max_calls,
            under_way: half_open.in_flight,
            succeeded: half_open.successes,
            successes: half_open.success_threshold,
            time_left: half_open.time_left.map(nanos),
        }
    }
}

/// What a status shows of one instant, while others go on. What is counted outside the lock, successes and
/// refusals, is not of one instant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Glance {
    state: State,
    mode: Mode,
    generation: u64,
    retry_after: Option<u64>,
    consecutive: u32,
    half_open: Option<HalfOpen>,
    /// Failures, ignored, cancelled, late.
    counts: [u64; 4],
    transitions: Transitions,
}

impl From<&Status> for Glance {
    fn from(status: &Status) -> Glance {
        let totals = &status.totals;
        Glance {
            state: status.state,
            mode: status.mode,
            generation: status.generation,
            retry_after: status.retry_after.map(nanos),
            consecutive: status.consecutive_failures,
            half_open: status.half_open.as_ref().map(HalfOpen::from),
            counts: [totals.failures, totals.ignored, totals.cancelled, totals.late],
            transitions: totals.transitions,
        }
    }
}

impl From<Seen> for Glance {
    fn from(seen: Seen) -> Glance {
        let Seen { state, mode, generation, retry_after, consecutive, half_open, totals, .. } = seen;
        let counts = [totals.failures, totals.ignored, totals.cancelled, totals.late];
        let transitions = totals.transitions;
        Glance { state, mode, generation, retry_after, consecutive, half_open, counts, transitions }
    }
}

impl Seen {
    pub(crate) fn of(breaker: &CircuitBreaker) -> Seen {
        let status = breaker.status();
        assert_eq!((breaker.state(), breaker.mode()), (status.state, status.mode));
        assert_eq!(breaker.is_open(), status.state == State::Open);
        let time_in_state = nanos(status.time_in_state);
        assert_eq!(Ago::from(status.since), Ago(time_in_state));
        Seen {
            state: status.state,
            mode: status.mode,
            generation: status.generation,
            time_in_state,
            retry_after: status.retry_after.map(nanos),
            consecutive: status.consecutive_failures,
            reopened: status.reopened,
            window: status.window.map(Window::from),
            half_open: status.half_open.as_ref().map(HalfOpen::from),
            totals: status.totals,
            in_states: State::ALL.map(|state| nanos(status.time_in_states.of(state))),
            in_flight: status.in_flight,
            last_change: status.last_transition.as_ref().map(Change::from),
            last_failure: status.last_failure.map(Ago::from),
            settings: status.settings.iter().map(|setting| (setting.key, setting.value, setting.origin)).collect(),
            disagreements: status.conflicts.len(),
            would_admit: breaker.can_execute(),
            kept: breaker.snapshot().into(),
        }
    }
}
