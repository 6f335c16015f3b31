//! A circuit breaker as DESIGN §3 and §4 describe it: one thread, no tricks, every call in a list.
//! What goes in and what comes out of it is `laws`. Times are milliseconds.

use breakerbox::{Mode, Reason, State};

use crate::laws::{End, Seen, Settings, Span};

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    failed: bool,
    slow: bool,
}

/// What a call holds on to: its episode, when it began, and whether it is recorded at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    episode: u64,
    began: u64,
    is_recorded: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    settings: Settings,
    state: State,
    mode: Mode,
    episode: u64,
    /// When the open or half-open time is over.
    until: u64,
    reopened: u32,
    consecutive: u32,
    admitted: u32,
    succeeded: u32,
    entries: Vec<Entry>,
    counts: [u64; 9],
    trips: u64,
}

impl Model {
    pub(crate) fn new(settings: Settings) -> Model {
        Model { settings, ..Model::default() }
    }

    fn go(&mut self, to: State, until: u64) {
        self.trips += u64::from((self.state, to) == (State::Closed, State::Open));
        self.episode += 1;
        (self.state, self.until, self.admitted, self.succeeded) = (to, until, 0, 0);
        if to != State::Open {
            self.entries.clear();
            self.consecutive = 0;
        }
    }

    fn open_at(&mut self, at: u64) {
        self.reopened = if self.state == State::Closed { 0 } else { self.reopened + 1 };
        let grown = u64::from(self.settings.multiplier).saturating_pow(self.reopened);
        let time = self.settings.recovery.saturating_mul(grown).min(self.settings.longest_recovery);
        self.go(State::Open, at + time);
    }

    fn close(&mut self) {
        self.reopened = 0;
        self.go(State::Closed, 0);
    }

    /// A half-open episode without a verdict is open again.
    fn time_out(&mut self, now: u64) {
        if self.state == State::HalfOpen && now >= self.until {
            self.open_at(self.until);
        }
    }

    fn ask(&mut self, now: u64) -> Result<Held, Reason> {
        if self.mode == Mode::Auto {
            self.time_out(now);
            if self.state == State::Open && now >= self.until {
                self.go(State::HalfOpen, now + self.settings.half_open);
            }
        }
        match (self.mode, self.state) {
            (Mode::ForcedOpen, _) => return Err(Reason::ForcedOpen),
            (Mode::Auto, State::Open) => return Err(Reason::Open),
            (Mode::Auto, State::HalfOpen) if self.admitted >= self.settings.trials => return Err(Reason::HalfOpenFull),
            (Mode::Auto, State::HalfOpen) => self.admitted += 1,
            _ => {}
        }
        Ok(Held { episode: self.episode, began: now, is_recorded: self.mode != Mode::Disabled })
    }

    pub(crate) fn acquire(&mut self, now: u64) -> Result<Held, Reason> {
        self.ask(now).inspect_err(|reason| self.counts[5 + *reason as usize] += 1)
    }

    pub(crate) fn would_admit(&self, now: u64) -> bool {
        self.clone().ask(now).is_ok()
    }

    /// A result without a permit: a call that began and ended now, or a late one.
    pub(crate) fn record(&mut self, end: End, now: u64) {
        match self.ask(now) {
            Ok(held) => self.end(held, end, now),
            Err(_) => self.counts[4] += 1,
        }
    }

