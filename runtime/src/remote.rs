//! What a fleet does to a breaker: it takes up what other instances found, and its trials are rationed. What an
//! instance wants of its fleet is `shared`.

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::{Core, Inner};
use crate::clock::nanos;
use crate::error::Reason;
use crate::event::Cause;
use crate::machine::{Phase, UNRATIONED};
use crate::snapshot::Snapshot;
use crate::state::{Mode, State};
use crate::sync::MutexGuard;

/// Finds a breaker by its name.
pub(crate) type Find = Arc<dyn Fn(&str) -> Option<Arc<Core>> + Send + Sync>;

/// What a fleet needs to know of a breaker to speak for it.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The state that holds now; its generation is that of the machine, which time alone does not move.
    pub(crate) snapshot: Snapshot,
    /// Why it moved last.
    pub(crate) last_cause: Option<Cause>,
    pub(crate) success_threshold: u32,
    pub(crate) half_open_max_calls: u32,
    pub(crate) half_open_timeout: Duration,
    pub(crate) recovery_timeout: Duration,
    /// The longest open time by the settings, if there is one.
    pub(crate) max_recovery_timeout: Option<Duration>,
    /// Calls since it was made.
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    /// Calls that found no place for a trial.
    pub(crate) refused_trials: u64,
    /// Calls that have ended or were refused.
    pub(crate) calls: u64,
    /// What its clock shows.
    pub(crate) now: u64,
}

/// A state that a fleet has agreed about.
#[derive(Clone, Debug)]
pub(crate) struct Adopted {
    pub(crate) state: State,
    pub(crate) mode: Mode,
    /// What is left of the open time.
    pub(crate) left: Duration,
    pub(crate) reopened: u32,
    /// Who ordered it, if an operator did.
    pub(crate) by: Option<Arc<str>>,
}

/// The breaker has moved by itself meanwhile.
#[derive(Debug)]
pub(crate) struct HasMoved;

impl Core {
    pub(crate) fn terms(&self) -> Terms {
        let inner = self.lock();
        let mut snapshot = self.snapshot_of(&inner);
        snapshot.generation = inner.machine.generation;
        let policy = &inner.policy;
        let (successes, failures) = (self.stripes().successes(), inner.failures.count);
        let refused_trials = self.stripes().refusals(Reason::HalfOpenFull);
        Terms {
            snapshot,
            last_cause: inner.past.as_ref().and_then(|past| past.last_transition.as_ref()).map(|last| last.cause),
            success_threshold: policy.success_threshold,
            half_open_max_calls: policy.half_open_max_calls,
            half_open_timeout: policy.half_open_timeout,
            recovery_timeout: policy.recovery_timeout,
            max_recovery_timeout: policy.max_recovery_timeout,
            successes,
            failures,
            refused_trials,
            calls: successes + failures + refused_trials + self.stripes().refusals(Reason::Open),
            now: self.now(self.word()),
        }
    }

    /// Takes up what the fleet has agreed about, unless it has moved since that generation. Returns the one that it is
    /// in then. An open circuit keeps its episode and takes the time alone.
    pub(crate) fn adopt(&self, adopted: &Adopted, generation: u64) -> Result<u64, HasMoved> {
        let mut guard = self.unmoved(generation)?;
        let inner = &mut *guard;
        let now = self.now(self.word());
        let by = adopted.by.as_deref();
        let is_same_mode = inner.mode == adopted.mode;
        self.enter_mode(inner, adopted.mode, now, by);
        let left = nanos(adopted.left);
        let moved = match (adopted.state, inner.machine.phase) {
            (State::Closed, Phase::Closed) => {
                if by.is_some() && is_same_mode && adopted.mode == Mode::Auto {
                    inner.machine.renew(&inner.policy, now);
                    self.forget(inner);
                    self.tell_reset(by);
                }
                None
            }
            (State::Closed, _) => Some(inner.machine.close(Cause::Remote, now)),
            (State::Open, Phase::Open { .. }) => {
                inner.postpone(now.saturating_add(left), now);
                None
            }
            (State::HalfOpen, Phase::Open { .. }) => {
                inner.postpone(now, now);
                None
            }
            (State::HalfOpen, Phase::HalfOpen { .. }) => None,
            (State::HalfOpen, Phase::Closed) => Some(inner.machine.open_for(0, Cause::Remote, now)),
            (State::Open, _) => Some(inner.machine.open_for(left, Cause::Remote, now)),
        };
        inner.granted = if adopted.state == State::Closed { UNRATIONED } else { 0 };
        inner.machine.reopened = adopted.reopened;
        if let Some(moved) = moved {
            self.commit_by(inner, moved, by);
        }
        let generation = inner.machine.generation;
        self.show(guard);
        Ok(generation)
    }

