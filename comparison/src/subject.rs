//! What is compared: peers, how a breaker of theirs is set, and in which ways it is called.

use std::time::Duration;

use crate::work::{Pattern, Seen};

/// By what a breaker decides to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// 5 failures in a row.
    Consecutive,
    /// 50 % of the last 100 calls.
    CountWindow,
    /// 50 % of the calls of the last 10 s, and at least 100 calls.
    TimeWindow,
}

/// What a breaker is used for. Where breakers are statics that nothing can reset, each use has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To see when it opens; later its refusals are timed.
    Open,
    /// To see whether a success starts the count again.
    Restart,
    /// To be timed with these calls.
    Timed(Pattern),
}

/// The breaker that is wanted. Whatever opens stays open for an hour.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub setting: Setting,
    pub used: Use,
    /// With a threshold that is never reached.
    pub unreachable: bool,
    /// The length of a time window.
    pub window: Duration,
}

/// How long a breaker of this comparison stays open.
pub const HOUR: Duration = Duration::from_hours(1);

impl Plan {
    pub const fn new(setting: Setting, used: Use) -> Self {
        Self { setting, used, unreachable: false, window: Duration::from_secs(10) }
    }

    /// The threshold of consecutive failures.
    pub fn failures(&self) -> u32 {
        if self.unreachable { 1_000_000 } else { 5 }
    }

    /// The threshold of the share of failures.
    pub fn share(&self) -> f64 {
        if self.unreachable { 1.0 } else { 0.5 }
    }
}

/// How synchronous calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncWay {
    OneThread,
    TwoThreads,
    /// After each call 4 MiB of other data are touched.
    Cold,
}

/// How ready futures are awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsyncWay {
    CurrentThread,
    /// In a task of a multi-thread runtime.
    Task,
    /// In two tasks at once, on two threads.
    TwoTasks,
}

/// A breaker, and the loops that call it.
pub struct Caller<W> {
    once: Box<dyn FnMut(u64) -> Seen>,
    time: Box<dyn FnMut(W, Pattern, u64) -> Duration>,
}

impl<W> Caller<W> {
    pub fn new(
        once: impl FnMut(u64) -> Seen + 'static,
        time: impl FnMut(W, Pattern, u64) -> Duration + 'static,
    ) -> Self {
        Self { once: Box::new(once), time: Box::new(time) }
    }

    /// One call, and what became of it.
    pub fn once(&mut self, x: u64) -> Seen {
        (self.once)(x)
    }

    /// Time of `calls` calls.
    pub fn time(&mut self, way: W, pattern: Pattern, calls: u64) -> Duration {
        (self.time)(way, pattern, calls)
    }
}

/// A breaker library, or one way to use it.
pub struct Peer<W> {
    pub name: &'static str,
    /// The package whose version is reported; empty for what is no library.
    pub package: &'static str,
    pub settings: &'static [Setting],
    pub start: fn(Plan) -> Caller<W>,
    /// What a reader has to know of it.
    pub notes: Vec<&'static str>,
    /// It does not count successes, which makes it fast.
    pub records_no_success: bool,
    /// With these calls its cost grows with the calls that it has seen, so it is timed from new for 1,000 calls.
    pub grows: fn(Setting, Pattern) -> bool,
}

impl<W> Peer<W> {
    pub fn new(
        name: &'static str,
        package: &'static str,
        settings: &'static [Setting],
        start: fn(Plan) -> Caller<W>,
    ) -> Self {
        Self { name, package, settings, start, notes: Vec::new(), records_no_success: false, grows: |_, _| false }
    }

    pub fn note(mut self, note: &'static str) -> Self {
        self.notes.push(note);
        self
    }

    #[cfg(feature = "frameworks")]
    pub fn records_no_success(self) -> Self {
        Self { records_no_success: true, ..self }
    }

    pub fn grows(self, grows: fn(Setting, Pattern) -> bool) -> Self {
        Self { grows, ..self }
    }
}
