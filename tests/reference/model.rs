//! A circuit breaker as DESIGN §3 and §4 describe it: one thread, no tricks, every call in a list.
//! Here is how calls get in and end, and how the state moves; what operators do and see is `operator`.

mod operator;
mod shown;

use std::collections::BTreeMap;
use std::rc::Rc;

use breakerbox::{Cause, Mode, Reason, State, Totals};

use super::End;
use super::seen::{Ago, Change, Told};
use super::settings::{Layers, Policy, Span, Stated, nanos};
use shown::Shown;

/// A recorded call of a closed circuit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Call {
    at: u64,
    failed: bool,
    slow: bool,
}

/// What a call holds on to: its episode, when it began if that matters, and whether it is recorded at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) episode: u64,
    began: Option<u64>,
    is_recorded: bool,
    is_trial: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    layers: Rc<Layers>,
    policy: Rc<Policy>,
    state: State,
    mode: Mode,
    pub(crate) episode: u64,
    since: u64,
    /// When the open or half-open time is over.
    pub(crate) until: u64,
    reopened: u32,
    consecutive: u32,
    admitted: u32,
    succeeded: u32,
    calls: Vec<Call>,
    /// Thresholds that were reached while only measuring, each told once in an episode.
    would_open: Vec<Cause>,
    /// All counters but `attempts`, which is their sum.
    totals: Totals,
    /// Calls that were let in and have not ended; `None` where nobody counts them.
    pub(crate) under_way: Option<u64>,
    shown: Shown,
    /// When the mode was set.
    mode_since: u64,
    last_change: Option<Change>,
    last_failure: Option<u64>,
    /// Which place disagrees about which key.
    disagreements: Vec<(&'static str, usize)>,
    pub(crate) told: Vec<Told>,
    /// Open times that chance has decided, by the episode that they begin.
    pub(crate) chance: BTreeMap<u64, u64>,
}

/// What saturates lasts for ever.
fn is_over(until: u64, now: u64) -> bool {
    until != u64::MAX && now >= until
}

impl Model {
    pub(crate) fn new(stated: &Stated, now: u64) -> Result<Model, Vec<breakerbox::Key>> {
        let layers = Layers::new(stated);
        Ok(Model {
            policy: Rc::new(layers.policy()?),
            layers: Rc::new(layers),
            state: State::Closed,
            mode: Mode::Auto,
            episode: 0,
            since: now,
            until: u64::MAX,
            reopened: 0,
            consecutive: 0,
            admitted: 0,
            succeeded: 0,
            calls: Vec::new(),
            would_open: Vec::new(),
            totals: Totals::default(),
            under_way: None,
            shown: Shown::new(now),
            mode_since: now,
            last_change: None,
            last_failure: None,
            disagreements: Vec::new(),
            told: Vec::new(),
            chance: BTreeMap::new(),
        })
    }

    /// A call asks to be let in. A refusal tells the reason, and what is left of an open time.
    pub(crate) fn acquire(&mut self, now: u64) -> Result<Held, (Reason, Option<u64>)> {
        self.ask(now).map_err(|reason| {
            self.count_refused(reason);
            let rejections = &mut self.totals.rejections;
            *match reason {
                Reason::Open => &mut rejections.open,
                Reason::HalfOpenFull => &mut rejections.half_open_full,
                _ => &mut rejections.forced_open,
            } += 1;
            (reason, (reason == Reason::Open).then(|| self.until - now))
        })
    }

    fn count_refused(&mut self, reason: Reason) {
        let requests = &mut self.totals.requests;
        *(if reason == Reason::HalfOpenFull { &mut requests.half_open } else { &mut requests.open }) += 1;
    }

    pub(crate) fn ask(&mut self, now: u64) -> Result<Held, Reason> {
        self.time_out(now);
        if self.mode == Mode::Auto && self.state == State::Open && is_over(self.until, now) {
            self.half_open(Cause::RecoveryTimeout, now);
        }
        match (self.mode, self.state) {
            (Mode::ForcedOpen, _) => return Err(Reason::ForcedOpen),
            (Mode::Auto, State::Open) => return Err(Reason::Open),
            (Mode::Auto, State::HalfOpen) if self.admitted >= self.policy.trials => return Err(Reason::HalfOpenFull),
            (Mode::Auto, State::HalfOpen) => self.admitted += 1,
            _ => {}
        }
        self.under_way = self.under_way.map(|calls| calls + 1);
        // Who counts calls under way measures them too: see `pair`.
        let is_timed = self.policy.slow_after.is_some() || self.under_way.is_some();
        let began = is_timed.then_some(now);
        let is_trial = self.mode == Mode::Auto && self.state == State::HalfOpen;
        Ok(Held { episode: self.episode, began, is_recorded: self.mode != Mode::Disabled, is_trial })
    }

