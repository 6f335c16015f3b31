//! How one breaker of this instance stands to its fleet: what it has adopted, and what it knows of itself. What it
//! says is `saying`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::counts::Tally;
use super::fleet::Settings;
use super::note::{Ended, Note, Ordered};
use super::{Beat, View};
use crate::breaker::Core;
use crate::clock::nanos;
use crate::event::Cause;
use crate::remote::{Adopted, Terms};
use crate::state::{Mode, State};

/// No open time of a fleet is longer for an instance, unless its settings say so or an operator: a number that somebody
/// else can write must not shut it for ever.
const LONGEST: Duration = Duration::from_secs(300);
/// No longer is a call expected.
const PATIENT: Duration = Duration::from_secs(3600);
/// How many sync intervals an instance counts as living: breakers at rest give a sign in every second.
const LIVES: u32 = 15;

#[derive(Debug)]
pub(super) struct Standing {
    pub(super) name: Arc<str>,
    core: Weak<Core>,
    /// What the fleet was last known to have agreed about, since when, and what was left of the open time then.
    pub(super) base: View,
    pub(super) since: u64,
    pub(super) wait: Duration,
    /// How many votes were needed before the store was away.
    pub(super) expected: u32,
    pub(super) vote: Option<Vote>,
    /// Trials that were granted and have not ended, when the last of them were, and those that cannot be used.
    pub(super) leases: Vec<u64>,
    pub(super) leased: u64,
    pub(super) spare: Vec<u64>,
    pub(super) order: Option<Ordered>,
    pub(super) verdict: Option<Ended>,
    pub(super) successes: u32,
    pub(super) wishes: u32,
    /// Trials that were refused since it was made, as last seen.
    pub(super) refused: u64,
    /// Whether a call was refused a trial, and others may be expected.
    pub(super) is_wishing: bool,
    /// How many calls were seen, when the last one was, and the longest time between two since the fleet opened.
    calls: u64,
    called: u64,
    longest: u64,
    pub(super) tally: Tally,
    /// As they were when it was last looked at.
    pub(super) terms: Terms,
    /// Whether an order came from another instance.
    pub(super) is_remote: bool,
    /// Whether trials have needed no grant since the store was away.
    pub(super) is_free: bool,
}

/// A vote for opening, of the episode in which the breaker opened by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vote {
    pub(super) generation: u64,
    pub(super) until: u64,
}

/// What holds for all breakers in a round.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) settings: Settings,
    pub(super) now: u64,
    /// The first one after the store was away.
    pub(super) is_first: bool,
    /// Whether all instances have had the time to come back to a store that was away.
    pub(super) is_settled: bool,
}

impl Standing {
    pub(super) fn new(name: &Arc<str>, core: &Arc<Core>) -> Self {
        let terms = core.terms();
        let mut tally = Tally::default();
        tally.restart((terms.failures, terms.successes));
        Standing {
            name: Arc::clone(name),
            core: Arc::downgrade(core),
            base: View::default(),
            since: 0,
            wait: Duration::ZERO,
            expected: 0,
            vote: None,
            leases: Vec::new(),
            leased: 0,
            spare: Vec::new(),
            order: None,
            verdict: None,
            successes: 0,
            wishes: 0,
            refused: terms.refused_trials,
            is_wishing: false,
            calls: terms.calls,
            called: 0,
            longest: 0,
            tally,
            terms,
            is_remote: false,
            is_free: true,
        }
    }

    pub(super) fn is_of(&self, core: &Arc<Core>) -> bool {
        self.core.as_ptr() == Arc::as_ptr(core)
    }

    /// Lets the breaker work without a fleet.
    pub(super) fn free(&mut self, spread: f64) {
        self.is_free = true;
        if let Some(core) = self.core.upgrade() {
            core.free(spread);
        }
    }

    /// The store cannot be used for it: it works without the fleet until it can.
    pub(super) fn give_up(&mut self, core: &Core) {
        self.is_free = true;
        (self.wishes, self.is_wishing) = (0, false);
        core.free(0.0);
    }

    pub(super) fn take(&mut self, note: Note) {
        self.order = note.order.or(self.order.take());
        if note.verdict == Some(Ended::Badly) {
            self.successes = 0;
        }
        self.verdict = note.verdict.or(self.verdict);
        self.successes = self.successes.saturating_add(note.successes);
        self.wishes = self.wishes.saturating_add(note.wishes);
    }

    pub(super) fn look(&mut self, core: &Core) {
        self.terms = core.terms();
    }

    /// Whether it is open by what this instance has seen, and not because it was told.
    pub(super) fn is_open_by_itself(&self) -> bool {
        let snapshot = &self.terms.snapshot;
        let is_own = |cause| {
            matches!(
                cause,
                Cause::FailureThreshold
                    | Cause::FailureRateThreshold
                    | Cause::SlowCallRateThreshold
                    | Cause::TrialFailed
                    | Cause::HalfOpenTimeout
            )
        };
        snapshot.state == State::Open && snapshot.mode == Mode::Auto && self.terms.last_cause.is_some_and(is_own)
    }

