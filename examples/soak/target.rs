//! A breaker that is called, with the program's own account of every call, and a gate that brings
//! it to rest.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use breakerbox::{CircuitBreaker, CircuitBreakerError, Reason, State, Totals};

use crate::faces::Face;
use crate::law::{Law, check, same};
use crate::settings::LONGEST_OPEN;

/// How a call ended, by the program's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Succeeded,
    Failed,
    Ignored,
    Cancelled,
    RefusedOpen,
    RefusedFull,
    RefusedForced,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Succeeded,
        Kind::Failed,
        Kind::Ignored,
        Kind::Cancelled,
        Kind::RefusedOpen,
        Kind::RefusedFull,
        Kind::RefusedForced,
    ];

    /// What an error of the breaker says about its call.
    pub(crate) fn of(error: &CircuitBreakerError) -> Kind {
        match error.reason() {
            Reason::Open => Kind::RefusedOpen,
            Reason::HalfOpenFull => Kind::RefusedFull,
            Reason::ForcedOpen => Kind::RefusedForced,
            _ => Kind::Failed,
        }
    }
}

/// Where the calls of a breaker go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To nothing but the program itself, which fails as its weather says.
    Inside,
    /// Over TCP to this backend.
    Backend(usize),
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) breaker: CircuitBreaker,
    pub(crate) face: Face,
    pub(crate) way: Way,
    /// Whether operators act on it. What they do may admit calls to a backend that is down.
    pub(crate) is_operated: bool,
    /// Whether its clock is changed. One that never was is read in another way.
    pub(crate) is_clocked: bool,
    /// How many of a hundred calls fail inside.
    pub(crate) weather: AtomicU32,
    /// Held by the operator who is at work.
    pub(crate) operator: Mutex<()>,
    /// Odd while the breaker may be disabled, which counts nothing. See [`Target::disabled`].
    disabled: AtomicU64,
    /// Calls that are under way, and [`SHUT`].
    gate: AtomicU64,
    sure: [AtomicU64; 7],
    /// Calls that may have been admitted while disabled.
    doubtful: [AtomicU64; 7],
    fallbacks: AtomicU64,
    base: Totals,
}

/// A refusal reads the time from a clock that is behind by two ticks of the system at most.
const COARSE_LAG: Duration = Duration::from_millis(20);
const SHUT: u64 = 1 << 63;
/// The longest that the program itself may take to end a call, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Target {
    pub(crate) fn new(
        breaker: CircuitBreaker,
        face: Face,
        way: Way,
        is_operated: bool,
        is_clocked: bool,
    ) -> Arc<Target> {
        let base = breaker.status().totals;
        Arc::new(Target {
            breaker,
            face,
            way,
            is_operated,
            is_clocked: is_operated && is_clocked,
            weather: AtomicU32::new(0),
            operator: Mutex::new(()),
            disabled: AtomicU64::new(0),
            gate: AtomicU64::new(0),
            sure: Default::default(),
            doubtful: Default::default(),
            fallbacks: AtomicU64::new(0),
            base,
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.breaker.name()
    }

    /// Lets a call or an operator in, unless the gate is shut.
    pub(crate) fn enter(&self) -> bool {
        let is_open = self.gate.fetch_add(1, SeqCst) & SHUT == 0;
        if !is_open {
            self.leave();
        }
        is_open
    }

    pub(crate) fn leave(&self) {
        self.gate.fetch_sub(1, SeqCst);
    }

    /// Shuts the gate and waits until nothing is under way. One thread at a time may do so.
    pub(crate) fn rest(&self) -> bool {
        self.gate.fetch_or(SHUT, SeqCst);
        let begin = Instant::now();
        while self.gate.load(SeqCst) != SHUT && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_micros(500));
        }
        let is_at_rest = self.gate.load(SeqCst) == SHUT;
        check(Law::CallsEnd, is_at_rest, || {
            format!("'{}': {} calls do not end", self.name(), self.gate.load(SeqCst) & !SHUT)
        });
        is_at_rest
    }

    pub(crate) fn resume(&self) {
        self.gate.fetch_and(!SHUT, SeqCst);
    }

    /// Runs an operator who disables the breaker in between. A call that sees no change of the
    /// number, and an even one, was not admitted while disabled.
    pub(crate) fn disabled(&self, operate: impl FnOnce()) {
        self.disabled.fetch_add(1, SeqCst);
        operate();
        self.breaker.auto();
        self.disabled.fetch_add(1, SeqCst);
    }

    /// Enters calls that the holder of the gate has made.
    pub(crate) fn add(&self, kind: Kind, calls: u64) {
        self.sure[kind as usize].fetch_add(calls, SeqCst);
    }

    /// What the program counted: at least, and at most.
    fn own(&self, kind: Kind) -> (u64, u64) {
        let sure = self.sure[kind as usize].load(SeqCst);
        (sure, sure + self.doubtful[kind as usize].load(SeqCst))
    }

    pub(crate) fn calls(&self, kind: Kind) -> u64 {
        self.own(kind).1
    }

    pub(crate) fn all_calls(&self) -> u64 {
        Kind::ALL.iter().map(|kind| self.calls(*kind)).sum()
    }

    /// What its breaker has counted since it was taken up.
    pub(crate) fn since(&self, count: impl Fn(&Totals) -> u64) -> u64 {
        count(&self.breaker.status().totals) - count(&self.base)
    }

    /// Compares what the breaker has counted with what the program has. At rest.
    pub(crate) fn audit(&self) {
        let status = self.breaker.status();
        let totals = status.totals;
        let (base, name) = (&self.base, self.name());
        let (succeeded, failed, ignored) = (self.own(Kind::Succeeded), self.own(Kind::Failed), self.own(Kind::Ignored));
        let cancelled = self.own(Kind::Cancelled);
        let ended = [succeeded, failed, ignored, cancelled];
        let refused = [Kind::RefusedOpen, Kind::RefusedFull, Kind::RefusedForced].map(|kind| self.own(kind).1);
        let all_refused: u64 = refused.iter().sum();
        let bounds = ended.iter().fold((all_refused, all_refused), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
        let attempts = totals.attempts - base.attempts;
        let account = || format!("'{name}': {totals:?} since {base:?}; own {ended:?} {refused:?}");
        check(Law::CallsCountOnce, bounds.0 <= attempts && attempts <= bounds.1, account);

        let found = |count: u64, base: u64, own: (u64, u64)| count - base <= own.1;
        let late = totals.late - base.late;
        let at_most = found(totals.successes, base.successes, succeeded)
            && found(totals.failures, base.failures, failed)
            && found(totals.ignored, base.ignored, ignored);
        // What is missing in these three has to be late, and nothing else is.
        let missing = |count: u64, base: u64, own: (u64, u64)| own.0.saturating_sub(count - base);
        let at_least = missing(totals.successes, base.successes, succeeded)
            + missing(totals.failures, base.failures, failed)
            + missing(totals.ignored, base.ignored, ignored);
        let dropped = totals.cancelled - base.cancelled;
        let is_exact = cancelled.0 <= dropped && dropped <= cancelled.1;
        check(Law::KindsAreRight, at_most && at_least <= late && is_exact, account);

        let rejections = &totals.rejections;
        let by_reason = [
            rejections.open - base.rejections.open,
            rejections.half_open_full - base.rejections.half_open_full,
            rejections.forced_open - base.rejections.forced_open,
        ];
        same(Law::RefusalsAreRight, name, &by_reason, &refused);
        same(Law::RefusalsAreRight, name, &(totals.fallbacks - base.fallbacks), &self.fallbacks.load(SeqCst));

        let under_way = status.half_open.map_or(0, |trials| trials.in_flight);
        same(Law::PlacesComeBack, name, &under_way, &0);
        self.ask();
    }

    /// Asks every way there is. Time may change the state in between, which a second look shows.
    fn ask(&self) {
        let before = self.breaker.status();
        let asked = (self.breaker.state(), self.breaker.is_open(), self.breaker.can_execute());
        let after = self.breaker.status();
        if (before.state, before.generation) == (after.state, after.generation) {
            // Successful trials keep their places, but with all of them taken it would be closed.
            let admits = before.state == State::Closed || before.half_open.is_some();
            let expected = (before.state, before.state == State::Open, admits);
            check(Law::AnswersAgree, asked == expected, || format!("'{}': {asked:?}, status {before:?}", self.name()));
        }
    }
}

