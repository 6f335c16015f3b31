//! What operators do to the model, and what it shows.

use std::rc::Rc;

use breakerbox::{Cause, Key, Mode, State};

use super::super::seen::{Ago, HalfOpen, Kept, Seen, Told, Window};
use super::super::settings::{Policy, Stated};
use super::{Model, is_over};

/// A generation has 48 bits, of which what is taken up leaves one.
const LAST_TAKEN_UP: u64 = (1 << 47) - 1;

impl Model {
    /// Begins another episode of the same state: what is under way is late.
    fn renew(&mut self, now: u64) {
        self.episode += 1;
        self.forget();
        (self.consecutive, self.admitted, self.succeeded) = (0, 0, 0);
        if self.state == State::HalfOpen {
            self.until = now.saturating_add(self.policy.half_open);
        }
    }

    pub(crate) fn set_mode(&mut self, mode: Mode, now: u64) {
        self.time_out(now);
        if self.mode != mode {
            self.told.push(Told::Mode(self.mode, mode, self.state));
            (self.mode, self.mode_since) = (mode, now);
            self.renew(now);
            self.show(now);
        }
    }

    pub(crate) fn reset(&mut self, now: u64) {
        self.set_mode(Mode::Auto, now);
        if self.state == State::Closed {
            self.renew(now);
        } else {
            self.close(Cause::Reset, now);
        }
        self.told.push(Told::Reset);
    }

    pub(crate) fn move_to(&mut self, to: State, now: u64) {
        self.set_mode(Mode::Auto, now);
        let is_due = self.state == State::Open && is_over(self.until, now);
        match to {
            State::Closed if self.state != to => self.close(Cause::Manual, now),
            State::HalfOpen if self.state != to => self.half_open(Cause::Manual, now),
            State::Open if self.state != to || is_due => self.open(Cause::Manual, now, now),
            _ => {}
        }
    }

    pub(crate) fn open_for(&mut self, time: u64, now: u64) {
        self.set_mode(Mode::Auto, now);
        self.go(State::Open, now.saturating_add(time), Cause::Manual, now, now);
    }

    pub(crate) fn reconfigure(&mut self, changes: &Stated, now: u64) -> Result<(), Vec<Key>> {
        self.time_out(now);
        let policy = Rc::make_mut(&mut self.layers).change(changes)?;
        let before = self.policy.in_force.clone();
        self.follow(policy, now);
        let both = before.iter().zip(&self.policy.in_force).map(|(before, after)| (before.0, before.1, after.1));
        let is_stated = |key: Key| changes.iter().any(|(stated, _)| *stated == key);
        let told = both.filter(|(key, before, after)| is_stated(*key) || before != after).collect();
        self.told.push(Told::Reconfigured(told));
        Ok(())
    }

    /// Another place in the code states settings. A place disagrees about a key once.
    pub(crate) fn merge(&mut self, place: usize, stated: &Stated, now: u64) {
        self.time_out(now);
        let disagreements = Rc::make_mut(&mut self.layers).merge(stated);
        if let Ok(policy) = self.layers.policy() {
            self.follow(policy, now);
        }
        for (key, kept, ignored) in disagreements {
            if !self.disagreements.contains(&(key, place)) {
                self.disagreements.push((key, place));
                self.told.push(Told::Conflict(key.to_owned(), kept, ignored));
            }
        }
    }

    /// Works by other settings, in the same episode. A window of another shape starts empty.
    fn follow(&mut self, policy: Policy, now: u64) {
        if self.policy.window.is_none() || self.policy.window != policy.window {
            self.calls.clear();
        }
        self.policy = Rc::new(policy);
        if self.state == State::HalfOpen && self.succeeded >= self.policy.successes {
            self.close(Cause::SuccessThreshold, now);
        }
    }

    /// Takes another clock, which shows `now` where the old one showed `before`.
    pub(crate) fn set_clock(&mut self, before: u64, now: u64) {
        self.time_out(before);
        let moved =
            |at: u64| if at >= before { now.saturating_add(at - before) } else { now.saturating_sub(before - at) };
        self.since = moved(self.since);
        self.mode_since = moved(self.mode_since.min(before));
        self.last_failure = self.last_failure.map(|at| moved(at.min(before)));
        if self.until != u64::MAX {
            self.until = moved(self.until);
        }
        self.shown.exchange(before, now);
        self.show(now);
        self.episode += 1;
        self.forget();
        // The trials under way are late from now on.
        self.admitted = self.succeeded;
    }