    /// A result without a permit: of a call that began and ended now, or else a late one.
    pub(crate) fn record(&mut self, end: End, now: u64) {
        let held = self.ask(now);
        self.end_record(held, end, [now; 3]);
    }

    pub(crate) fn end_record(&mut self, held: Result<Held, Reason>, end: End, times: [u64; 3]) {
        match held {
            Ok(held) => self.end_at(held, end, times),
            Err(reason) => {
                self.count_refused(reason);
                self.totals.late += 1;
            }
        }
    }

    pub(crate) fn end(&mut self, held: Held, end: End, now: u64) {
        self.end_at(held, end, [now; 3]);
    }

    /// When the call was measured, when it is judged, and the date of the change that follows from it. With
    /// threads the clock may move on in between.
    pub(crate) fn end_at(&mut self, held: Held, end: End, times: [u64; 3]) {
        self.under_way = self.under_way.map(|calls| calls - 1);
        if !held.is_recorded {
            return;
        }
        self.time_out(times[1]);
        let requests = &mut self.totals.requests;
        *(if held.is_trial { &mut requests.half_open } else { &mut requests.closed }) += 1;
        let is_late = held.episode != self.episode && end != End::Cancelled;
        *match end {
            _ if is_late => &mut self.totals.late,
            End::Success => &mut self.totals.successes,
            End::Failure => &mut self.totals.failures,
            End::Ignored => &mut self.totals.ignored,
            End::Cancelled => &mut self.totals.cancelled,
        } += 1;
        if held.episode == self.episode {
            match end {
                End::Success | End::Failure => self.result(held, end == End::Failure, times),
                End::Ignored | End::Cancelled => self.admitted = self.admitted.saturating_sub(1),
            }
        }
    }

    fn result(&mut self, held: Held, failed: bool, [measured, now, dated]: [u64; 3]) {
        let lasted = held.began.map_or(0, |began| measured.saturating_sub(began));
        let slow = self.policy.slow_after.is_some_and(|limit| lasted > limit);
        self.totals.slow_calls += u64::from(slow);
        if failed {
            self.last_failure = Some(now);
        }
        if self.mode == Mode::Auto && self.state == State::HalfOpen {
            self.succeeded += u32::from(!failed);
            if failed {
                self.open(Cause::TrialFailed, dated, dated);
            } else if self.succeeded >= self.policy.successes {
                self.close(Cause::SuccessThreshold, dated);
            } else {
                self.until = self.until.max(now.saturating_add(self.policy.half_open));
            }
            return;
        }
        self.consecutive = if failed { self.consecutive + 1 } else { 0 };
        // A clock that steps back does no harm: no call is older than the one before.
        let at = self.calls.last().map_or(now, |last| now.max(last.at));
        self.calls.push(Call { at, failed, slow });
        for cause in self.reached(now) {
            if self.mode == Mode::Auto {
                return self.open(cause, dated, dated);
            }
            if !self.would_open.contains(&cause) {
                self.would_open.push(cause);
                self.told.push(Told::WouldOpen(cause));
            }
        }
    }

    /// The thresholds that the recorded calls reach.
    fn reached(&self, now: u64) -> Vec<Cause> {
        let policy = &self.policy;
        let [calls, failures, slow, _] = self.tally(now);
        let is_at = |part: u64, rate: Option<f64>| {
            calls >= u64::from(policy.minimum_calls) && rate.is_some_and(|rate| part as f64 / calls as f64 >= rate)
        };
        let reached = [
            (Cause::FailureThreshold, policy.failure_threshold.is_some_and(|most| self.consecutive >= most)),
            (Cause::FailureRateThreshold, is_at(failures, policy.failure_rate)),
            (Cause::SlowCallRateThreshold, is_at(slow, policy.slow_rate)),
        ];
        reached.into_iter().filter(|(_, is)| *is).map(|(cause, _)| cause).collect()
    }

