//! Between breakers and the thread that speaks for them: what breakers note, and what they are told of their fleet.
//!
//! Notes of one breaker add up to one. Its lock is held to copy, never while a store is asked.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::fleet::Settings;
use super::line::OPS;
use super::note::{Ended, Note, Ordered};
use super::{Order, View};
use crate::clock::{nanos, precise};
use crate::event::{Cause, Event};
use crate::keeper::{Moved, Source, StoreErrors, StoreStatus, Votes};
use crate::state::State;

/// A store that takes so long is as good as away.
const STUCK: Duration = Duration::from_secs(2);
/// A thread that does nothing for so many sync intervals, and for that time, is none.
const IDLE: u32 = 10;

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) kind: &'static str,
    settings: Arc<Mutex<Settings>>,
    inner: Mutex<Inner>,
    /// There is something to do.
    work: Condvar,
    /// A round is over.
    rest: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    notes: BTreeMap<Arc<str>, Note>,
    known: HashMap<Arc<str>, Known>,
    errors: BTreeMap<&'static str, u64>,
    store: Store,
    pace: Pace,
    /// Whether there may be news that only the store has.
    is_nudged: bool,
    /// Whether notes were taken that are not dealt with.
    is_busy: bool,
    /// When the thread last got an answer, or began or ended a round, and its process.
    marked: u64,
    process: u32,
    /// Whether something has to be said that could not be said yet.
    has_left: bool,
    worker: Option<ThreadId>,
}

/// Whether the store answers.
#[derive(Debug, Default)]
enum Store {
    #[default]
    Unasked,
    Answers,
    /// And why.
    Degraded(String),
}

/// How the thread pauses between two rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pace {
    #[default]
    Calm,
    /// Someone waits: the next pause is left out.
    Hurried,
    /// The registry has gone.
    Last,
}

impl Inner {
    fn answers(&self) -> bool {
        matches!(self.store, Store::Answers)
    }

    fn degraded(&self) -> Option<&String> {
        if let Store::Degraded(problem) = &self.store { Some(problem) } else { None }
    }
}

#[derive(Clone, Debug)]
struct Known {
    source: Source,
    epoch: u64,
    votes: Votes,
    synced: Option<SystemTime>,
    /// Why the store cannot be used for it alone.
    problem: Option<String>,
}

impl Default for Known {
    fn default() -> Self {
        Known { source: Source::Local, epoch: 0, votes: Votes { given: 0, needed: 0 }, synced: None, problem: None }
    }
}

/// How the store is asked.
struct Asked {
    is_stepped: bool,
    idle: Duration,
}

impl Asked {
    /// Why nobody asks the store, if it is so. Before the first round nothing is known of its thread.
    fn problem(&self, inner: &Inner) -> Option<&'static str> {
        if inner.process == 0 {
            return None;
        }
        if inner.process != std::process::id() {
            return Some("the thread that asks the store is in another process: attach after a fork, not before");
        }
        let passed = precise().saturating_sub(inner.marked);
        let is_stuck =
            if inner.is_busy { passed > nanos(STUCK) } else { !self.is_stepped && passed > nanos(self.idle) };
        is_stuck.then_some("the thread that asks the store does not go on")
    }
}

/// Why the thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It is time for the next round.
    Due,
    /// Breakers have noted something.
    News,
    /// The registry has gone.
    Last,
}

impl Desk {
    pub(super) fn new(kind: &'static str, settings: Arc<Mutex<Settings>>) -> Self {
        Desk { kind, settings, inner: Mutex::default(), work: Condvar::new(), rest: Condvar::new() }
    }

    fn note(&self, breaker: &Arc<str>, note: impl FnOnce(&mut Note)) {
        let inner = &mut *self.inner.lock();
        note(inner.notes.entry(Arc::clone(breaker)).or_default());
        self.work.notify_one();
    }

    pub(super) fn made(&self, breaker: &Arc<str>) {
        self.inner.lock().known.entry(Arc::clone(breaker)).or_default();
        self.note(breaker, |note| *note = Note { is_new: true, ..Note::default() });
    }