/// One call, from before it asks its breaker to after it has ended. Dropped, it is entered in the account.
#[derive(Debug)]
pub(crate) struct Attempt {
    target: Arc<Target>,
    disabled: u64,
    has_started: AtomicBool,
    end: AtomicU8,
}

const NO_END: u8 = u8::MAX;

impl Attempt {
    /// `None` while the gate is shut.
    pub(crate) fn new(target: &Arc<Target>) -> Option<Attempt> {
        target.enter().then(|| Attempt {
            disabled: target.disabled.load(SeqCst),
            target: Arc::clone(target),
            has_started: AtomicBool::new(false),
            end: AtomicU8::new(NO_END),
        })
    }

    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The call was admitted.
    pub(crate) fn start(&self) {
        self.has_started.store(true, SeqCst);
    }

    /// The call ended so, unless that is known already.
    pub(crate) fn end(&self, kind: Kind) -> bool {
        self.end.compare_exchange(NO_END, kind as u8, SeqCst, SeqCst).is_ok()
    }

    /// The breaker has refused the call, or cut it off.
    pub(crate) fn refused(&self, error: &CircuitBreakerError) {
        let left = error.retry_after().unwrap_or_default();
        check(Law::RetryIsBounded, left <= LONGEST_OPEN + COARSE_LAG, || format!("{error:?}"));
        self.end(Kind::of(error));
    }

    /// The first fallback of a call was asked with this error.
    pub(crate) fn fall_back(&self, error: &CircuitBreakerError) {
        if self.end(Kind::of(error)) {
            self.target.fallbacks.fetch_add(1, SeqCst);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let end = Kind::ALL.get(usize::from(self.end.load(SeqCst))).copied();
        let end = match end {
            None if !self.has_started.load(SeqCst) => None,
            None if thread::panicking() => Some(Kind::Failed),
            None => Some(Kind::Cancelled),
            end => end,
        };
        if let Some(kind) = end {
            let is_sure = self.disabled.is_multiple_of(2) && self.target.disabled.load(SeqCst) == self.disabled;
            let account = if is_sure { &self.target.sure } else { &self.target.doubtful };
            account[kind as usize].fetch_add(1, SeqCst);
        }
        self.target.leave();
    }
}
