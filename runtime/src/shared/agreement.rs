//! The decisions of a fleet about one breaker, pure: what it holds, what is asked, the time -> what becomes of it.
//!
//! Times are microseconds of the store's own clock. Whoever keeps an agreement calls one of its methods at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Answer, Beat, Counts, Order, Proposal, StoreError, Verdict, View};
use crate::state::{Mode, State};

/// How much later than its own clock says a store admits that an open time is over: by the clock of the caller.
const PATIENCE: u64 = 1_000_000;
/// An epoch is a time; one that is further ahead than this is none that a fleet has made.
const FURTHEST: u64 = 24 * 3600 * 1_000_000;
/// What was agreed about a closed circuit is kept for so long after it was last asked for.
const KEPT: u64 = 3600 * 1_000_000;

/// What the instances of a fleet have agreed about one breaker.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "persist", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub(crate) struct Agreement {
    epoch: u64,
    state: State,
    mode: Mode,
    until: u64,
    reopened: u32,
    successes: u32,
    by: Option<String>,
    /// The latest time at which an epoch was made. A clock that is set right may be behind it.
    made: u64,
    /// Who brought the last order, and when it was given: before the clock began, maybe.
    ordered: Option<(String, i64)>,
    /// When it was last asked.
    #[cfg_attr(feature = "persist", serde(skip))]
    latest: u64,
    /// Until when each instance lives, each vote counts, and each lease holds. Files keep signs of life apart.
    #[cfg_attr(feature = "persist", serde(skip))]
    pub(crate) alive: BTreeMap<String, u64>,
    votes: BTreeMap<String, u64>,
    leases: BTreeMap<u64, Lease>,
    /// No two leases have one number: who reports one that is over must not end that of another.
    last_lease: u64,
    /// Failures and successes of the closed fleet, by the beginning of their bucket of time.
    counts: BTreeMap<u64, (u64, u64)>,
    /// Until when each instance counts as one that has seen failures.
    failing: BTreeMap<String, u64>,
    /// What each instance has handed in last.
    heard: BTreeMap<String, u64>,
}

/// A trial call that was granted.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "persist", derive(serde::Serialize, serde::Deserialize))]
struct Lease {
    holder: String,
    until: u64,
}

impl Agreement {
    pub(crate) fn sync(&mut self, now: u64, instance: &str, beat: &Beat) -> Result<View, StoreError> {
        self.pass_to(now);
        self.check(now)?;
        self.alive.insert(instance.to_owned(), later(now, beat.lives));
        if let Some(counts) = &beat.counts {
            self.count(instance, counts, now);
        }
        Ok(self.view(now))
    }

    pub(crate) fn propose(&mut self, now: u64, instance: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        self.pass_to(now);
        if !matches!(what, Proposal::Command { .. }) {
            self.check(now)?;
        }
        let before = self.leases.len();
        match what {
            Proposal::Report { leases, .. } => {
                self.leases.retain(|number, lease| lease.holder != instance || !leases.contains(number));
            }
            // The answer that granted the others was lost, and nobody will report them.
            Proposal::Lease { held, .. } => {
                self.leases.retain(|number, lease| lease.holder != instance || held.contains(number));
            }
            _ => {}
        }
        let ended = (before - self.leases.len()) as u32;
        let is_fenced = on != self.epoch || self.mode != Mode::Auto;
        let verdict = match what {
            Proposal::Command { order, by, ago } => self.obey(instance, *order, by.as_deref(), *ago, now),
            Proposal::Reseed(view) => self.reseed(view, now),
            _ if is_fenced => Verdict::Stale,
            Proposal::Trip { wait, quorum, lasts } => self.vote(instance, *wait, *quorum, *lasts, now),
            Proposal::Withdraw => {
                self.votes.remove(instance);
                Verdict::Applied
            }
            Proposal::Lease { waited, wait, places, want, lasts, .. } => {
                let is_over = now >= self.until || micros(*waited) >= micros(*wait).saturating_add(PATIENCE);
                self.lease(instance, is_over, (*places, *want), *lasts, now)
            }
            Proposal::Report { leases, successes, failures, close_at, wait, lasts } => {
                if *successes > 0 {
                    // The episode of the instance lasts longer now, and its other trials may too.
                    self.extend(instance, *lasts, now);
                }
                // A lease ends once, so that a report that is repeated counts once.
                let successes = if leases.is_empty() { *successes } else { ended.min(*successes) };
                self.report(successes, *failures, *close_at, *wait, now)
            }
        };
        Ok(Answer { verdict, view: self.view(now) })
    }