    pub(super) fn moved(&self, breaker: &Arc<str>, moved: &Moved) {
        let source = match moved.cause {
            Cause::Remote => Source::Remote,
            Cause::Restored => Source::Restored,
            _ => Source::Local,
        };
        // One that has left its registry may move on.
        if let Some(known) = self.inner.lock().known.get_mut(breaker) {
            known.source = source;
        }
        if moved.cause == Cause::Remote {
            // Of that it knows.
            return;
        }
        self.note(breaker, |note| match (moved.from, moved.cause) {
            (State::HalfOpen, Cause::SuccessThreshold) => note.verdict = Some(Ended::Well),
            (State::HalfOpen, Cause::TrialFailed | Cause::HalfOpenTimeout) => {
                (note.verdict, note.successes) = (Some(Ended::Badly), 0);
            }
            _ => {}
        });
    }

    pub(super) fn ordered(&self, breaker: &Arc<str>, order: Order, by: Option<&str>) {
        let at = self.settings.lock().now();
        self.note(breaker, |note| note.order = Some(Ordered { order, by: by.map(Arc::from), at }));
    }

    pub(super) fn trial_succeeded(&self, breaker: &Arc<str>) {
        self.note(breaker, |note| note.successes = note.successes.saturating_add(1));
    }

    pub(super) fn wants_trial(&self, breaker: &Arc<str>) {
        self.note(breaker, |note| note.wishes = note.wishes.saturating_add(1));
    }

    /// Another instance has changed this breaker, or any.
    pub(super) fn nudged(&self, breaker: Option<&str>) {
        let inner = &mut *self.inner.lock();
        match breaker.map(|name| inner.known.get_key_value(name)) {
            None => inner.is_nudged = true,
            Some(Some((breaker, _))) => drop(inner.notes.entry(Arc::clone(breaker)).or_default()),
            Some(None) => return,
        }
        self.work.notify_one();
    }

    /// Takes what there is to deal with, and whether everything is to be read.
    pub(super) fn take(&self) -> (BTreeMap<Arc<str>, Note>, bool) {
        let inner = &mut *self.inner.lock();
        (inner.is_busy, inner.marked, inner.process) = (true, precise(), std::process::id());
        (mem::take(&mut inner.notes), mem::take(&mut inner.is_nudged))
    }

    /// What a breaker is told of its fleet.
    pub(super) fn know(&self, breaker: &Arc<str>, view: &View, quorum: u32, is_remote: bool) {
        let inner = &mut *self.inner.lock();
        let known = inner.known.entry(Arc::clone(breaker)).or_default();
        known.epoch = view.epoch;
        known.votes = Votes { given: view.votes, needed: view.needed.min(quorum).max(1) };
        known.synced = Some(SystemTime::now());
        if is_remote {
            known.source = Source::Remote;
        }
    }

    /// The thread goes on.
    pub(super) fn answered(&self) {
        self.inner.lock().marked = precise();
    }

    /// The store cannot be used for this breaker alone, or can be again. Tells what there is to tell of it.
    pub(super) fn trouble(&self, breaker: &Arc<str>, failed: Option<(&'static str, String)>) -> Option<Event> {
        let inner = &mut *self.inner.lock();
        let known = inner.known.get_mut(breaker)?;
        let Some((op, problem)) = failed else {
            known.problem = None;
            return None;
        };
        *inner.errors.entry(op).or_default() += 1;
        let is_told = known.problem.replace(problem.clone()).is_some();
        let breaker = Arc::clone(breaker);
        (!is_told).then_some(Event::StateUnusable { breaker, store: self.kind, problem })
    }

    pub(super) fn forget(&self, breaker: &str) {
        self.inner.lock().known.remove(breaker);
    }

    /// The store has answered. Tells what there is to tell of it.
    pub(super) fn succeeded(&self, has_left: bool) -> Option<Event> {
        let inner = &mut *self.inner.lock();
        inner.has_left = has_left;
        let before = mem::replace(&mut inner.store, Store::Answers);
        matches!(before, Store::Degraded(_)).then_some(Event::StoreRecovered { store: self.kind })
    }

    /// The store has not answered. Tells what there is to tell of it.
    pub(super) fn failed(&self, op: &'static str, problem: String) -> Option<Event> {
        let inner = &mut *self.inner.lock();
        *inner.errors.entry(op).or_default() += 1;
        inner.has_left = true;
        let before = mem::replace(&mut inner.store, Store::Degraded(problem.clone()));
        (!matches!(before, Store::Degraded(_))).then_some(Event::StoreDegraded { store: self.kind, problem })
    }

    /// Whether the fleet can be asked for trials: the store answers, and does not hold the thread for ever.
    pub(super) fn rations(&self) -> bool {
        let asked = self.asked();
        let inner = self.inner.lock();
        inner.degraded().is_none() && asked.problem(&inner).is_none()
    }

    fn asked(&self) -> Asked {
        let settings = self.settings.lock();
        Asked { is_stepped: settings.is_stepped, idle: STUCK.max(settings.interval.saturating_mul(IDLE)) }
    }

    /// A round is over.
    pub(super) fn rest(&self) {
        {
            let inner = &mut *self.inner.lock();
            (inner.is_busy, inner.marked) = (false, precise());
        }
        self.rest.notify_all();
    }

    pub(super) fn status(&self, breaker: &str) -> StoreStatus {
        let asked = self.asked();
        let inner = self.inner.lock();
        let known = inner.known.get(breaker).cloned().unwrap_or_default();
        let of_all = inner.degraded().cloned().or_else(|| asked.problem(&inner).map(str::to_owned));
        StoreStatus {
            store: self.kind,
            source: known.source,
            epoch: Some(known.epoch),
            votes: Some(known.votes),
            synced: known.synced,
            degraded: of_all.or(known.problem),
        }
    }

    pub(super) fn errors(&self) -> Vec<StoreErrors> {
        let inner = self.inner.lock();
        let count = |op: &'static str| {
            let count = inner.errors.get(op).copied().unwrap_or_default();
            StoreErrors { store: self.kind, op, count }
        };
        let others = inner.errors.keys().copied().filter(|op| !OPS.contains(op));
        OPS.into_iter().chain(others).map(count).collect()
    }

