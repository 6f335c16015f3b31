//! A breaker at work: the machine, its atomic word, its lock.
//!
//! Here is the only place that commits a transition. How a call gets in is `admit`, how it ends
//! `settle`, what operators do is `operate`; what a transition is `machine` decides; what users
//! call is `handle`, `permit` and `call`.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use crate::bus::Bus;
use crate::clock::{self, Clock, nanos, wall};
use crate::config::ConfigError;
use crate::error::Name;
use crate::event::{Cause, Event, Transition};
use crate::keeper::Moved;
use crate::layers::Layers;
use crate::machine::{Machine, Move, UNRATIONED};
use crate::past::Past;
use crate::policy::{Policy, WindowShape};
use crate::role::Role;
use crate::state::{Mode, State};
use crate::stripes::Stripes;
use crate::sync::{AtomicU64, Mutex, MutexGuard, OnceBox, Ordering, RwLock};
use crate::watch::Watched;
use crate::window::{Tally, Window};
use crate::word;

/// What all handles of a breaker share. Public only for the types of generated code, which cannot
/// name it.
///
/// In the order in which one needs it who has nothing of it in the cache: a look-up reads the name,
/// beside the count of handles; a call reads the word and its stripe.
#[repr(C, align(32))]
#[derive(Debug)]
pub struct Core {
    /// The name as errors carry it.
    pub(crate) name: Name,
    /// See the table in `word`. Stored with release under the lock, after its deadline; loaded with
    /// acquire, so that who sees a word sees the deadline of its episode, or of the next but one that
    /// was published.
    word: AtomicU64,
    stripes: Stripes,
    /// When time alone changes the state, in nanoseconds of the clock. Episodes take turns with the
    /// two slots, so a slot is stored again only after the word of another episode; who acquires
    /// such a deadline sees in a second look that the word has moved on.
    deadlines: [AtomicU64; 2],
    /// The name once more, as events carry it.
    pub(crate) label: Arc<str>,
    /// A call longer than this is slow; the time limit of a call. Relaxed: settings may lag.
    slow_after: AtomicU64,
    pub(crate) timeout: AtomicU64,
    inner: Mutex<Inner>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) clock: RwLock<Option<Arc<dyn Clock>>>,
    seed: u64,
    pub(crate) watched: OnceBox<Watched>,
}

/// What the lock protects. Held for some tens of instructions; no user code runs under it but a clock.
///
/// In the order in which a failure needs it: what it writes lies beside the lock, so that threads
/// whose calls fail take few cache lines from each other.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) failures: Failures,
    pub(crate) machine: Machine,
    pub(crate) mode: Mode,
    pub(crate) role: Role,
    /// Whether a success changes more than its counter, or has to be looked at.
    pub(crate) dirty: bool,
    pub(crate) has_own_clock: bool,
    /// The flags of the word that monitoring asks for.
    pub(crate) watching: u16,
    /// Which thresholds were reached while only measuring, so that each is told once.
    pub(crate) told: [bool; 3],
    /// How many trials the next half-open episode may admit.
    pub(crate) granted: u32,
    pub(crate) window: Option<Window>,
    pub(crate) policy: Policy,
    pub(crate) counts: Counts,
    pub(crate) layers: Box<Layers>,
    /// Nothing while it has been closed since it was made.
    pub(crate) past: Option<Box<Past>>,
    /// Until when trials that were granted may begin.
    pub(crate) granted_until: u64,
}

impl Inner {
    /// What has happened so far. If nothing has, it has been closed since it was made.
    pub(crate) fn past(&mut self) -> &mut Past {
        let made = self.machine.since;
        self.past.get_or_insert_with(|| Box::new(Past::new(made)))
    }

    /// Callers meet another state from now on.
    pub(crate) fn shows(&mut self, at: u64) {
        let state = self.mode.effective(self.machine.state());
        let until = if self.mode == Mode::Auto { self.machine.deadline() } else { u64::MAX };
        self.past().spans.enter(state, until, at);
    }
}

/// How many calls failed, and when the last one did, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures {
    pub(crate) count: u64,
    pub(crate) last: u64,
}

/// The other counters that only change under the lock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) ignored: u64,
    pub(crate) cancelled: u64,
    pub(crate) late: u64,
    pub(crate) slow: u64,
    /// Ends of calls that did not meet a closed circuit.
    pub(crate) of_open: u64,
    pub(crate) of_half_open: u64,
}