    /// From now on a trial needs a grant; those under way go on.
    pub(crate) fn leash(&self, generation: u64) {
        if let Ok(mut inner) = self.unmoved(generation) {
            inner.granted = 0;
            inner.take_places_back();
            self.show(inner);
        }
    }

    /// So many more trials may begin until then, in this half-open episode or in the next one: the open time is over.
    /// Returns whether they may. What has not begun by then is over although nobody takes it back.
    pub(crate) fn grant(&self, more: u32, until: u64, generation: u64) -> bool {
        let Ok(mut inner) = self.unmoved(generation) else { return false };
        if inner.mode != Mode::Auto {
            return false;
        }
        let before = if inner.granted == UNRATIONED { 0 } else { inner.granted };
        let now = self.now(self.word());
        match &mut inner.machine.phase {
            Phase::Closed => return false,
            Phase::Open { until } => {
                let at = now.min(*until);
                inner.granted = before.saturating_add(more);
                inner.postpone(at, now);
            }
            Phase::HalfOpen { places, .. } => *places = places.saturating_add(more),
        }
        inner.granted_until = until;
        self.show(inner);
        true
    }

    /// Takes grants back that no call has used. Returns how many there were.
    pub(crate) fn take_back(&self, generation: u64) -> u32 {
        let Ok(mut inner) = self.unmoved(generation) else { return 0 };
        let unused = match inner.machine.phase {
            Phase::Open { .. } if inner.granted != UNRATIONED => std::mem::take(&mut inner.granted),
            _ => inner.take_places_back(),
        };
        self.show(inner);
        unused
    }

    /// An open circuit stays open for so long from now on.
    pub(crate) fn postpone(&self, left: Duration, generation: u64) {
        if let Ok(mut inner) = self.unmoved(generation) {
            let now = self.now(self.word());
            inner.postpone(now.saturating_add(nanos(left)), now);
            self.show(inner);
        }
    }

    /// Trials need no grant any more. What is left of an open time grows by this part of it.
    pub(crate) fn free(&self, spread: f64) {
        let mut inner = self.lock();
        let now = self.now(self.word());
        inner.granted = UNRATIONED;
        inner.machine.ration(UNRATIONED);
        let until = inner.machine.deadline();
        if inner.machine.state() == State::Open && until != u64::MAX {
            let more = until.saturating_sub(now) as f64 * spread;
            inner.postpone(until.saturating_add(more as u64), now);
        }
        self.show(inner);
    }

    /// The lock, if it is still in this episode.
    fn unmoved(&self, generation: u64) -> Result<MutexGuard<'_, Inner>, HasMoved> {
        let mut inner = self.lock();
        let now = self.now(self.word());
        self.tick(&mut inner, now);
        if inner.machine.generation == generation {
            return Ok(inner);
        }
        self.show(inner);
        Err(HasMoved)
    }

    /// Publishes, and delivers without the lock.
    fn show(&self, inner: MutexGuard<'_, Inner>) {
        self.publish(&inner);
        drop(inner);
        self.bus.deliver();
    }
}

impl Inner {
    /// A half-open episode admits no more trials than it has. Returns how many grants were unused.
    fn take_places_back(&mut self) -> u32 {
        let Phase::HalfOpen { places, admitted, .. } = &mut self.machine.phase else { return 0 };
        let granted = std::mem::replace(places, *admitted);
        if granted == UNRATIONED { 0 } else { granted.saturating_sub(*admitted) }
    }

    /// An open circuit stays open until then, in the same episode.
    fn postpone(&mut self, at: u64, now: u64) {
        if let Phase::Open { until } = &mut self.machine.phase {
            *until = at;
            self.shows(now);
        }
    }
}
