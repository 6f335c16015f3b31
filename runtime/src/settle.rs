//! How a call ends: a success of a closed circuit by a counter of its thread, everything else under
//! the lock. How a call gets in is `admit`.

use std::sync::Arc;

use crate::breaker::{Core, Inner};
use crate::event::Event;
use crate::state::{Mode, State};
use crate::stripes;
use crate::ticket::{End, Ticket, UNTIMED};
use crate::window::{Entry, Tally};
use crate::word;

impl Core {
    /// The end of a call that was admitted.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, end: End) {
        if end == End::Success && ticket.word & word::LOOK_AFTER == 0 && self.word() == ticket.word {
            self.stripes().success(stripes::own());
        } else {
            self.settle_slow(ticket, end);
        }
    }

    /// Everything but a success of a closed circuit that has nothing to forget. First what is as
    /// frequent where there is a time window: such a success in a bucket that has begun.
    #[inline(never)]
    fn settle_slow(&self, ticket: Ticket, end: End) {
        let is_counted = end == End::Success
            && ticket.word & word::LOOK_AFTER == word::TIME_WINDOW
            && self.word() == ticket.word
            && self.succeed_in_bucket(ticket.word);
        if !is_counted {
            self.settle_with_care(ticket, end);
        }
    }

    /// A success in a clean time window, if its bucket has begun.
    #[inline]
    fn succeed_in_bucket(&self, word: u64) -> bool {
        let own = stripes::own();
        let has_begun = self.stripes().is_marked(own, self.coarse_now(word));
        if has_begun {
            self.stripes().success(own);
        }
        has_begun
    }

    #[inline(never)]
    fn settle_with_care(&self, ticket: Ticket, end: End) {
        if word::mode(ticket.word) == Mode::Disabled {
            return;
        }
        let word = self.word();
        let slow = self.is_slow(ticket, end, word);
        let is_only_timed = word == ticket.word && word & word::LOOK_AFTER & !word::TIME_WINDOW == word::TIMED;
        if end == End::Success && !slow && is_only_timed {
            if word & word::TIME_WINDOW == 0 {
                return self.stripes().success(stripes::own());
            }
            if self.succeed_in_bucket(word) {
                return;
            }
        }
        let needs_time = word & (word::TIME_WINDOW | word::STATE) != 0 || end == End::Failure;
        let now = if needs_time { self.coarse_now(word) } else { 0 };
        let mut inner = self.lock();
        self.tick(&mut inner);
        if ticket.is_of(inner.machine.generation) {
            self.record(&mut inner, end, slow, now);
        } else if end == End::Cancelled {
            inner.counts.cancelled += 1;
        } else {
            inner.counts.late += 1;
        }
        self.publish(&inner);
        drop(inner);
        self.bus.deliver();
    }

    /// Whether the call had a result, and took too long.
    fn is_slow(&self, ticket: Ticket, end: End, word: u64) -> bool {
        matches!(end, End::Success | End::Failure)
            && ticket.started != UNTIMED
            && self.now(word).saturating_sub(ticket.started) > self.slow_after()
    }

    /// Takes in the end of a call of this episode.
    fn record(&self, inner: &mut Inner, end: End, slow: bool, now: u64) {
        let own = stripes::own();
        let failed = match end {
            End::Ignored | End::Cancelled => {
                let counter = if end == End::Ignored { &mut inner.counts.ignored } else { &mut inner.counts.cancelled };
                *counter += 1;
                inner.machine.release();
                return;
            }
            End::Failure => true,
            End::Success => false,
        };
        inner.counts.slow += u64::from(slow);
        let is_counting = inner.machine.state() == State::Closed || inner.mode == Mode::MetricsOnly;
        if failed {
            inner.counts.failures += 1;
            inner.last_failure = Some(now);
        } else {
            if let Some(window) = &mut inner.window
                && !self.stripes().is_marked(own, now)
            {
                window.mark(own, self.stripes(), now);
            }
            self.stripes().success(own);
        }
        let mut tally = Tally::default();
        if is_counting && let Some(window) = &mut inner.window {
            window.record(Entry { failed, slow }, now, self.stripes());
            tally = window.tally(now, self.stripes());
        }
        if inner.mode == Mode::MetricsOnly {
            inner.machine.consecutive = if failed { inner.machine.consecutive.saturating_add(1) } else { 0 };
            self.tell_what_would_open(inner, tally);
            return;
        }
        let Inner { machine, policy, .. } = inner;
        let verdict = if failed { machine.fail(policy, tally) } else { machine.succeed(policy, tally, now) };
        inner.dirty = is_counting && (inner.machine.consecutive > 0 || !tally.is_clean());
        if let Some(verdict) = verdict {
            let now = self.now(self.word());
            let moved = inner.machine.carry_out(verdict, &inner.policy, self.seed(), now);
            self.commit(inner, moved);
        }
    }

    #[cold]
    fn tell_what_would_open(&self, inner: &mut Inner, tally: Tally) {
        for cause in inner.machine.reached(&inner.policy, tally).into_iter().flatten() {
            if !inner.told.contains(&cause) {
                inner.told.push(cause);
                self.bus.publish(|| Event::WouldOpen { breaker: Arc::clone(&self.label), cause });
            }
        }
    }
}
