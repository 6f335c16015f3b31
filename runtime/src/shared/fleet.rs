//! The decisions of a fleet about one breaker, pure: what it holds, a proposal, the time -> what becomes of it.
//!
//! Times are microseconds of the store's own clock. Whoever keeps a fleet calls one of its methods at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Answer, Order, Proposal, Verdict, View};
use crate::state::{Mode, State};

/// How much later than its own clock says a store admits that an open time is over: by the clock of the caller.
const PATIENCE: u64 = 1_000_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Fleet {
    epoch: u64,
    state: State,
    mode: Mode,
    until: u64,
    reopened: u32,
    successes: u32,
    /// The latest time that was seen, so that a clock that steps back stands still.
    latest: u64,
    /// Until when each instance lives, each vote counts, and each lease holds.
    alive: BTreeMap<String, u64>,
    votes: BTreeMap<String, u64>,
    leases: BTreeMap<u64, u64>,
    /// No two leases have one number: who reports one that is over must not end that of another.
    last_lease: u64,
}

impl Fleet {
    pub(super) fn sync(&mut self, now: u64, instance: &str, lives: Duration) -> View {
        let now = self.at(now);
        self.alive.insert(instance.to_owned(), later(now, lives));
        self.view(now)
    }

    pub(super) fn propose(&mut self, now: u64, instance: &str, on: u64, what: &Proposal) -> Answer {
        let now = self.at(now);
        let is_fenced = on != self.epoch || self.mode != Mode::Auto;
        let verdict = match what {
            Proposal::Command(order) => self.obey(*order, now),
            Proposal::Reseed(view) => self.reseed(view, now),
            _ if is_fenced => Verdict::Stale,
            Proposal::Trip { wait, quorum, lasts } => self.vote(instance, *wait, *quorum, *lasts, now),
            Proposal::Lease { waited, wait, places, want, lasts } => {
                let is_over = now >= self.until || micros(*waited) >= micros(*wait).saturating_add(PATIENCE);
                self.lease(is_over, *places, *want, *lasts, now)
            }
            Proposal::Report { leases, successes, failures, close_at, wait } => {
                self.leases.retain(|lease, _| !leases.contains(lease));
                self.report(*successes, *failures, *close_at, *wait, now)
            }
        };
        Answer { verdict, view: self.view(now) }
    }

    /// The time, never earlier than before; what is over by then is gone.
    fn at(&mut self, now: u64) -> u64 {
        self.latest = self.latest.max(now);
        let now = self.latest;
        self.alive.retain(|_, until| *until > now);
        self.votes.retain(|_, until| *until > now);
        self.leases.retain(|_, until| *until > now);
        now
    }

    fn vote(&mut self, instance: &str, wait: Duration, quorum: u32, lasts: Duration, now: u64) -> Verdict {
        if self.state != State::Closed {
            return Verdict::Stale;
        }
        self.votes.insert(instance.to_owned(), later(now, lasts));
        if self.votes.len() < self.needed().min(quorum.max(1)) as usize {
            return Verdict::Voted;
        }
        self.open(wait, 0, now);
        Verdict::Applied
    }

    fn lease(&mut self, is_over: bool, places: u32, want: u32, lasts: Duration, now: u64) -> Verdict {
        match self.state {
            State::Closed => return Verdict::Stale,
            State::Open if !is_over => return Verdict::Wait,
            State::Open => self.enter(State::HalfOpen, now, now),
            State::HalfOpen => {}
        }
        let free = (places as usize).saturating_sub(self.leases.len());
        let first = self.last_lease.max(self.epoch) + 1;
        let granted: Vec<u64> = (first..).take(free.min(want as usize)).collect();
        self.last_lease = granted.last().copied().unwrap_or(self.last_lease);
        self.leases.extend(granted.iter().map(|lease| (*lease, later(now, lasts))));
        Verdict::Granted(granted)
    }

    fn report(&mut self, successes: u32, failures: u32, close_at: u32, wait: Duration, now: u64) -> Verdict {
        if self.state != State::HalfOpen {
            return Verdict::Stale;
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

    fn obey(&mut self, order: Order, now: u64) -> Verdict {
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
        Verdict::Applied
    }

    fn reseed(&mut self, view: &View, now: u64) -> Verdict {
        if view.epoch <= self.epoch {
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
        Verdict::Applied
    }

    fn open(&mut self, wait: Duration, reopened: u32, now: u64) {
        self.reopened = reopened;
        self.enter(State::Open, later(now, wait), now);
    }

    /// Begins an epoch, which is later than any other: than the one before, and than the time, should that be lost.
    fn enter(&mut self, state: State, until: u64, now: u64) {
        self.epoch = now.max(self.epoch + 1);
        (self.state, self.until, self.successes) = (state, until, 0);
        self.votes.clear();
        self.leases.clear();
    }

    /// Half of those that live.
    fn needed(&self) -> u32 {
        (self.alive.len() as u32).div_ceil(2).max(1)
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
            needed: self.needed(),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn later(now: u64, by: Duration) -> u64 {
    now.saturating_add(micros(by))
}