    /// Takes back the vote and the sign of life of an instance that ends.
    pub(crate) fn leave(&mut self, instance: &str) {
        self.alive.remove(instance);
        self.votes.remove(instance);
    }

    /// The number of its last change; 0 before the first.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether nothing would be missed: it is closed, nobody lives or votes, and nothing was agreed, or long ago.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        let are_over = |ends: &BTreeMap<String, u64>| ends.values().all(|until| *until <= now);
        let is_closed = (self.state, self.mode) == (State::Closed, Mode::Auto);
        let is_past = self.epoch == 0 || now.saturating_sub(self.latest) >= KEPT;
        is_closed && is_past && [&self.alive, &self.votes, &self.failing].into_iter().all(are_over)
    }

    /// What it holds, for one who takes no part.
    pub(crate) fn seen(&mut self, now: u64) -> View {
        self.pass_to(now);
        self.view(now)
    }

    /// What is over by then is gone. If the clock has stepped back, everything goes on from where it was.
    fn pass_to(&mut self, now: u64) {
        let back = self.latest.saturating_sub(now);
        self.latest = now;
        let ends = [&mut self.alive, &mut self.votes, &mut self.failing];
        let leases = self.leases.values_mut().map(|lease| &mut lease.until);
        let ends = ends.into_iter().flat_map(BTreeMap::values_mut).chain(leases);
        ends.chain([&mut self.until]).for_each(|until| *until = until.saturating_sub(back));
        if let Some((_, given)) = &mut self.ordered {
            *given = given.saturating_sub_unsigned(back);
        }
        for ends in [&mut self.alive, &mut self.votes, &mut self.failing] {
            ends.retain(|_, until| *until > now);
        }
        self.leases.retain(|_, lease| lease.until > now);
        self.counts.retain(|begun, _| *begun <= now);
    }

    /// Whether the epoch is one that can be: the clock shows, or has shown, a time like it.
    fn check(&self, now: u64) -> Result<(), StoreError> {
        if self.epoch <= now.max(self.made).saturating_add(FURTHEST) {
            return Ok(());
        }
        Err(StoreError::of_breaker(format!(
            "epoch {} is more than a day ahead of the store's clock, which shows {now}: if the clock is right, reset \
             the breaker by hand",
            self.epoch
        )))
    }

    fn vote(&mut self, instance: &str, wait: Duration, quorum: u32, lasts: Duration, now: u64) -> Verdict {
        if self.state != State::Closed {
            return Verdict::Stale;
        }
        self.votes.insert(instance.to_owned(), later(now, lasts));
        if self.votes.len() < self.needed(quorum) as usize {
            return Verdict::Voted;
        }
        self.open(wait, 0, now);
        Verdict::Applied
    }

    fn lease(
        &mut self,
        instance: &str,
        is_over: bool,
        (places, want): (u32, u32),
        lasts: Duration,
        now: u64,
    ) -> Verdict {
        match self.state {
            State::Closed => return Verdict::Stale,
            State::Open if !is_over => return Verdict::Wait,
            State::Open => self.enter(State::HalfOpen, now, now),
            State::HalfOpen => {}
        }
        let taken = self.leases.len().saturating_add(self.successes as usize);
        let mut free = (places as usize).saturating_sub(taken);
        if self.leases.is_empty() {
            // Instances with other settings may have left successes that do not suffice; it goes on all the same.
            free = free.max(1);
        }
        let first = self.last_lease.max(self.epoch).saturating_add(1);
        let granted: Vec<u64> = (first..).take(free.min(want as usize)).collect();
        self.last_lease = granted.last().copied().unwrap_or(self.last_lease);
        let lease = Lease { holder: instance.to_owned(), until: later(now, lasts) };
        self.leases.extend(granted.iter().map(|number| (*number, lease.clone())));
        Verdict::Granted(granted)
    }

    fn report(&mut self, successes: u32, failures: u32, close_at: u32, wait: Duration, now: u64) -> Verdict {
        match self.state {
            State::Closed => return Verdict::Stale,
            State::Open if now < self.until => return Verdict::Wait,
            State::Open => self.enter(State::HalfOpen, now, now),
            State::HalfOpen => {}
        }
        self.successes = self.successes.saturating_add(successes);
        if failures > 0 {
            self.open(wait, self.reopened.saturating_add(1), now);
        } else if self.successes >= close_at {
            self.reopened = 0;
            self.enter(State::Closed, now, now);
        }
        Verdict::Applied
    }

    /// Lets the leases of an instance hold for so long, if they end sooner.
    fn extend(&mut self, instance: &str, lasts: Duration, now: u64) {
        for lease in self.leases.values_mut().filter(|lease| lease.holder == instance) {
            lease.until = lease.until.max(later(now, lasts));
        }
    }

    fn obey(&mut self, instance: &str, order: Order, by: Option<&str>, ago: Duration, now: u64) -> Verdict {
        let given = i64::try_from(now).unwrap_or(i64::MAX).saturating_sub_unsigned(micros(ago));
        // One instance brings its orders one after another, however long each is under way.
        let is_wrong = self.check(now).is_err();
        if !is_wrong && self.ordered.as_ref().is_some_and(|(other, last)| other != instance && given < *last) {
            return Verdict::Stale;
        }
        self.ordered = Some((instance.to_owned(), given));
        if is_wrong {
            self.epoch = 0;
        }
        match order {
            Order::Mode(mode) => {
                self.mode = mode;
                self.enter(self.state, self.until, now);
            }
            Order::Reset => {
                (self.mode, self.reopened) = (Mode::Auto, 0);
                self.enter(State::Closed, now, now);
            }
            Order::OpenFor(time) => {
                self.mode = Mode::Auto;
                self.open(time, self.reopened, now);
            }
        }
        self.by = Some(by.unwrap_or("operator").to_owned());
        Verdict::Applied
    }

    fn reseed(&mut self, view: &View, now: u64) -> Verdict {
        if view.epoch <= self.epoch || view.epoch > now.saturating_add(FURTHEST) {
            return Verdict::Stale;
        }
        // The leases of a half-open episode are gone with the store that held them.
        let (state, left) = match view.state {
            State::HalfOpen => (State::Open, Duration::ZERO),
            state => (state, view.left),
        };
        (self.mode, self.reopened) = (view.mode, view.reopened);
        self.enter(state, later(now, left), now);
        self.epoch = view.epoch;
        self.by = view.by.as_deref().map(str::to_owned);
        Verdict::Applied
    }

    fn count(&mut self, instance: &str, counts: &Counts, now: u64) {
        if self.state != State::Closed || self.mode != Mode::Auto || counts.on != self.epoch {
            return;
        }
        self.heard.retain(|instance, _| self.alive.contains_key(instance));
        if self.heard.insert(instance.to_owned(), counts.serial) == Some(counts.serial) {
            return;
        }
        let window = micros(counts.window).max(1);
        let begun = now - now % (window / 10).max(1);
        self.counts.retain(|begun, _| begun.saturating_add(window) > now);
        let (failures, successes) = self.counts.entry(begun).or_default();
        *failures = failures.saturating_add(counts.failures);
        *successes = successes.saturating_add(counts.successes);
        if counts.failures > 0 {
            self.failing.insert(instance.to_owned(), later(now, counts.window));
        }
        let sum = |part: fn(&(u64, u64)) -> u64| self.counts.values().map(part).fold(0, u64::saturating_add);
        let (failures, successes) = (sum(|(failures, _)| *failures), sum(|(_, successes)| *successes));
        let calls = failures.saturating_add(successes);
        let is_many = counts.failure_threshold.is_some_and(|threshold| failures >= threshold);
        let is_much = counts.failure_rate_threshold.is_some_and(|threshold| {
            calls >= counts.minimum_calls.max(1) && failures as f64 / calls as f64 >= threshold
        });
        if (is_many || is_much) && self.failing.len() >= self.needed(counts.quorum) as usize {
            self.open(counts.wait, 0, now);
        }
    }

    fn open(&mut self, wait: Duration, reopened: u32, now: u64) {
        self.reopened = reopened;
        self.enter(State::Open, later(now, wait), now);
    }

    /// Begins an epoch, which is later than any other: than the one before, and than the time, should that be lost.
    fn enter(&mut self, state: State, until: u64, now: u64) {
        self.epoch = now.max(self.epoch.saturating_add(1));
        self.made = self.made.max(now);
        (self.state, self.until, self.successes, self.by) = (state, until, 0, None);
        self.votes.clear();
        self.leases.clear();
        self.counts.clear();
        self.failing.clear();
        self.heard.clear();
    }

    /// Half of those that live, or fewer.
    fn needed(&self, quorum: u32) -> u32 {
        (self.alive.len() as u32).div_ceil(2).min(quorum).max(1)
    }

    fn view(&self, now: u64) -> View {
        View {
            epoch: self.epoch,
            state: self.state,
            mode: self.mode,
            left: Duration::from_micros(self.until.saturating_sub(now)),
            reopened: self.reopened,
            successes: self.successes,
            votes: self.votes.len() as u32,
            needed: self.needed(u32::MAX),
            by: self.by.as_deref().map(Into::into),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn later(now: u64, by: Duration) -> u64 {
    now.saturating_add(micros(by))
}