    /// Calls, failures, slow calls and slow failures in the window.
    fn tally(&self, now: u64) -> [u64; 4] {
        let now = self.calls.last().map_or(now, |last| now.max(last.at));
        let (last, width) = match self.policy.window {
            Some(Span::Calls(size)) => (size, u64::MAX),
            Some(Span::Time(time)) => (usize::MAX, (nanos(time) / 10).max(1)),
            None => (0, 1),
        };
        // Ten buckets of time: the one of now, and the nine before.
        let is_live = |call: &&Call| now / width - call.at / width < 10;
        let live: Vec<_> = self.calls.iter().rev().take(last).filter(is_live).collect();
        let count = |test: fn(&Call) -> bool| live.iter().filter(|call| test(call)).count() as u64;
        [live.len() as u64, count(|c| c.failed), count(|c| c.slow), count(|c| c.failed && c.slow)]
    }

    /// Whether a half-open episode is over without a verdict. It is open again, as soon as anything notices.
    pub(crate) fn is_timed_out(&self, now: u64) -> bool {
        self.mode == Mode::Auto && self.state == State::HalfOpen && is_over(self.until, now)
    }

    fn time_out(&mut self, now: u64) {
        if self.is_timed_out(now) {
            self.open(Cause::HalfOpenTimeout, self.until, now);
        }
    }

    fn open(&mut self, cause: Cause, at: u64, now: u64) {
        self.reopened = if self.state == State::Closed { 0 } else { self.reopened.saturating_add(1) };
        self.go(State::Open, at.saturating_add(self.open_time(at)), cause, at, now);
    }

    /// Grows with each re-opening up to the longest, and is spread by chance.
    fn open_time(&self, at: u64) -> u64 {
        let policy = &self.policy;
        let growth = policy.multiplier.powf(f64::from(self.reopened));
        let grown = if growth == 1.0 { policy.recovery } else { (policy.recovery as f64 * growth) as u64 };
        let grown = grown.min(policy.longest);
        if policy.jitter == 0.0 {
            return grown;
        }
        let time = self.chance.get(&(self.episode + 1)).copied().unwrap_or(grown);
        let bound = |share: f64| ((grown as f64 * share) as u64).min(policy.longest);
        // A float has 53 bits, and what saturates is cut off.
        let slack = (grown >> 50) + 1;
        let lowest = bound(1.0 - policy.jitter).saturating_sub(slack).min(u64::MAX - at);
        let highest = bound(1.0 + policy.jitter).saturating_add(slack).min(policy.longest);
        assert!((lowest..=highest).contains(&time), "open for {time}, not for {lowest} to {highest}");
        time
    }

    fn half_open(&mut self, cause: Cause, now: u64) {
        self.go(State::HalfOpen, now.saturating_add(self.policy.half_open), cause, now, now);
    }

    fn close(&mut self, cause: Cause, now: u64) {
        self.reopened = 0;
        self.go(State::Closed, u64::MAX, cause, now, now);
    }

    /// Every change of state. It may have happened earlier than it is noticed.
    fn go(&mut self, to: State, until: u64, cause: Cause, at: u64, now: u64) {
        let from = self.state;
        let [calls, failures, slow, _] = if from == State::HalfOpen { [0; 4] } else { self.tally(now) };
        let transitions = &mut self.totals.transitions;
        *match (from, to) {
            (State::Closed, State::HalfOpen) => &mut transitions.closed_to_half_open,
            (State::Closed, _) => &mut transitions.closed_to_open,
            (State::Open, State::HalfOpen) => &mut transitions.open_to_half_open,
            (State::Open, State::Open) => &mut transitions.open_to_open,
            (State::Open, State::Closed) => &mut transitions.open_to_closed,
            (State::HalfOpen, State::Closed) => &mut transitions.half_open_to_closed,
            (State::HalfOpen, _) => &mut transitions.half_open_to_open,
        } += 1;
        self.totals.trips = self.totals.transitions.closed_to_open;
        self.episode += 1;
        let change = Change {
            from,
            to,
            cause,
            generation: self.episode,
            consecutive: self.consecutive,
            numbers: [calls, failures, slow],
            trials_succeeded: self.succeeded,
            retry_after: (to == State::Open).then(|| until - at),
            at: Ago(now.saturating_sub(at)),
        };
        self.told.push(Told::Changed(change.clone()));
        self.last_change = Some(change);
        // An open circuit shows what opened it.
        if (from, to) != (State::Closed, State::Open) {
            self.forget();
        }
        if to != State::Open {
            self.consecutive = 0;
        }
        (self.state, self.until, self.since) = (to, until, at);
        self.show(at);
        (self.admitted, self.succeeded) = (0, 0);
    }

    fn forget(&mut self) {
        self.calls.clear();
        self.would_open.clear();
    }
}
