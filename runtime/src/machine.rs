//! The decisions of a circuit, pure: what it is doing, what happens, the time -> what it does next.
//!
//! Not here: who may change it and when (`breaker`), what lies in the window (`window`), and where
//! time comes from (`clock`). Times are nanoseconds on the breaker's clock.
//!
//! ```text
//!            failures or rates reach a threshold
//!   closed ─────────────────────────────────────► open
//!     ▲                                           │  ▲
//!     │ enough trials succeed        its time is  │  │ a trial fails, or
//!     │                              over         ▼  │ no verdict in time
//!     └───────────────────────────────────── half-open
//! ```

use crate::backoff::open_time;
use crate::clock::nanos;
use crate::event::Cause;
use crate::policy::{NEVER, Policy};
use crate::state::{Mode, State};
use crate::window::Tally;

/// What a circuit is doing, and since when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    Closed,
    Open { until: u64 },
    HalfOpen { until: u64, admitted: u32, successes: u32, places: u32 },
}

/// How many trials the next half-open episode may admit, where a fleet grants them: by the settings alone.
pub(crate) const UNRATIONED: u32 = u32::MAX;

/// The state of a circuit, window apart. What each failure changes comes first.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Machine {
    /// Failures without a success between them, while closed.
    pub(crate) consecutive: u32,
    /// How often it has opened since it was last closed, less one: the exponent of the backoff.
    pub(crate) reopened: u32,
    /// Grows by one with each move; a result of an earlier one is late.
    pub(crate) generation: u64,
    pub(crate) phase: Phase,
    pub(crate) since: u64,
}

/// A change of state that has been decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) cause: Cause,
    /// When it happened, which may be earlier than when it was noticed.
    pub(crate) at: u64,
    /// When the state that ended began.
    pub(crate) began: u64,
    /// Consecutive failures and successful trials of the episode that ended.
    pub(crate) consecutive: u32,
    pub(crate) trials_succeeded: u32,
}

/// What a result decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open(Cause),
    Close,
}

/// The answer to a call that asks to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    Open {
        until: u64,
    },
    HalfOpenFull,
    /// The open time is over, and the fleet has not granted a trial.
    NotGranted,
}

impl Machine {
    pub(crate) fn new(now: u64) -> Self {
        Machine { phase: Phase::Closed, since: now, consecutive: 0, reopened: 0, generation: 0 }
    }

    /// The state as it was last moved. [`Machine::observe`] tells the one that holds now.
    pub(crate) fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// When time alone will change the state.
    pub(crate) fn deadline(&self) -> u64 {
        match self.phase {
            Phase::Closed => u64::MAX,
            Phase::Open { until } | Phase::HalfOpen { until, .. } => until,
        }
    }

    /// What time alone has done: a half-open episode without a verdict is open again.
    pub(crate) fn tick(&mut self, policy: &Policy, seed: u64, now: u64) -> Option<Move> {
        match self.phase {
            Phase::HalfOpen { until, .. } if is_over(until, now) => {
                Some(self.open(policy, seed, Cause::HalfOpenTimeout, until))
            }
            _ => None,
        }
    }

    /// The state that holds now. An open time that is over shows as half-open, although the
    /// episode begins with its first trial call; looking at it begins nothing. Beneath a mode a half-open
    /// episode is kept.
    pub(crate) fn observe(&self, mode: Mode, policy: &Policy, seed: u64, now: u64) -> Machine {
        let mut seen = *self;
        if mode == Mode::Auto {
            seen.tick(policy, seed, now);
        }
        if let Phase::Open { until } = seen.phase
            && is_over(until, now)
        {
            seen.phase = Phase::HalfOpen { until: u64::MAX, admitted: 0, successes: 0, places: UNRATIONED };
            seen.since = until;
        }
        seen
    }

    /// A call asks to be let in. Call [`Machine::tick`] first. An episode that begins takes the trials granted.
    pub(crate) fn admit(&mut self, policy: &Policy, granted: &mut u32, now: u64) -> (Admission, Option<Move>) {
        let mut moved = None;
        if let Phase::Open { until } = self.phase {
            if !is_over(until, now) {
                return (Admission::Open { until }, None);
            }
            if *granted == 0 {
                return (Admission::NotGranted, None);
            }
            moved = Some(self.half_open(policy, Cause::RecoveryTimeout, now));
            if *granted != UNRATIONED {
                self.ration(std::mem::take(granted));
            }
        }
        if self.is_full(policy) {
            return (Admission::HalfOpenFull, moved);
        }
        if let Phase::HalfOpen { admitted, .. } = &mut self.phase {
            *admitted += 1;
        }
        (Admission::Admitted, moved)
    }

    /// A half-open episode admits so many trials at most from now on.
    pub(crate) fn ration(&mut self, granted: u32) {
        if let Phase::HalfOpen { places, .. } = &mut self.phase {
            *places = granted;
        }
    }

    /// A call of a closed circuit ended so.
    #[inline]
    pub(crate) fn count(&mut self, failed: bool) {
        self.consecutive = if failed { self.consecutive.saturating_add(1) } else { 0 };
    }

    /// Which threshold the numbers of a closed circuit reach first, if any. A success can be what
    /// reaches it, when it brings the window to its minimum of calls.
    #[inline]
    pub(crate) fn judge(&self, policy: &Policy, tally: &Tally) -> Option<Cause> {
        let may_be = self.consecutive >= policy.least.in_a_row || tally.may_reach(&policy.least);
        if may_be { self.reached(policy, tally).into_iter().flatten().next() } else { None }
    }