    /// Whether trials of this instance are under way, or may be.
    pub(super) fn is_trying(&self) -> bool {
        self.terms.snapshot.state == State::HalfOpen && self.terms.last_cause == Some(Cause::RecoveryTimeout)
    }

    /// Whether it is one of those that say what they see: neither the fleet nor this instance obeys an order.
    pub(super) fn decides(&self) -> bool {
        self.base.mode == Mode::Auto && self.terms.snapshot.mode == Mode::Auto
    }

    pub(super) fn wants_vote(&self) -> bool {
        let generation = self.terms.snapshot.generation;
        let is_said = self.vote.is_some_and(|vote| vote.generation == generation);
        self.decides() && self.base.state == State::Closed && self.is_open_by_itself() && !is_said
    }

    pub(super) fn wants_no_vote(&self) -> bool {
        self.vote.is_some() && self.terms.snapshot.state == State::Closed
    }

    /// Whether something is still to be said.
    pub(super) fn has_left(&self) -> bool {
        let is_open = self.base.state != State::Closed;
        let has_trials = is_open && (self.verdict.is_some() || self.successes > 0 || !self.spare.is_empty());
        self.order.is_some() || has_trials || self.wants_vote() || self.wants_no_vote()
    }

    /// Whether nothing goes on that the fleet should hear of at once, or it should hear of the fleet.
    pub(super) fn is_at_rest(&self) -> bool {
        let is_closed = self.base.state == State::Closed && self.terms.snapshot.state == State::Closed;
        (is_closed || self.base.mode != Mode::Auto) && !self.has_left() && !self.tally.is_waiting()
    }

    /// Notes whether it was called, and how far apart calls are.
    fn heed(&mut self, now: u64) {
        if self.called == 0 {
            self.called = now;
        }
        if self.calls != self.terms.calls || self.wishes > 0 {
            if self.base.state != State::Closed {
                self.longest = self.longest.max(now.saturating_sub(self.called));
            }
            (self.calls, self.called) = (self.terms.calls, now);
        }
    }

    /// Whether a call may be expected: not much more time has passed without one than did before.
    pub(super) fn expects_call(&self, round: &Round) -> bool {
        let usual = self.longest.saturating_mul(2).saturating_add(nanos(round.settings.interval * 2));
        round.now.saturating_sub(self.called) <= usual.min(nanos(PATIENT))
    }

    /// Counts what has ended since.
    pub(super) fn count(&mut self, core: &Core, round: &Round) {
        self.look(core);
        self.heed(round.now);
        let totals = (self.terms.failures, self.terms.successes);
        match &round.settings.counts {
            Some(counts) if self.base.state == State::Closed && self.base.mode == Mode::Auto => {
                self.tally.look(totals, counts, round.now);
            }
            _ => self.tally.restart(totals),
        }
    }

    /// A sign of life, with what there is to hand in.
    pub(super) fn beat(&mut self, round: &Round) -> Beat {
        let settings = &round.settings;
        let mut beat = Beat::new(Arc::clone(&self.name), settings.interval.saturating_mul(LIVES));
        // Not before the store has answered: where nothing is heard nothing can be counted.
        if let Some(counts) = settings.counts.as_ref().filter(|_| !round.is_first) {
            let wait = self.terms.recovery_timeout;
            beat.counts = self.tally.take(counts, self.base.epoch, settings.quorum, wait);
        }
        beat
    }

    /// Takes up what the fleet has agreed about, if the breaker has not moved meanwhile; else it will be asked again.
    pub(super) fn adopt(&mut self, core: &Core, view: View, round: &Round) {
        self.look(core);
        // Trials of an earlier episode of the fleet are late in this one.
        let is_another = view.epoch != self.base.epoch && self.base.state == State::HalfOpen;
        let state = if is_another && view.state == State::HalfOpen { State::Open } else { view.state };
        let adopted =
            Adopted { state, mode: view.mode, left: self.bounded(&view), reopened: view.reopened, by: view.by.clone() };
        let snapshot = self.terms.snapshot;
        if core.adopt(&adopted, snapshot.generation).is_ok() {
            self.is_remote |= snapshot.mode != view.mode;
            self.is_free = false;
            self.stand(view, round);
            self.look(core);
        }
    }

    /// Stands so from now on. What was to be said on another epoch is not said any more.
    pub(super) fn stand(&mut self, view: View, round: &Round) {
        (self.since, self.wait) = (round.now, self.bounded(&view));
        if view.state == State::Closed {
            (self.wishes, self.is_wishing, self.longest) = (0, false, 0);
        }
        self.base = view;
        (self.vote, self.verdict, self.successes) = (None, None, 0);
        self.leases.clear();
        self.spare.clear();
        self.tally.restart((self.terms.failures, self.terms.successes));
    }

    /// What is left of an open time, as far as it is believed.
    fn bounded(&self, view: &View) -> Duration {
        let recovery = self.terms.recovery_timeout.saturating_mul(10);
        let longest = LONGEST.max(recovery).max(self.terms.max_recovery_timeout.unwrap_or_default());
        if view.by.is_some() { view.left } else { view.left.min(longest) }
    }
}
