//! How a call ends: a success of a closed circuit by a counter of its thread, everything else under
//! the lock. How a call gets in is `admit`.

use std::sync::Arc;

use crate::breaker::{Core, Inner};
use crate::event::Event;
use crate::machine::{Phase, Verdict};
use crate::state::{Mode, State};
use crate::stripes;
use crate::sync::MutexGuard;
use crate::ticket::{End, Ticket, UNTIMED};
use crate::watch::Watched;
use crate::window::{Entry, Tally, Window};
use crate::word;

/// What a success has to be looked at for, but changes nothing.
const WATCHED: u64 = word::TIMED | word::TIME_WINDOW | word::FLIGHT;

impl Core {
    /// The end of a call that was admitted.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, end: End) {
        if end == End::Success && ticket.word & word::LOOK_AFTER == 0 && self.word() == ticket.word {
            self.stripes().success();
        } else {
            self.settle_slow(ticket, end);
        }
    }

    /// A failure, with what the dependency asked for: to be left alone for this long at least, should the circuit open by it.
    #[cold]
    pub(crate) fn settle_failure_for(&self, ticket: Ticket, stay_open: u64) {
        self.settle_with_care(ticket, End::Failure, Some(stay_open));
    }

    /// Everything but a success of a closed circuit that has nothing to forget. Only finds the way,
    /// so that it needs no stack: what is stored before a lock, the lock waits for.
    #[inline(never)]
    fn settle_slow(&self, ticket: Ticket, end: End) {
        match end {
            End::Success if ticket.word & word::LOOK_AFTER == word::TIME_WINDOW => self.succeed_in_time(ticket),
            End::Success if ticket.word & word::LOOK_BEFORE == 0 => self.succeed_closed(ticket),
            End::Failure if ticket.word & (word::LOOK_BEFORE | word::WINDOW) == 0 => self.fail_in_a_row(ticket),
            End::Failure if ticket.word & word::LOOK_BEFORE == 0 => self.fail_in_window(ticket),
            End::Success if ticket.word & word::LOOK_AFTER == word::FLIGHT => self.land(ticket),
            _ => self.settle_with_care(ticket, end, None),
        }
    }

    /// A success of a closed circuit that has nothing to forget, where calls under way are counted.
    #[inline(never)]
    fn land(&self, ticket: Ticket) {
        if self.word() == ticket.word {
            self.stripes().land_well();
        } else {
            self.settle_with_care(ticket, End::Success, None);
        }
    }

    /// A success of a closed circuit with a time window. It is a matter of its counter alone, if the
    /// bucket of the time has begun for its thread.
    #[inline(never)]
    fn succeed_in_time(&self, ticket: Ticket) {
        let now = self.coarse_now(ticket.word);
        if self.word() != ticket.word || !self.stripes().success_if_marked(now) {
            self.succeed_closed(ticket);
        }
    }

    /// A success of a closed circuit that ends a run of failures, comes while the window is under its
    /// minimum of calls or after a change of settings, or is the first of its thread in a bucket of time.
    #[inline(never)]
    fn succeed_closed(&self, ticket: Ticket) {
        let now = if ticket.word & word::TIME_WINDOW == 0 { 0 } else { self.coarse_now(ticket.word) };
        let Some((mut inner, word)) = self.lock_unmoved(ticket) else {
            return self.settle_with_care(Ticket { started: UNTIMED, ..ticket }, End::Success, None);
        };
        self.count_success(&mut inner, now);
        let verdict = inner.weigh(false, |window| window.record(Entry::SUCCEEDED, now, self.stripes()));
        self.decide(inner, word, verdict);
    }

    /// A failure of a closed circuit without a window.
    #[inline(never)]
    fn fail_in_a_row(&self, ticket: Ticket) {
        let now = self.coarse_now(ticket.word);
        let Some((mut inner, word)) = self.lock_unmoved(ticket) else {
            return self.settle_with_care(Ticket { started: UNTIMED, ..ticket }, End::Failure, None);
        };
        inner.count_failure(now);
        let verdict = inner.fail_in_a_row();
        self.decide(inner, word, verdict);
    }

    /// A failure of a closed circuit with a window.
    #[inline(never)]
    fn fail_in_window(&self, ticket: Ticket) {
        let now = self.coarse_now(ticket.word);
        let Some((mut inner, word)) = self.lock_unmoved(ticket) else {
            return self.settle_with_care(Ticket { started: UNTIMED, ..ticket }, End::Failure, None);
        };
        inner.count_failure(now);
        let verdict = inner.weigh(true, |window| window.fail(now, self.stripes()));
        self.decide(inner, word, verdict);
    }

    /// The lock and the word, if the circuit is still as it was at admission.
    #[inline(always)]
    fn lock_unmoved(&self, ticket: Ticket) -> Option<(MutexGuard<'_, Inner>, u64)> {
        let inner = self.lock();
        let word = self.word();
        ((word ^ ticket.word) & !word::DIRTY == 0).then_some((inner, word))
    }

    /// Does what a result of a closed circuit has decided: nothing, mostly.
    #[inline]
    fn decide(&self, mut inner: MutexGuard<'_, Inner>, word: u64, verdict: Option<Verdict>) {
        let Some(verdict) = verdict else { return self.publish_dirty(word, inner.dirty) };
        self.carry_out(&mut inner, verdict, None);
        drop(inner);
        self.bus.deliver();
    }

    #[inline(never)]
    fn settle_with_care(&self, ticket: Ticket, end: End, stay_open: Option<u64>) {
        if ticket.word & word::FLIGHT != 0 {
            self.stripes().land();
        }
        if word::mode(ticket.word) == Mode::Disabled {
            return;
        }
        let word = self.word();
        let took = self.took(ticket, end, word);
        if let (Some(took), Some(histogram)) = (took, self.watched().and_then(Watched::histogram)) {
            histogram.record(end == End::Failure, took);
        }
        let slow = took.is_some_and(|took| took > self.slow_after());
        let is_only_watched = word == ticket.word && word & word::LOOK_AFTER & !WATCHED == 0;
        if end == End::Success && !slow && is_only_watched {
            if word & word::TIME_WINDOW == 0 {
                return self.stripes().success();
            }
            if self.stripes().success_if_marked(self.coarse_now(word)) {
                return;
            }
        }
        let mut now = self.near_now(word);
        let mut inner = self.lock();
        if self.word() != word {
            // It may be the time of another clock, or of another episode.
            now = self.near_now(self.word());
        }
        self.tick(&mut inner, now);
        inner.counts.of_half_open += u64::from(word::state(ticket.word) == State::HalfOpen);
        if ticket.is_of(inner.machine.generation) {
            self.record(&mut inner, end, slow, stay_open, now);
        } else if end == End::Cancelled {
            inner.counts.cancelled += 1;
        } else {
            inner.counts.late += 1;
        }
        self.publish(&inner);
        drop(inner);
        self.bus.deliver();
    }

    /// How long the call took, if it had a result and its beginning was noted.
    fn took(&self, ticket: Ticket, end: End, word: u64) -> Option<u64> {
        let has_result = matches!(end, End::Success | End::Failure);
        (has_result && ticket.started != UNTIMED).then(|| self.now(word).saturating_sub(ticket.started))
    }

    /// Takes in the end of a call of this episode.
    fn record(&self, inner: &mut Inner, end: End, slow: bool, stay_open: Option<u64>, now: u64) {
        match end {
            End::Ignored | End::Cancelled => {
                let counter = if end == End::Ignored { &mut inner.counts.ignored } else { &mut inner.counts.cancelled };
                *counter += 1;
                inner.machine.release();
            }
            End::Success | End::Failure => {
                let entry = Entry { failed: end == End::Failure, slow };
                inner.counts.slow += u64::from(slow);
                if entry.failed {
                    inner.count_failure(now);
                } else {
                    self.count_success(inner, now);
                }
                let verdict = match inner.machine.state() {
                    _ if inner.mode == Mode::MetricsOnly => self.measure(inner, entry, now),
                    State::Closed => inner.weigh(entry.failed, |window| window.record(entry, now, self.stripes())),
                    _ if entry.failed => inner.machine.fail_trial(),
                    _ => {
                        if let Some(keeper) = self.keeper(inner) {
                            keeper.trial_succeeded(&self.label, inner.machine.generation);
                        }
                        inner.machine.succeed_trial(&inner.policy, now)
                    }
                };
                if let Some(verdict) = verdict {
                    self.carry_out(inner, verdict, stay_open);
                }
            }
        }
    }

    fn count_success(&self, inner: &mut Inner, now: u64) {
        if let Some(window) = &mut inner.window {
            window.mark(stripes::own(), self.stripes(), now);
        }
        self.stripes().success();
    }

    /// A result while nothing may open.
    #[cold]
    fn measure(&self, inner: &mut Inner, entry: Entry, now: u64) -> Option<Verdict> {
        inner.machine.count(entry.failed);
        let tally = inner.window.as_mut().map_or(Tally::NONE, |window| window.record(entry, now, self.stripes()));
        let reached = inner.machine.reached(&inner.policy, tally);
        for (cause, told) in reached.into_iter().zip(&mut inner.told) {
            if let Some(cause) = cause
                && !std::mem::replace(told, true)
            {
                self.bus.publish(|| Event::WouldOpen { breaker: Arc::clone(&self.label), cause });
            }
        }
        None
    }

    /// Does what a result has decided. The dependency can ask for a longer open time than that of the settings.
    #[cold]
    fn carry_out(&self, inner: &mut Inner, verdict: Verdict, stay_open: Option<u64>) {
        let now = self.now(self.word());
        let moved = inner.machine.carry_out(verdict, &inner.policy, self.seed(), now);
        if let (Some(time), Phase::Open { until }) = (stay_open, &mut inner.machine.phase) {
            *until = (*until).max(now.saturating_add(time));
        }
        self.commit(inner, moved);
        self.publish(inner);
    }
}

impl Inner {
    fn count_failure(&mut self, now: u64) {
        self.failures.count += 1;
        self.failures.last = now;
    }

    /// What a failure means for a closed circuit without a window.
    #[inline(always)]
    fn fail_in_a_row(&mut self) -> Option<Verdict> {
        let Inner { machine, policy, dirty, .. } = self;
        machine.count(true);
        if !*dirty {
            *dirty = true;
        }
        if machine.consecutive < policy.least.in_a_row {
            None
        } else {
            machine.judge(policy, Tally::NONE).map(Verdict::Open)
        }
    }

    /// What a result means for a closed circuit. `record` puts it into the window, if there is one.
    #[inline(always)]
    fn weigh(&mut self, failed: bool, record: impl FnOnce(&mut Window) -> &Tally) -> Option<Verdict> {
        let Inner { machine, policy, window, dirty, .. } = self;
        let has_window = window.is_some();
        let tally = window.as_mut().map_or(Tally::NONE, record);
        machine.count(failed);
        let is_dirty = failed || has_window && tally.waits_for_calls(policy);
        if *dirty != is_dirty {
            *dirty = is_dirty;
        }
        machine.judge(policy, tally).map(Verdict::Open)
    }
}