    /// Takes up a state from elsewhere, in no earlier an episode.
    pub(crate) fn restore(&mut self, kept: Kept, now: u64) {
        self.set_mode(kept.mode, now);
        self.episode = self.episode.max(kept.generation.min(LAST_TAKEN_UP).saturating_sub(1));
        match kept.state {
            State::Closed if self.state == State::Closed => self.renew(now),
            State::Closed => self.close(Cause::Restored, now),
            State::Open => self.go(State::Open, now.saturating_add(kept.remaining), Cause::Restored, now, now),
            // The trials of a half-open circuit died with their process.
            State::HalfOpen => self.go(State::Open, now, Cause::Restored, now, now),
        }
        self.reopened = kept.reopened;
    }

    pub(crate) fn would_admit(&self, now: u64) -> bool {
        self.clone().ask(now).is_ok()
    }

    /// What time has done by now, whether or not anything has noticed.
    fn later(&self, now: u64) -> Model {
        let mut later = self.clone();
        later.time_out(now);
        later
    }

    /// An open time that is over shows as half-open, although the episode begins with its first trial.
    fn is_due(&self, now: u64) -> bool {
        self.state == State::Open && is_over(self.until, now)
    }

    /// What callers meet.
    fn effect(&self, beneath: State) -> State {
        match self.mode {
            Mode::Auto => beneath,
            Mode::ForcedOpen => State::Open,
            Mode::Disabled | Mode::MetricsOnly => State::Closed,
        }
    }

    /// Notes what callers meet from now on, and until when if time alone ends it.
    pub(super) fn show(&mut self, at: u64) {
        let until = if self.mode == Mode::Auto { self.until } else { u64::MAX };
        self.shown.note(at, self.effect(self.state), until);
    }

    pub(crate) fn seen(&self, now: u64) -> Seen {
        let later = self.later(now);
        let is_due = later.is_due(now);
        let since = match (self.mode, is_due) {
            (Mode::Auto, true) => later.until,
            (Mode::Auto, false) => later.since,
            _ => self.mode_since,
        };
        let beneath = if is_due { State::HalfOpen } else { later.state };
        let state = self.effect(beneath);
        let remaining = if beneath == State::Open { later.until - now } else { 0 };
        let policy = &self.policy;
        // Trials are not in the window.
        let [calls, failures, slow, slow_failures] = if state == State::HalfOpen { [0; 4] } else { later.tally(now) };
        let rate = |part: u64| (calls >= u64::from(policy.minimum_calls)).then(|| part as f64 / calls as f64);
        let mut totals = self.totals;
        let ended = totals.successes + totals.failures + totals.ignored + totals.cancelled + totals.late;
        totals.attempts = ended + totals.rejections.total();
        let in_auto = self.mode == Mode::Auto;
        Seen {
            state,
            mode: self.mode,
            generation: later.episode,
            time_in_state: now.saturating_sub(since),
            retry_after: (in_auto && state == State::Open).then(|| later.until - now),
            consecutive: later.consecutive,
            reopened: later.reopened,
            window: policy.window.map(|_| Window {
                numbers: [calls, failures, slow, slow_failures],
                rates: [rate(failures), rate(slow)],
            }),
            half_open: (in_auto && state == State::HalfOpen).then(|| HalfOpen {
                trials: policy.trials,
                under_way: if is_due { 0 } else { later.admitted - later.succeeded },
                succeeded: later.succeeded,
                successes: policy.successes,
                time_left: (!is_due && later.until != u64::MAX).then(|| later.until - now),
            }),
            totals,
            in_states: later.shown.until(now),
            in_flight: self.under_way,
            last_change: self.last_change.clone(),
            last_failure: self.last_failure.map(|at| Ago(now.saturating_sub(at))),
            settings: policy.in_force.clone(),
            disagreements: self.disagreements.len(),
            would_admit: self.would_admit(now),
            kept: Kept {
                state: beneath,
                mode: self.mode,
                generation: later.episode,
                remaining,
                reopened: later.reopened,
            },
        }
    }
}