    pub(crate) fn end(&mut self, held: Held, end: End, now: u64) {
        if !held.is_recorded {
            return;
        }
        if self.mode == Mode::Auto {
            self.time_out(now);
        }
        if held.episode != self.episode {
            self.counts[if end == End::Cancelled { 3 } else { 4 }] += 1;
            return;
        }
        self.counts[end as usize] += 1;
        if matches!(end, End::Ignored | End::Cancelled) {
            self.admitted = self.admitted.saturating_sub(1);
            return;
        }
        let failed = end == End::Failure;
        let slow = self.settings.slow.is_some_and(|(limit, _)| now - held.began > limit);
        self.counts[8] += u64::from(slow);
        if self.mode == Mode::Auto && self.state == State::HalfOpen {
            self.succeeded += u32::from(!failed);
            if failed {
                self.open_at(now);
            } else if self.succeeded >= self.settings.successes {
                self.close();
            } else {
                self.until = now + self.settings.half_open;
            }
            return;
        }
        self.consecutive = if failed { self.consecutive + 1 } else { 0 };
        self.entries.push(Entry { at: now, failed, slow });
        if self.mode == Mode::Auto && self.is_tripped(now) {
            self.open_at(now);
        }
    }

    fn is_tripped(&self, now: u64) -> bool {
        let [calls, failures, slow, _] = self.tally(now);
        let reached = |part: u64, rate: Option<f64>| {
            calls >= u64::from(self.settings.minimum_calls)
                && rate.is_some_and(|rate| part as f64 / calls as f64 >= rate)
        };
        self.settings.failure_threshold.is_some_and(|threshold| self.consecutive >= threshold)
            || reached(failures, self.settings.failure_rate)
            || reached(slow, self.settings.slow.map(|(_, rate)| rate))
    }

    fn tally(&self, now: u64) -> [u64; 4] {
        let is_live = |entry: &&Entry| match self.settings.window {
            Span::Calls(_) => true,
            // Ten buckets: the one of now, and the nine before.
            Span::Millis(span) => entry.at * 10 / span + 10 > now * 10 / span,
        };
        let last = if let Span::Calls(size) = self.settings.window { size } else { usize::MAX };
        let live: Vec<_> = self.entries.iter().rev().take(last).filter(is_live).collect();
        let count = |test: fn(&Entry) -> bool| live.iter().filter(|entry| test(entry)).count() as u64;
        [live.len() as u64, count(|e| e.failed), count(|e| e.slow), count(|e| e.failed && e.slow)]
    }

    pub(crate) fn set_mode(&mut self, mode: Mode, now: u64) {
        if self.mode != mode {
            if self.mode == Mode::Auto {
                self.time_out(now);
            }
            self.mode = mode;
            self.episode += 1;
            self.entries.clear();
            (self.consecutive, self.admitted, self.succeeded) = (0, 0, 0);
            if self.state == State::HalfOpen {
                self.until = now + self.settings.half_open;
            }
        }
    }

    pub(crate) fn reset(&mut self) {
        self.mode = Mode::Auto;
        self.close();
    }

    pub(crate) fn move_to(&mut self, to: State, now: u64) {
        self.set_mode(Mode::Auto, now);
        self.time_out(now);
        let is_due = self.state == State::Open && now >= self.until;
        match to {
            State::Closed if self.state != to => self.close(),
            State::HalfOpen if self.state != to => self.go(to, now + self.settings.half_open),
            State::Open if self.state != to || is_due => self.open_at(now),
            _ => {}
        }
    }

    pub(crate) fn open_for(&mut self, time: u64, now: u64) {
        if self.mode == Mode::Auto {
            self.time_out(now);
        }
        self.set_mode(Mode::Auto, now);
        self.go(State::Open, now + time);
    }

    pub(crate) fn seen(&self, now: u64) -> Seen {
        let mut later = self.clone();
        later.time_out(now);
        let is_due = later.state == State::Open && now >= later.until;
        let beneath = if is_due { State::HalfOpen } else { later.state };
        let state = match self.mode {
            Mode::Auto => beneath,
            Mode::ForcedOpen => State::Open,
            _ => State::Closed,
        };
        Seen {
            state,
            mode: self.mode,
            retry_after: (self.mode == Mode::Auto && beneath == State::Open).then(|| later.until - now),
            consecutive: self.consecutive,
            window: (state == State::Closed).then(|| self.tally(now)),
            counts: self.counts,
            trips: self.trips,
        }
    }
}
