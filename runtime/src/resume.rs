//! How a breaker hands over its state, and takes up one from elsewhere. Who keeps it meanwhile is `keeper`, how a
//! fleet steers it `remote`.

use std::time::Duration;

use crate::breaker::{Core, Inner};
use crate::clock::nanos;
use crate::event::Cause;
use crate::keeper::Keeper;
use crate::machine::Phase;
use crate::role::Role;
use crate::snapshot::Snapshot;
#[cfg(feature = "shared")]
use crate::state::Mode;
use crate::state::State;
use crate::word;

impl Core {
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.snapshot_of(&self.lock())
    }

    pub(crate) fn snapshot_of(&self, inner: &Inner) -> Snapshot {
        let now = self.now(self.word());
        let seen = inner.machine.observe(inner.mode, &inner.policy, self.seed(), now);
        let remaining = match seen.phase {
            Phase::Open { until } => Duration::from_nanos(until.saturating_sub(now)),
            _ => Duration::ZERO,
        };
        Snapshot {
            state: seen.state(),
            mode: inner.mode,
            generation: seen.generation,
            remaining,
            reopened: seen.reopened,
        }
    }

    /// Makes the word say what the lock protects, and hands a new episode to whoever keeps the state.
    pub(crate) fn publish(&self, inner: &Inner) {
        let is_new = self.publish_unkept(inner);
        if cfg!(feature = "shared") && is_new {
            self.hand_over(inner);
        }
    }

    /// Who keeps the state, if anybody does.
    pub(crate) fn keeper(&self, inner: &Inner) -> Option<&dyn Keeper> {
        self.bus.keeper().filter(|_| inner.role != Role::Left)
    }

    /// Hands the state to whoever keeps it.
    #[cold]
    pub(crate) fn hand_over(&self, inner: &Inner) {
        if let Some(keeper) = self.keeper(inner) {
            keeper.changed(&self.label, self.snapshot_of(inner));
        }
    }

    pub(crate) fn restore(&self, snapshot: &Snapshot) {
        self.command(|inner, now| self.take_up(inner, snapshot, now));
    }

    /// Takes up a state that was kept, unless something has moved it since it was made. The caller delivers,
    /// because it may hold a lock.
    #[cfg(feature = "shared")]
    pub(crate) fn take_up_kept(&self, kept: Option<&Snapshot>) {
        let inner = &mut *self.lock();
        let now = self.now(self.word());
        let is_untouched = inner.mode == Mode::Auto
            && inner.machine.state() == State::Closed
            && inner.past.as_ref().is_none_or(|past| past.last_transition.is_none());
        match kept {
            _ if !is_untouched => self.hand_over(inner),
            Some(kept) if (kept.state, kept.mode, kept.reopened) != (State::Closed, Mode::Auto, 0) => {
                self.take_up(inner, kept, now);
                // Kept it is already.
                self.publish_unkept(inner);
            }
            _ => {}
        }
    }

    fn take_up(&self, inner: &mut Inner, snapshot: &Snapshot, now: u64) {
        self.enter_mode(inner, snapshot.mode, now, None);
        let moved = match snapshot.state {
            State::Closed if inner.machine.state() == State::Closed => {
                inner.machine.renew(&inner.policy, now);
                self.forget(inner);
                None
            }
            State::Closed => Some(inner.machine.close(Cause::Restored, now)),
            // The trials of a half-open circuit died with their process.
            State::HalfOpen => Some(inner.machine.open_for(0, Cause::Restored, now)),
            State::Open => Some(inner.machine.open_for(nanos(snapshot.remaining), Cause::Restored, now)),
        };
        let taken_up = snapshot.generation.min(word::LAST_GENERATION / 2);
        inner.machine.generation = inner.machine.generation.max(taken_up);
        inner.machine.reopened = snapshot.reopened;
        if let Some(moved) = moved {
            self.commit(inner, moved);
        }
    }
}
