//! What operators do to a breaker, and what they see of it. Each command is one commit under the
//! lock; listeners hear of it after the lock is released.

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::{Core, Inner};
use crate::clock::{self, Clock, nanos, wall};
use crate::config::ConfigError;
use crate::error::Reason;
use crate::event::{Cause, Change, Event};
use crate::keeper::{Keeper, Order};
use crate::layers::Declaration;
use crate::machine::{Machine, Move, Phase};
use crate::policy::Policy;
use crate::role::Role;
use crate::settings::{Key, Value};
use crate::spans::{Spans, StateTimes};
use crate::state::{Mode, State};
use crate::status::{HalfOpenStatus, Rejections, Requests, Setting, Status, Totals, Transitions, WindowStatus};
use crate::watch::{Histogram, Watched};
use crate::window::Tally;

impl Core {
    /// Runs one command: what time has done, then `change`, under the lock; then the word, then the
    /// listeners.
    pub(crate) fn command<T>(&self, change: impl FnOnce(&mut Inner, u64) -> T) -> T {
        let mut inner = self.lock();
        let now = self.now(self.word());
        self.tick(&mut inner, now);
        let result = change(&mut inner, now);
        self.publish(&inner);
        drop(inner);
        self.bus.deliver();
        result
    }

    /// Runs a command that is for all who share the state, and says what it comes to for them.
    fn order(&self, by: Option<&str>, change: impl FnOnce(&mut Inner, u64) -> Order) {
        self.command(|inner, now| {
            let order = change(inner, now);
            if let Some(keeper) = self.keeper(inner) {
                self.publish(inner);
                keeper.ordered(&self.label, order, by);
            }
        });
    }

    /// Moves to a state by hand. It ends a mode: whoever names a state wants that state.
    fn move_by_hand(&self, by: Option<&str>, to: State, step: impl FnOnce(&mut Machine, &Policy, u64) -> Move) {
        self.order(by, |inner, now| {
            self.enter_mode(inner, Mode::Auto, now, by);
            let seen = inner.machine.observe(inner.mode, &inner.policy, self.seed(), now);
            // An open time that is over shows as half-open; to be half-open by hand begins the episode.
            let is_there = inner.machine.state() == to && (to != State::Open || seen.state() == State::Open);
            if !is_there {
                let moved = step(&mut inner.machine, &inner.policy, now);
                self.commit_by(inner, moved, by);
            }
            match to {
                State::Closed => Order::Reset,
                State::HalfOpen => Order::OpenFor(Duration::ZERO),
                State::Open => Order::OpenFor(Duration::from_nanos(inner.machine.deadline().saturating_sub(now))),
            }
        });
    }

    pub(crate) fn open(&self, by: Option<&str>) {
        self.move_by_hand(by, State::Open, |machine, policy, now| {
            machine.open(policy, self.seed(), Cause::Manual, now)
        });
    }

    pub(crate) fn open_for(&self, time: Duration, by: Option<&str>) {
        self.order(by, |inner, now| {
            self.enter_mode(inner, Mode::Auto, now, by);
            let moved = inner.machine.open_for(nanos(time), Cause::Manual, now);
            self.commit_by(inner, moved, by);
            Order::OpenFor(time)
        });
    }

    pub(crate) fn half_open(&self, by: Option<&str>) {
        if self.keeper(&self.lock()).is_some_and(Keeper::rations) {
            // Its trials are those of the fleet.
            self.lock().granted = 0;
            return self.open_for(Duration::ZERO, by);
        }
        self.move_by_hand(by, State::HalfOpen, |machine, policy, now| machine.half_open(policy, Cause::Manual, now));
    }

    pub(crate) fn close(&self, by: Option<&str>) {
        self.move_by_hand(by, State::Closed, |machine, _, now| machine.close(Cause::Manual, now));
    }

    pub(crate) fn reset(&self, by: Option<&str>) {
        self.order(by, |inner, now| {
            self.enter_mode(inner, Mode::Auto, now, by);
            if inner.machine.state() == State::Closed {
                inner.machine.renew(&inner.policy, now);
                self.forget(inner);
            } else {
                let moved = inner.machine.close(Cause::Reset, now);
                self.commit_by(inner, moved, by);
            }
            self.tell_reset(by);
            Order::Reset
        });
    }

    pub(crate) fn tell_reset(&self, by: Option<&str>) {
        self.bus.publish(|| Event::Reset { breaker: Arc::clone(&self.label), by: by.map(Arc::from) });
    }

