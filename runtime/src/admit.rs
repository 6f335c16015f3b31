//! How a call gets in: by one load where the circuit is closed, by the deadline where it is open,
//! and under the lock where it may become a trial. How a call ends is `settle`.

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::{Core, Inner};
use crate::clock::{self, nanos};
use crate::error::{CircuitBreakerError, Reason};
use crate::event::Event;
use crate::machine::{Admission, Machine, Move, Phase, UNRATIONED, is_over};
use crate::policy::Policy;
use crate::state::{Mode, State};
use crate::ticket::{End, Ticket, UNTIMED};
use crate::word;

/// Why a call is not let in, and what is left of the open time in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    reason: Reason,
    left: u64,
}

impl Refusal {
    /// As a ticket that admits nothing: two registers, where a `Result` would go through memory.
    fn into_ticket(self) -> Ticket {
        Ticket { word: word::REFUSED | self.reason as u64, started: self.left }
    }

    #[inline]
    fn of(ticket: Ticket) -> Option<Refusal> {
        if ticket.word & word::REFUSED == 0 {
            return None;
        }
        Some(Refusal { reason: Reason::REFUSALS[(ticket.word & word::STATE) as usize], left: ticket.started })
    }

    /// The error that the caller gets. Built where it is wanted, so that one who drops it pays nothing.
    #[inline]
    pub(crate) fn error(self, core: &Core) -> CircuitBreakerError {
        CircuitBreakerError::refused(core.name.clone(), self.reason, self.left)
    }
}

/// Tells the compiler that the way to here is seldom taken, so that it lies out of the way.
#[cold]
#[inline]
fn unlikely() {}

impl Core {
    #[inline]
    pub(crate) fn admit(&self) -> Result<Ticket, Refusal> {
        let word = self.word();
        if word & word::LOOK_BEFORE == 0 {
            return Ok(Ticket { word, started: UNTIMED });
        }
        unlikely();
        let ticket = self.admit_slow(word);
        Refusal::of(ticket).map_or(Ok(ticket), Err)
    }

    /// Everything but a closed circuit that takes no times. First what a storm of calls meets: an
    /// open circuit, so far from its deadline that the coarse clock will do.
    #[inline(never)]
    fn admit_slow(&self, word: u64) -> Ticket {
        if word & (word::STATE | word::MODE | word::OWN_CLOCK | word::TELLING) == State::Open as u64
            && let Some(deadline) = self.deadline(word)
        {
            let left = deadline.saturating_sub(clock::coarse());
            if left > clock::COARSE_LAG {
                return self.refuse(Refusal { reason: Reason::Open, left });
            }
            // Read again, so that nothing of the old one is kept over the call of the clock.
            return self.admit_with_care(self.word());
        }
        self.admit_with_care(word)
    }

    #[inline(never)]
    fn admit_with_care(&self, word: u64) -> Ticket {
        match (word::mode(word), word::state(word)) {
            (Mode::ForcedOpen, _) => self.refuse_with_care(word, Refusal { reason: Reason::ForcedOpen, left: 0 }),
            (Mode::Disabled, _) => self.let_in(word, UNTIMED),
            (Mode::MetricsOnly, _) | (Mode::Auto, State::Closed) => self.let_in(word, self.start(word)),
            (Mode::Auto, state) => match self.time_left(word) {
                left if left > 0 && state == State::Open => {
                    self.refuse_with_care(word, Refusal { reason: Reason::Open, left })
                }
                left if left > 0 && word & word::FULL != 0 => {
                    self.refuse_with_care(word, Refusal { reason: Reason::HalfOpenFull, left: 0 })
                }
                _ => self.try_trial().unwrap_or_else(|refusal| self.refuse_with_care(word, refusal)),
            },
        }
    }

    /// Counts a call that was let in, if someone counts calls under way.
    fn let_in(&self, word: u64, started: u64) -> Ticket {
        if word & word::FLIGHT != 0 {
            self.stripes().begin();
        }
        Ticket { word, started }
    }

    /// What is left until the deadline, if anything.
    fn time_left(&self, word: u64) -> u64 {
        // Another clock may come between the time and the deadline; under the lock it cannot.
        if word & word::OWN_CLOCK != 0 {
            return 0;
        }
        self.deadline(word).map_or(0, |deadline| deadline.saturating_sub(self.near_now(word)))
    }

    /// A call that asks to be a trial, or that met a word which has changed since.
    #[cold]
    fn try_trial(&self) -> Result<Ticket, Refusal> {
        let mut inner = self.lock();
        let word = self.word();
        let now = if word & word::TIMED == 0 { self.near_now(word) } else { self.now(word) };
        let admission = match inner.mode {
            Mode::Auto => self.ask_machine(&mut inner, now),
            Mode::ForcedOpen => Err(Refusal { reason: Reason::ForcedOpen, left: 0 }),
            Mode::Disabled | Mode::MetricsOnly => Ok(()),
        };
        self.publish(&inner);
        let word = self.word();
        drop(inner);
        self.bus.deliver();
        let started = if word & word::TIMED == 0 { UNTIMED } else { now.min(UNTIMED - 1) };
        admission.map(|()| self.let_in(word, started))
    }