impl Core {
    pub(crate) fn new(
        name: Name,
        layers: Layers,
        clock: Option<Arc<dyn Clock>>,
        bus: Arc<Bus>,
    ) -> Result<Self, ConfigError> {
        let label: Arc<str> = name.as_str().into();
        let seed = RandomState::new().hash_one(&*label);
        let policy = layers.resolve()?;
        let now = clock.as_ref().map_or_else(clock::precise, |clock| nanos(clock.now()));
        let core = Core {
            word: AtomicU64::new(0),
            deadlines: [AtomicU64::new(u64::MAX), AtomicU64::new(u64::MAX)],
            slow_after: AtomicU64::new(0),
            timeout: AtomicU64::new(0),
            stripes: Stripes::default(),
            inner: Mutex::new(Inner {
                failures: Failures::default(),
                machine: Machine::new(now),
                mode: Mode::Auto,
                role: Role::default(),
                dirty: false,
                has_own_clock: clock.is_some(),
                watching: 0,
                told: [false; 3],
                granted: UNRATIONED,
                window: None,
                policy,
                counts: Counts::default(),
                layers: Box::new(layers),
                past: None,
                granted_until: u64::MAX,
            }),
            clock: RwLock::new(clock),
            name,
            label,
            bus,
            seed,
            watched: OnceBox::default(),
        };
        {
            let mut inner = core.inner.lock();
            core.follow(&mut inner, policy);
            core.publish(&inner);
        }
        Ok(core)
    }

    /// Does what time alone has done: a half-open episode that is over without a verdict is open again.
    #[inline]
    pub(crate) fn tick(&self, inner: &mut Inner, now: u64) {
        if inner.mode == Mode::Auto
            && let Some(moved) = inner.machine.tick(&inner.policy, self.seed, now)
        {
            self.commit(inner, moved);
        }
    }

    /// Counts and tells a transition that the machine has made. The only place that does.
    #[cold]
    pub(crate) fn commit(&self, inner: &mut Inner, moved: Move) {
        self.commit_by(inner, moved, None);
    }

    /// The same, ordered by somebody.
    pub(crate) fn commit_by(&self, inner: &mut Inner, moved: Move, by: Option<&str>) {
        let Move { from, to, .. } = moved;
        let now = self.now(self.word.load(Ordering::Relaxed));
        // The window is about the closed circuit; trials are not in it. A threshold was judged by what was
        // there a moment ago, which a window of milliseconds has lost by now.
        let tally = match (from, moved.cause) {
            (State::HalfOpen, _) => None,
            (_, Cause::FailureThreshold | Cause::FailureRateThreshold | Cause::SlowCallRateThreshold) => {
                inner.window.as_ref().map(|window| *window.last_tally())
            }
            _ => self.tally(inner, now),
        };
        let tally = tally.unwrap_or_default();
        let machine = &inner.machine;
        let transition = Transition {
            breaker: Arc::clone(&self.label),
            from,
            to,
            cause: moved.cause,
            at: wall(now, moved.at),
            generation: machine.generation,
            consecutive_failures: moved.consecutive,
            calls: tally.calls,
            failures: tally.failures,
            slow_calls: tally.slow,
            trials_succeeded: moved.trials_succeeded,
            by: by.map(Arc::from),
            retry_after: (to == State::Open).then(|| Duration::from_nanos(machine.deadline().saturating_sub(moved.at))),
        };
        self.bus.publish(|| Event::Transition(transition.clone()));
        if let Some(keeper) = self.keeper(inner) {
            keeper.moved(&self.label, Moved { from, to, cause: moved.cause, generation: machine.generation });
        }
        let past = inner.past.get_or_insert_with(|| Box::new(Past::new(moved.began)));
        if let Some(count) = past.transitions.count(from, to) {
            *count += 1;
        }
        past.last_transition = Some(transition);
        inner.shows(moved.at);
        // An open circuit shows what opened it; the next episode starts with an empty window.
        if (from, to) == (State::Closed, State::Open) {
            inner.dirty = false;
        } else {
            self.forget(inner);
        }
    }