    pub(crate) fn set_mode(&self, mode: Mode, by: Option<&str>) {
        self.order(by, |inner, now| {
            self.enter_mode(inner, mode, now, by);
            Order::Mode(mode)
        });
    }

    pub(crate) fn enter_mode(&self, inner: &mut Inner, mode: Mode, now: u64, by: Option<&str>) {
        if inner.mode == mode {
            return;
        }
        let from = std::mem::replace(&mut inner.mode, mode);
        inner.machine.renew(&inner.policy, now);
        self.forget(inner);
        inner.shows(now);
        inner.past().mode_since = now;
        let state = inner.machine.state();
        let breaker = || Arc::clone(&self.label);
        self.bus.publish(|| Event::ModeChanged { breaker: breaker(), from, to: mode, state, by: by.map(Arc::from) });
    }

    pub(crate) fn reconfigure(&self, changes: &[(Key, Value)], by: Option<&str>) -> Result<(), ConfigError> {
        self.command(|inner, now| {
            let policy = inner.layers.reconfigure(changes)?;
            let before = inner.policy;
            self.follow(inner, policy);
            if let Some(moved) = inner.machine.close_if_due(&policy, now) {
                self.commit(inner, moved);
            }
            let is_stated = |key: Key| changes.iter().any(|(stated, _)| *stated == key);
            let change = |key: Key| Change { key, before: before.get(key), after: policy.get(key) };
            let changes =
                || Key::ALL.into_iter().map(change).filter(|c| is_stated(c.key) || c.before != c.after).collect();
            let breaker = || Arc::clone(&self.label);
            self.bus.publish(|| Event::Reconfigured { breaker: breaker(), changes: changes(), by: by.map(Arc::from) });
            Ok(())
        })
    }

    /// Takes what another function of this name states. The caller delivers, because it may hold a lock.
    pub(crate) fn merge(&self, declaration: Declaration<'_>) {
        let inner = &mut *self.lock();
        let now = self.now(self.word());
        self.tick(inner, now);
        let conflicts = inner.layers.merge(&self.label, declaration);
        // What resolved before and was merged resolves.
        if let Ok(policy) = inner.layers.resolve() {
            self.follow(inner, policy);
            if let Some(moved) = inner.machine.close_if_due(&policy, now) {
                self.commit(inner, moved);
            }
        }
        self.publish(inner);
        for conflict in conflicts {
            self.bus.complain(Event::Conflict(conflict));
        }
    }

    /// Takes a part in its registry, or gives it up.
    pub(crate) fn take_role(&self, role: Role) {
        let inner = &mut *self.lock();
        inner.role = role;
        // What has been judged resolves.
        if let Ok(policy) = inner.layers.resolve() {
            self.follow(inner, policy);
        }
        self.publish(inner);
    }

    #[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
    pub(crate) fn role(&self) -> Role {
        self.lock().role
    }

    /// Whether the open time, or the episode of trials, was over long ago and nobody has come since.
    pub(crate) fn is_long_due(&self) -> bool {
        let inner = self.lock();
        let now = self.now(self.word());
        inner.mode == Mode::Auto
            && inner.machine.state() != State::Closed
            && now >= inner.machine.deadline().saturating_add(nanos(inner.policy.half_open_timeout))
    }

    /// Takes another clock. Open times keep what is left of them; the window starts empty.
    pub(crate) fn set_clock(&self, clock: Option<Arc<dyn Clock>>) {
        let now = clock.as_ref().map_or_else(clock::precise, |clock| nanos(clock.now()));
        let _replaced = self.command(|inner, before| {
            inner.past().rebase(before, now);
            inner.machine.rebase(before, now);
            inner.granted_until = 0;
            inner.shows(now);
            inner.machine.generation += 1;
            inner.failures.last = now.saturating_sub(before.saturating_sub(inner.failures.last));
            self.forget(inner);
            inner.has_own_clock = clock.is_some();
            // The one before is dropped without the lock: its drop is code of the user.
            std::mem::replace(&mut *self.clock.write(), clock)
        });
    }