    fn ask_machine(&self, inner: &mut Inner, now: u64) -> Result<(), Refusal> {
        self.tick(inner, now);
        let (admission, moved) = inner.admit(now);
        if let Some(moved) = moved {
            self.commit(inner, moved);
        }
        match admission {
            Admission::Admitted => Ok(()),
            Admission::Open { until } => Err(Refusal { reason: Reason::Open, left: until - now }),
            Admission::HalfOpenFull => Err(Refusal { reason: Reason::HalfOpenFull, left: 0 }),
            Admission::NotGranted => match self.keeper(inner).filter(|keeper| keeper.rations()) {
                Some(keeper) => {
                    // Granted it may be for the next call.
                    keeper.wants_trial(&self.label);
                    Err(Refusal { reason: Reason::HalfOpenFull, left: 0 })
                }
                None => {
                    inner.granted = UNRATIONED;
                    inner.machine.ration(UNRATIONED);
                    self.ask_machine(inner, now)
                }
            },
        }
    }

    #[inline]
    fn refuse(&self, refusal: Refusal) -> Ticket {
        self.stripes().refused(refusal.reason);
        refusal.into_ticket()
    }

    /// Refuses, and tells of it where somebody asked to be told.
    fn refuse_with_care(&self, word: u64, refusal: Refusal) -> Ticket {
        if word & word::TELLING != 0 {
            self.tell(word, refusal);
        }
        self.refuse(refusal)
    }

    #[cold]
    fn tell(&self, word: u64, Refusal { reason, left }: Refusal) {
        let due = self.watched().and_then(|watched| watched.refused(self.coarse_now(word)));
        if let Some(calls) = due {
            let breaker = Arc::clone(&self.label);
            let retry_after = (reason == Reason::Open).then(|| Duration::from_nanos(left));
            self.bus.publish(|| Event::Refused { breaker, reason, retry_after, calls });
            self.bus.deliver();
        }
    }

    fn start(&self, word: u64) -> u64 {
        if word & word::TIMED == 0 { UNTIMED } else { self.now(word).min(UNTIMED - 1) }
    }

    /// What a fallback hears of a call that failed.
    #[cold]
    pub(crate) fn failed(&self) -> CircuitBreakerError {
        CircuitBreakerError::failed(self.name.clone(), self.state())
    }

    /// The error of a call that was cut off.
    #[cold]
    pub(crate) fn timed_out(&self, limit: Duration) -> CircuitBreakerError {
        CircuitBreakerError::timed_out(self.name.clone(), self.state(), nanos(limit))
    }

    /// Whether a call would be let in now.
    pub(crate) fn would_admit(&self) -> bool {
        let word = self.word();
        match (word::mode(word), word::state(word)) {
            (Mode::ForcedOpen, _) => false,
            (Mode::Disabled | Mode::MetricsOnly, _) | (Mode::Auto, State::Closed) => true,
            (Mode::Auto, _) => {
                let inner = self.lock();
                let now = self.now(self.word());
                let mut seen = inner.machine;
                seen.tick(&inner.policy, self.seed(), now);
                let mut granted = inner.granted;
                let is_late = now >= inner.granted_until && seen.is_too_late(&inner.policy, granted, now);
                // Mode and clock may have changed since the word was read.
                match inner.mode {
                    Mode::Auto => !is_late && seen.admit(&inner.policy, &mut granted, now).0 == Admission::Admitted,
                    mode => mode != Mode::ForcedOpen,
                }
            }
        }
    }

    /// A result without a permit: a call of this episode that began and ended now.
    #[inline]
    pub(crate) fn record_one(&self, end: End) {
        let word = self.word();
        match word::mode(word) {
            Mode::Auto if word::state(word) != State::Closed => self.record_trial(end),
            Mode::ForcedOpen => self.record_unasked(Reason::ForcedOpen),
            _ => self.settle(self.let_in(word, UNTIMED), end),
        }
    }

    #[cold]
    fn record_trial(&self, end: End) {
        match self.try_trial() {
            Ok(ticket) => self.settle(ticket, end),
            Err(refusal) => self.record_unasked(refusal.reason),
        }
    }

    /// A result of a call that would have been refused.
    #[cold]
    fn record_unasked(&self, reason: Reason) {
        let counts = &mut self.lock().counts;
        counts.late += 1;
        *(if reason == Reason::HalfOpenFull { &mut counts.of_half_open } else { &mut counts.of_open }) += 1;
    }
}

impl Inner {
    /// A call asks to be let in. What was granted and has not begun in time is none.
    #[inline]
    fn admit(&mut self, now: u64) -> (Admission, Option<Move>) {
        if now >= self.granted_until && self.machine.is_too_late(&self.policy, self.granted, now) {
            return (Admission::NotGranted, None);
        }
        self.machine.admit(&self.policy, &mut self.granted, now)
    }
}

impl Machine {
    /// Whether a trial would take what was granted, now that the time of that is over.
    #[cold]
    pub(crate) fn is_too_late(&self, policy: &Policy, granted: u32, now: u64) -> bool {
        match self.phase {
            Phase::Closed => false,
            Phase::Open { until } => granted != UNRATIONED && is_over(until, now),
            Phase::HalfOpen { places, .. } => places != UNRATIONED && !self.is_full(policy),
        }
    }
}
