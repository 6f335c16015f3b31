//! Between breakers and the thread that speaks for them: what breakers note, and what they are told of their fleet.
//!
//! Notes of one breaker add up to one. Its lock is held to copy, never while a store is asked. Who waits for whom is
//! `waiting`.

mod waiting;

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex};

use super::fleet::Settings;
use super::line::OPS;
use super::note::{Ended, Note, Ordered};
use super::{Order, View};
use crate::clock::{nanos, precise};
use crate::event::{Cause, Event};
use crate::keeper::{Moved, Source, StoreErrors, StoreStatus, Votes};
use crate::state::State;

pub(super) use waiting::Call;

/// A store that takes so long is as good as away.
const STUCK: Duration = Duration::from_secs(2);
/// A thread that does nothing for so many sync intervals, and for that time, is none.
const IDLE: u32 = 10;
/// Orders of breakers that have left are kept for the thread, but for no more than so many: it may be stuck.
const ORDERS: usize = 1000;

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
    /// What those have noted last that have left, if the thread knows them or it was an order.
    gone: BTreeMap<Arc<str>, Note>,
    known: BTreeMap<Arc<str>, Known>,
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

    fn has_notes(&self) -> bool {
        !self.notes.is_empty() || !self.gone.is_empty()
    }

    fn has_news(&self) -> bool {
        self.is_nudged || self.has_notes()
    }

    fn degraded(&self) -> Option<&String> {
        if let Store::Degraded(problem) = &self.store { Some(problem) } else { None }
    }
}

#[derive(Clone, Debug)]
struct Known {
    /// Whether the thread has taken a note of it.
    is_met: bool,
    source: Source,
    epoch: u64,
    votes: Votes,
    synced: Option<SystemTime>,
    /// Why the store cannot be used for it alone.
    problem: Option<String>,
}

impl Default for Known {
    fn default() -> Self {
        let votes = Votes { given: 0, needed: 0 };
        Known { is_met: false, source: Source::Local, epoch: 0, votes, synced: None, problem: None }
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

/// What the thread deals with in a round.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) notes: BTreeMap<Arc<str>, Note>,
    /// What those have noted last that have left.
    pub(super) gone: BTreeMap<Arc<str>, Note>,
    /// Whether everything is to be read.
    pub(super) is_nudged: bool,
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
        let inner = &mut *self.inner.lock();
        inner.known.entry(Arc::clone(breaker)).or_default();
        inner.notes.insert(Arc::clone(breaker), Note { is_new: true, ..Note::default() });
        self.work.notify_one();
    }

    /// A breaker has given its place to another. If the thread has never heard of it, it need not now: of keys that
    /// come and go between two rounds nothing is left.
    pub(super) fn gone(&self, breaker: &Arc<str>) {
        let inner = &mut *self.inner.lock();
        let is_met = inner.known.remove(breaker).is_some_and(|known| known.is_met);
        let mut note = inner.notes.remove(breaker).unwrap_or_default();
        if note.is_new {
            // What the thread knows is another one of the name.
            note = Note { order: note.order, ..Note::default() };
        }
        if is_met || note.order.is_some() && inner.gone.len() < ORDERS {
            inner.gone.entry(Arc::clone(breaker)).or_default().add(note);
            self.work.notify_one();
        }
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

    /// Takes what there is to deal with.
    pub(super) fn take(&self) -> Taken {
        let inner = &mut *self.inner.lock();
        (inner.is_busy, inner.marked, inner.process) = (true, precise(), std::process::id());
        let notes = mem::take(&mut inner.notes);
        for breaker in notes.keys() {
            if let Some(known) = inner.known.get_mut(breaker) {
                known.is_met = true;
            }
        }
        Taken { notes, gone: mem::take(&mut inner.gone), is_nudged: mem::take(&mut inner.is_nudged) }
    }

    /// What a breaker is told of its fleet.
    pub(super) fn know(&self, breaker: &Arc<str>, view: &View, quorum: u32, is_remote: bool) {
        let inner = &mut *self.inner.lock();
        // It may have left meanwhile.
        let Some(known) = inner.known.get_mut(breaker) else { return };
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

    /// There is no breaker of the name any more, unless one was made just now.
    pub(super) fn forget(&self, breaker: &str) {
        let inner = &mut *self.inner.lock();
        if !inner.notes.get(breaker).is_some_and(|note| note.is_new) {
            inner.known.remove(breaker);
        }
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
}
