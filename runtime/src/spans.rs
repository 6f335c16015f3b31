//! How long a breaker was in each state, as callers met it: an open time that is over counts as half-open,
//! a mode as its effect. Added up when the state changes; who asks in between adds what runs.

use std::time::Duration;

use crate::state::State;

/// How long a breaker was in each state since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StateTimes {
    /// Closed, or disabled, or only measuring.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_seconds"))]
    pub closed: Duration,
    /// Open, or forced open.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_seconds"))]
    pub open: Duration,
    /// Half-open, from the end of the open time on.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_seconds"))]
    pub half_open: Duration,
}

impl StateTimes {
    /// The time in one state.
    pub fn of(&self, state: State) -> Duration {
        match state {
            State::Closed => self.closed,
            State::Open => self.open,
            State::HalfOpen => self.half_open,
        }
    }

    /// Adds the times of another breaker.
    pub(crate) fn add(&mut self, other: &StateTimes) {
        self.closed += other.closed;
        self.open += other.open;
        self.half_open += other.half_open;
    }
}

/// What has been added up, until when, and what runs. Nanoseconds on the breaker's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    spent: [u64; 3],
    /// Until when time has been added up. It never steps back.
    counted: u64,
    state: State,
    /// When the state ends by time alone.
    until: u64,
}

impl Spans {
    pub(crate) fn new(now: u64) -> Self {
        Spans { spent: [0; 3], counted: now, state: State::Closed, until: u64::MAX }
    }

    /// The state changes.
    pub(crate) fn enter(&mut self, state: State, until: u64, at: u64) {
        self.add(at);
        (self.state, self.until) = (state, until);
    }

    /// The clock is exchanged: `before` on the old one is `now` on the new one.
    pub(crate) fn rebase(&mut self, before: u64, now: u64) {
        self.add(before);
        self.counted = now;
    }

    /// What is known at this time, if nothing has changed the state meanwhile.
    pub(crate) fn times(mut self, now: u64) -> StateTimes {
        self.add(now);
        let [closed, open, half_open] = self.spent.map(Duration::from_nanos);
        StateTimes { closed, open, half_open }
    }

    fn add(&mut self, at: u64) {
        let at = at.max(self.counted);
        // Only an open circuit changes by time alone in a way that callers meet and nobody commits.
        let turn = if self.state == State::Open { self.until.clamp(self.counted, at) } else { at };
        // Clocks that are exchanged may show more than the 584 years that fit.
        for (state, time) in [(self.state, turn - self.counted), (State::HalfOpen, at - turn)] {
            let spent = &mut self.spent[state as usize];
            *spent = spent.saturating_add(time);
        }
        self.counted = at;
    }
}