    /// What the store holds of a breaker cannot be used.
    pub(super) fn unusable(&self, breaker: Arc<str>, problem: String) -> Event {
        *self.inner.lock().errors.entry("read").or_default() += 1;
        Event::StateUnusable { breaker, store: self.kind, problem }
    }

    /// Waits for this long, for news unless the store is to be left alone, or until someone hurries.
    pub(super) fn wait(&self, pause: Duration, heeds_news: bool) -> Call {
        let mut inner = self.inner.lock();
        let call = |inner: &Inner| match inner.pace {
            Pace::Last => Some(Call::Last),
            Pace::Hurried => Some(Call::Due),
            Pace::Calm => (heeds_news && (inner.is_nudged || !inner.notes.is_empty())).then_some(Call::News),
        };
        self.work.wait_while_for(&mut inner, |inner| call(inner).is_none(), pause);
        let call = call(&inner).unwrap_or(Call::Due);
        if inner.pace == Pace::Hurried {
            inner.pace = Pace::Calm;
        }
        call
    }

    /// Lets what follows so soon come together; `true` if the registry has gone meanwhile.
    pub(super) fn gather(&self, pause: Duration) -> bool {
        let mut inner = self.inner.lock();
        self.work.wait_while_for(&mut inner, |inner| inner.pace != Pace::Last, pause);
        inner.pace == Pace::Last
    }

    pub(super) fn works(&self, worker: ThreadId) {
        self.inner.lock().worker = Some(worker);
    }

    /// The thread ends.
    pub(super) fn left(&self) {
        self.inner.lock().worker = None;
        self.rest.notify_all();
    }

    /// Ends the thread, and waits for it unless it is this one.
    pub(super) fn end(&self, this: ThreadId, patience: Duration) {
        let mut inner = self.inner.lock();
        inner.pace = Pace::Last;
        self.work.notify_all();
        if inner.worker != Some(this) {
            self.rest.wait_while_for(&mut inner, |inner| inner.worker.is_some(), patience);
        }
    }

    /// Waits until everything is said, for this long at most.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, |inner| inner.answers() && inner.notes.is_empty() && !inner.is_busy && !inner.has_left)
    }

    /// Waits until the store has answered for every breaker, for this long at most.
    pub(super) fn ready(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, |inner| {
            inner.answers() && !inner.is_busy && inner.notes.values().all(|note| !note.is_new)
        })
    }

    fn wait_until(&self, timeout: Duration, is_met: impl Fn(&Inner) -> bool) -> bool {
        let mut inner = self.inner.lock();
        if !is_met(&inner) {
            self.hurry(&mut inner);
            self.rest.wait_while_for(&mut inner, |inner| !is_met(inner), timeout);
        }
        is_met(&inner)
    }

    fn hurry(&self, inner: &mut MutexGuard<'_, Inner>) {
        if inner.pace == Pace::Calm {
            inner.pace = Pace::Hurried;
        }
        self.work.notify_all();
    }

    pub(super) fn look(&self) {
        self.hurry(&mut self.inner.lock());
    }
}