    pub(crate) fn status(&self) -> Status {
        let mut inner = self.lock();
        let now = self.now(self.word());
        let tally = self.tally(&mut inner, now);
        let policy = &inner.policy;
        let seen = inner.machine.observe(inner.mode, policy, self.seed(), now);
        let state = inner.mode.effective(seen.state());
        let stated = inner.layers.stated();
        let window = tally.map(|tally| {
            // Trials are not in the window, although their successes are in the stripes.
            let is_trial = inner.mode == Mode::Auto && [seen.state(), inner.machine.state()].contains(&State::HalfOpen);
            let tally = if is_trial { Tally::default() } else { tally };
            let rate =
                |part: u64| (tally.calls >= u64::from(policy.minimum_calls)).then(|| part as f64 / tally.calls as f64);
            WindowStatus {
                calls: tally.calls,
                failures: tally.failures,
                slow_calls: tally.slow,
                slow_failures: tally.slow_failures,
                failure_rate: rate(tally.failures),
                slow_call_rate: rate(tally.slow),
            }
        });
        let in_auto = inner.mode == Mode::Auto;
        let (mut retry_after, mut half_open) = (None, None);
        match seen.phase {
            Phase::Open { until } if in_auto => retry_after = Some(Duration::from_nanos(until.saturating_sub(now))),
            Phase::HalfOpen { until, admitted, successes, places } if in_auto => {
                half_open = Some(HalfOpenStatus {
                    max_calls: policy.half_open_max_calls.min(places),
                    in_flight: admitted.saturating_sub(successes),
                    successes,
                    success_threshold: policy.success_threshold,
                    time_left: (until != u64::MAX).then(|| Duration::from_nanos(until.saturating_sub(now))),
                });
            }
            _ => {}
        }
        let past = inner.past.as_deref();
        let watched = self.watched();
        // Of an order, callers meet the effect for as long as it stands.
        let since = past.filter(|_| !in_auto).map_or(seen.since, |past| past.mode_since);
        let setting = |key: Key| Setting { key, value: policy.get(key), origin: stated.origin(key) };
        Status {
            name: Arc::clone(&self.label),
            state,
            mode: inner.mode,
            generation: seen.generation,
            time_in_state: Duration::from_nanos(now.saturating_sub(since)),
            since: wall(now, since),
            retry_after,
            consecutive_failures: seen.consecutive,
            reopened: seen.reopened,
            window,
            half_open,
            totals: self.totals(&inner),
            last_transition: past.and_then(|past| past.last_transition.clone()),
            time_in_states: self.times(&inner, now),
            in_flight: inner.counts_flights().then(|| self.stripes().in_flight()),
            durations: watched.and_then(Watched::histogram).map(Histogram::durations),
            last_failure: (inner.failures.count > 0).then(|| wall(now, inner.failures.last)),
            preset: inner.layers.preset(),
            settings: Key::ALL.into_iter().map(setting).collect(),
            locations: inner.layers.locations(),
            conflicts: inner.layers.conflicts.clone(),
            store: self.keeper(&inner).map(|keeper| keeper.status(&self.label)),
        }
    }

    /// What is left to tell of a breaker that nobody uses any more.
    pub(crate) fn retire(&self) -> (Totals, StateTimes) {
        let inner = self.lock();
        (self.totals(&inner), self.times(&inner, self.now(self.word())))
    }

    fn times(&self, inner: &Inner, now: u64) -> StateTimes {
        let mut spans = inner.past.as_deref().map_or(Spans::new(inner.machine.since), |past| past.spans);
        let mut ticked = inner.machine;
        if inner.mode == Mode::Auto
            && let Some(moved) = ticked.tick(&inner.policy, self.seed(), now)
        {
            spans.enter(State::Open, ticked.deadline(), moved.at);
        }
        spans.times(now)
    }

    fn totals(&self, inner: &Inner) -> Totals {
        let stripes = self.stripes();
        let counts = &inner.counts;
        let transitions = inner.past.as_deref().map_or(Transitions::default(), |past| past.transitions);
        let rejections = Rejections {
            open: stripes.refusals(Reason::Open),
            half_open_full: stripes.refusals(Reason::HalfOpenFull),
            forced_open: stripes.refusals(Reason::ForcedOpen),
        };
        let successes = stripes.successes();
        let failures = inner.failures.count;
        let ended = successes + failures + counts.ignored + counts.cancelled + counts.late;
        let attempts = ended + rejections.total();
        let open = rejections.open + rejections.forced_open + counts.of_open;
        let half_open = rejections.half_open_full + counts.of_half_open;
        Totals {
            attempts,
            requests: Requests { closed: attempts - open - half_open, open, half_open },
            successes,
            failures,
            ignored: counts.ignored,
            cancelled: counts.cancelled,
            late: counts.late,
            rejections,
            slow_calls: counts.slow,
            fallbacks: stripes.fallbacks(),
            trips: transitions.closed_to_open,
            transitions,
        }
    }
}