    /// A trial succeeded.
    pub(crate) fn succeed_trial(&mut self, policy: &Policy, now: u64) -> Option<Verdict> {
        let Phase::HalfOpen { until, successes, .. } = &mut self.phase else { return None };
        *successes += 1;
        // Its time begins again, or a circuit with few calls could never close.
        *until = (*until).max(now.saturating_add(nanos(policy.half_open_timeout)));
        (*successes >= policy.success_threshold).then_some(Verdict::Close)
    }

    /// A trial failed.
    pub(crate) fn fail_trial(&self) -> Option<Verdict> {
        (self.state() == State::HalfOpen).then_some(Verdict::Open(Cause::TrialFailed))
    }

    /// Does what a result has decided.
    pub(crate) fn carry_out(&mut self, verdict: Verdict, policy: &Policy, seed: u64, now: u64) -> Move {
        match verdict {
            Verdict::Open(cause) => self.open(policy, seed, cause, now),
            Verdict::Close => self.close(Cause::SuccessThreshold, now),
        }
    }

    /// A call of this episode ended without a verdict: its trial place comes back.
    pub(crate) fn release(&mut self) {
        if let Phase::HalfOpen { admitted, .. } = &mut self.phase {
            *admitted = admitted.saturating_sub(1);
        }
    }

    /// The thresholds that the numbers reach.
    #[cold]
    pub(crate) fn reached(&self, policy: &Policy, tally: &Tally) -> [Option<Cause>; 3] {
        [
            (policy.least.in_a_row != NEVER && self.consecutive >= policy.least.in_a_row)
                .then_some(Cause::FailureThreshold),
            reaches(tally.failures, tally.calls, policy.failure_rate_threshold, policy)
                .then_some(Cause::FailureRateThreshold),
            reaches(tally.slow, tally.calls, policy.slow_call_rate_threshold, policy)
                .then_some(Cause::SlowCallRateThreshold),
        ]
    }

    /// Whether it is half-open and every trial place is taken.
    pub(crate) fn is_full(&self, policy: &Policy) -> bool {
        matches!(self.phase, Phase::HalfOpen { admitted, places, .. } if admitted >= places.min(policy.half_open_max_calls))
    }

    pub(crate) fn open(&mut self, policy: &Policy, seed: u64, cause: Cause, at: u64) -> Move {
        self.reopened = if self.phase == Phase::Closed { 0 } else { self.reopened.saturating_add(1) };
        let wait = open_time(policy, self.reopened, seed ^ self.generation);
        self.open_for(wait, cause, at)
    }

    pub(crate) fn open_for(&mut self, wait: u64, cause: Cause, at: u64) -> Move {
        self.enter(Phase::Open { until: at.saturating_add(wait) }, State::Open, cause, at)
    }

    pub(crate) fn half_open(&mut self, policy: &Policy, cause: Cause, at: u64) -> Move {
        let until = at.saturating_add(nanos(policy.half_open_timeout));
        let phase = Phase::HalfOpen { until, admitted: 0, successes: 0, places: UNRATIONED };
        self.enter(phase, State::HalfOpen, cause, at)
    }

    /// Closes if there are enough successful trials by settings that have changed.
    pub(crate) fn close_if_due(&mut self, policy: &Policy, now: u64) -> Option<Move> {
        match self.phase {
            Phase::HalfOpen { successes, .. } if successes >= policy.success_threshold => {
                Some(self.close(Cause::SuccessThreshold, now))
            }
            _ => None,
        }
    }

    pub(crate) fn close(&mut self, cause: Cause, at: u64) -> Move {
        self.reopened = 0;
        self.enter(Phase::Closed, State::Closed, cause, at)
    }

    /// Begins a new episode in the same state: what is under way counts as late.
    pub(crate) fn renew(&mut self, policy: &Policy, now: u64) {
        self.generation += 1;
        self.consecutive = 0;
        if let Phase::HalfOpen { places, .. } = self.phase {
            let until = now.saturating_add(nanos(policy.half_open_timeout));
            self.phase = Phase::HalfOpen { until, admitted: 0, successes: 0, places };
        }
    }

    /// Carries its times over to a clock that shows `now` where the old one showed `before`.
    pub(crate) fn rebase(&mut self, before: u64, now: u64) {
        let moved =
            |at: u64| if at >= before { now.saturating_add(at - before) } else { now.saturating_sub(before - at) };
        let later = |until: u64| if until == u64::MAX { until } else { moved(until) };
        self.since = moved(self.since);
        match &mut self.phase {
            Phase::Closed => {}
            Phase::Open { until } => *until = later(*until),
            Phase::HalfOpen { until, admitted, successes, .. } => {
                *until = later(*until);
                // The trials under way are late from now on.
                *admitted = *successes;
            }
        }
    }

    fn enter(&mut self, phase: Phase, to: State, cause: Cause, at: u64) -> Move {
        let (from, began, consecutive) = (self.state(), self.since, self.consecutive);
        let trials_succeeded = match self.phase {
            Phase::HalfOpen { successes, .. } => successes,
            _ => 0,
        };
        // An open circuit shows the failures that opened it.
        if to != State::Open {
            self.consecutive = 0;
        }
        (self.phase, self.since) = (phase, at);
        self.generation += 1;
        Move { from, to, cause, at, began, consecutive, trials_succeeded }
    }
}

/// Whether a time has come. The end of time never does: what saturates lasts for ever.
pub(crate) fn is_over(until: u64, now: u64) -> bool {
    until != u64::MAX && now >= until
}

fn reaches(part: u64, calls: u64, threshold: Option<f64>, policy: &Policy) -> bool {
    // Divided, not multiplied: 3 of 5 is then the same number as the 0.6 of the user.
    threshold
        .is_some_and(|threshold| calls >= u64::from(policy.minimum_calls) && part as f64 / calls as f64 >= threshold)
}