    /// Empties the window, and what goes with it.
    pub(crate) fn forget(&self, inner: &mut Inner) {
        if let Some(window) = &mut inner.window {
            window.clear(&self.stripes);
        }
        // An empty window is under its minimum of calls, and a run of failures may go on.
        inner.dirty = inner.window.is_some() || inner.machine.consecutive > 0;
        inner.told = [false; 3];
    }

    /// Works by other settings from now on. A window of another shape starts empty.
    pub(crate) fn follow(&self, inner: &mut Inner, policy: Policy) {
        let policy = if inner.role == Role::Others { policy.that_never_opens() } else { policy };
        let shape = |policy: &Policy| policy.has_window().then_some(policy.window);
        if inner.window.is_none() || shape(&inner.policy) != shape(&policy) {
            inner.window = shape(&policy).map(|shape| match shape {
                WindowShape::Calls(calls) => Window::last_calls(calls, &self.stripes),
                WindowShape::Time(time) => Window::last_time(nanos(time)),
            });
            self.stripes.expire_marks();
        }
        self.slow_after.store(policy.slow_call_duration.map_or(u64::MAX, nanos), Ordering::Relaxed);
        self.timeout.store(policy.timeout.map_or(0, nanos), Ordering::Relaxed);
        // By other settings the next success may be what opens it.
        inner.dirty |= inner.window.is_some();
        inner.policy = policy;
    }

    /// Makes the word say what the lock protects. Tells whether an episode has begun.
    #[inline(always)]
    pub(crate) fn publish_unkept(&self, inner: &Inner) -> bool {
        let machine = &inner.machine;
        let flag = |set: bool, flag: u64| if set { flag } else { 0 };
        let flags = flag(inner.policy.slow_call_duration.is_some(), word::TIMED)
            | u64::from(inner.watching)
            | flag(matches!(inner.window, Some(Window::Time(_))), word::TIME_WINDOW)
            | flag(matches!(inner.window, Some(Window::Count(_))), word::COUNT_WINDOW)
            | flag(inner.dirty, word::DIRTY)
            | flag(machine.is_full(&inner.policy), word::FULL)
            | flag(inner.has_own_clock, word::OWN_CLOCK);
        let state = inner.mode.effective(machine.state());
        let word = word::compose(state, inner.mode, machine.generation, flags);
        let before = self.word.load(Ordering::Relaxed);
        let word = word::following(word, before);
        self.deadlines[word::slot(word)].store(machine.deadline(), Ordering::Release);
        self.word.store(word, Ordering::Release);
        !word::same_episode(word, before)
    }

    /// Makes the word say whether a success changes more than its counter. Everything else is as it was,
    /// and a closed circuit has no deadline that a reader might miss: relaxed.
    #[inline]
    pub(crate) fn publish_dirty(&self, word: u64, dirty: bool) {
        if dirty != (word & word::DIRTY != 0) {
            self.word.store(word ^ word::DIRTY, Ordering::Relaxed);
        }
    }

    /// What the window holds; `None` without one.
    pub(crate) fn tally(&self, inner: &mut Inner, now: u64) -> Option<Tally> {
        inner.window.as_mut().map(|window| *window.tally(now, &self.stripes))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    /// When time alone ends the episode of this word; `None` if it has ended otherwise. The second look
    /// is relaxed, for what it must not miss comes before the deadline that was acquired.
    #[inline]
    pub(crate) fn deadline(&self, word: u64) -> Option<u64> {
        let deadline = self.deadlines[word::slot(word)].load(Ordering::Acquire);
        word::same_episode(word, self.word.load(Ordering::Relaxed)).then_some(deadline)
    }

    pub(crate) fn word(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> State {
        let word = self.word();
        match word::state(word) {
            State::Open | State::HalfOpen if word::mode(word) == Mode::Auto => {
                let inner = self.inner.lock();
                let now = self.now(self.word());
                inner.mode.effective(inner.machine.observe(inner.mode, &inner.policy, self.seed, now).state())
            }
            state => state,
        }
    }

    pub(crate) fn stripes(&self) -> &Stripes {
        &self.stripes
    }

    /// A call that takes longer is slow.
    pub(crate) fn slow_after(&self) -> u64 {
        self.slow_after.load(Ordering::Relaxed)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn name(&self) -> &str {
        &self.label
    }
}
