//! Who writes the files, and when: breakers leave notes of what has changed, and a thread writes them.
//!
//! Notes of one breaker replace each other, so that there is at most one for each. What could not be
//! written stays noted, and is tried again for ever, in growing distances.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::bus::Bus;
use crate::event::Event;
use crate::keeper::{Keeper, Source, StoreErrors, StoreStatus};
use crate::snapshot::Snapshot;
use crate::state::{Mode, State};

use super::KIND;
use super::folder::{self, Folder, NoFile};
use super::record::{Record, Unreadable};
use super::times::Moment;

/// What follows a change so soon is written together.
const TOGETHER: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long the end of a registry waits for what is still to be written.
const FAREWELL: Duration = Duration::from_secs(1);
/// Breakers whose changes wait to be written, at most; further ones are not kept.
const CAPACITY: usize = 65_536;

/// What breakers leave, and the thread takes.
#[derive(Debug)]
pub(super) struct Desk {
    path: PathBuf,
    is_attached: AtomicBool,
    inner: Mutex<Inner>,
    /// There is something to do.
    work: Condvar,
    /// There is nothing left to do.
    rest: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    notes: HashMap<Arc<str>, Note>,
    breakers: HashMap<Arc<str>, Known>,
    errors: BTreeMap<&'static str, u64>,
    /// Held while this process writes the folder; the thread takes it out while it does.
    folder: Option<Folder>,
    /// Whether the folder was this process's own at the last try.
    is_owner: bool,
    is_writing: bool,
    pace: Pace,
    worker: Option<ThreadId>,
    degraded: Option<String>,
}

/// How the thread pauses between two rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Pace {
    #[default]
    Calm,
    /// Someone waits for the rest: the next pause is left out.
    Hurried,
    /// The registry has gone: one more round, and no other.
    Last,
}

/// The state of a breaker when it changed.
#[derive(Clone, Debug)]
struct Note {
    snapshot: Snapshot,
    at: Moment,
}

#[derive(Clone, Debug, Default)]
struct Known {
    is_restored: bool,
    synced: Option<SystemTime>,
    /// Why its file is left alone.
    untouchable: Option<String>,
}

impl Inner {
    fn failed(&mut self, op: &'static str) {
        *self.errors.entry(op).or_default() += 1;
    }

    fn is_at_rest(&self) -> bool {
        self.notes.is_empty() && !self.is_writing
    }

    fn known(&mut self, breaker: &Arc<str>) -> &mut Known {
        self.breakers.entry(Arc::clone(breaker)).or_default()
    }

    fn note(&mut self, breaker: &Arc<str>, note: Note) {
        if self.breakers.get(breaker).is_some_and(|known| known.untouchable.is_some()) {
            return;
        }
        if self.notes.len() >= CAPACITY && !self.notes.contains_key(breaker) {
            return self.failed("queue");
        }
        self.notes.insert(Arc::clone(breaker), note);
    }
}

impl Desk {
    pub(super) fn new(path: PathBuf) -> Self {
        Desk {
            path,
            is_attached: AtomicBool::new(false),
            inner: Mutex::default(),
            work: Condvar::new(),
            rest: Condvar::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let mut inner = self.inner.lock();
        inner.pace = inner.pace.max(Pace::Hurried);
        self.work.notify_all();
        self.rest.wait_while_for(&mut inner, |inner| !inner.is_at_rest(), timeout);
        inner.is_at_rest()
    }

    /// The thread's whole life.
    fn work(&self, bus: &Weak<Bus>) {
        let mut pause = TOGETHER;
        let mut inner = self.inner.lock();
        loop {
            self.work.wait_while(&mut inner, |inner| inner.notes.is_empty() && inner.pace != Pace::Last);
            let is_last = inner.pace == Pace::Last;
            let mut news = None;
            if !inner.notes.is_empty() {
                let problem = self.write_all(&mut inner);
                pause = if problem.is_none() { TOGETHER } else { (pause * 2).min(LONGEST_PAUSE) };
                news = inner.tell(problem);
            }
            if let Some(news) = news {
                MutexGuard::unlocked(&mut inner, || say(bus, news));
            }
            inner.is_writing = false;
            self.rest.notify_all();
            if is_last {
                break;
            }
            self.work.wait_while_for(&mut inner, |inner| inner.pace == Pace::Calm, pause);
            // Who hurries gets one more round, not a thread that spins.
            if inner.pace == Pace::Hurried {
                inner.pace = Pace::Calm;
            }
        }
        inner.folder = None;
        inner.worker = None;
        self.rest.notify_all();
    }

    /// Writes what is noted, without holding the lock. What cannot be written is noted again.
    fn write_all(&self, inner: &mut MutexGuard<'_, Inner>) -> Option<String> {
        let notes = std::mem::take(&mut inner.notes);
        let folder = inner.folder.take();
        inner.is_writing = true;
        let (folder, written, left, problem) = MutexGuard::unlocked(inner, || self.write(folder, notes));
        inner.is_owner = folder.is_some();
        inner.folder = folder;
        for breaker in written {
            inner.known(&breaker).synced = Some(SystemTime::now());
        }
        for (breaker, note) in left {
            inner.failed("write");
            inner.notes.entry(breaker).or_insert(note);
        }
        problem
    }

    fn write(&self, folder: Option<Folder>, notes: HashMap<Arc<str>, Note>) -> Written {
        let folder = match folder.map_or_else(|| Folder::take(&self.path), Ok) {
            Ok(folder) => folder,
            Err(problem) => return (None, Vec::new(), notes.into_iter().collect(), Some(problem)),
        };
        let (mut written, mut left, mut problem) = (Vec::new(), Vec::new(), None);
        for (breaker, note) in notes {
            let record = Record::new(&breaker, &note.snapshot, note.at.clone());
            let name = folder::file_name(&breaker);
            match record.encode().map(|bytes| folder.write(&name, &bytes)) {
                Some(Err(error)) => {
                    problem = Some(format!("cannot write {}: {error}", self.path.join(name).display()));
                    left.push((breaker, note));
                }
                _ => written.push((breaker, note)),
            }
        }
        if let Err(error) = folder.settle() {
            problem = Some(format!("cannot write the folder {}: {error}", self.path.display()));
            left.append(&mut written);
        }
        let written = written.into_iter().map(|(breaker, _)| breaker).collect();
        // The folder may have been removed, or be another one by now: it is taken anew.
        let folder = problem.is_none().then_some(folder);
        (folder, written, left, problem)
    }
}

/// The folder, if it is still ours; what was written; what was not; and why.
type Written = (Option<Folder>, Vec<Arc<str>>, Vec<(Arc<str>, Note)>, Option<String>);

impl Inner {
    /// What there is to tell of a try that had this problem, or none.
    fn tell(&mut self, problem: Option<String>) -> Option<Event> {
        let was_degraded = self.degraded.is_some();
        self.degraded.clone_from(&problem);
        match problem {
            Some(problem) if !was_degraded => Some(Event::StoreDegraded { store: KIND, problem }),
            None if was_degraded => Some(Event::StoreRecovered { store: KIND }),
            _ => None,
        }
    }
}

/// Tells listeners. Without the lock, for this may be what holds the registry last.
fn say(bus: &Weak<Bus>, news: Event) {
    let Some(bus) = bus.upgrade() else { return };
    match news {
        Event::StoreRecovered { .. } => bus.publish(|| news),
        _ => bus.complain(news),
    }
    bus.deliver();
}

/// A store at work for one registry. Dropped with it, it writes what is left.
#[derive(Debug)]
pub(crate) struct Keeping {
    desk: Arc<Desk>,
    bus: Weak<Bus>,
}

impl Keeping {
    pub(super) fn start(desk: &Arc<Desk>, bus: &Arc<Bus>) -> Option<Arc<Keeping>> {
        if desk.is_attached.swap(true, Ordering::Relaxed) {
            return None;
        }
        let mut inner = desk.inner.lock();
        let mut problem = match Folder::take(&desk.path) {
            Ok(folder) => {
                inner.folder = Some(folder);
                inner.is_owner = true;
                None
            }
            Err(problem) => Some(problem),
        };
        let (keeping, listeners) = (Arc::clone(desk), Arc::downgrade(bus));
        let spawned = thread::Builder::new().name("breakerbox-file".into()).spawn(move || keeping.work(&listeners));
        match spawned {
            Ok(worker) => inner.worker = Some(worker.thread().id()),
            Err(error) => problem = Some(format!("cannot start a thread: {error}")),
        }
        if problem.is_some() {
            inner.failed("write");
        }
        if let Some(news) = inner.tell(problem) {
            bus.complain(news);
        }
        drop(inner);
        Some(Arc::new(Keeping { desk: Arc::clone(desk), bus: Arc::downgrade(bus) }))
    }

    /// Reads what is kept of a breaker; `Err` says why it cannot be used, and whether its file has to stay.
    fn read(&self, breaker: &str) -> Result<Option<Record>, (String, bool)> {
        let path = self.desk.path.join(folder::file_name(breaker));
        let set_aside = |what: &str| {
            // The folder of another process is only looked at.
            if !self.desk.inner.lock().is_owner {
                return (format!("{what}: {}", path.display()), false);
            }
            match folder::set_aside(&path) {
                Ok(place) => (format!("{what}: set aside as {}", place.display()), false),
                Err(error) => (format!("{what}, and cannot be set aside: {error}: {}", path.display()), false),
            }
        };
        let bytes = match folder::read(&path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(NoFile::Foreign(what)) => return Err(set_aside(what)),
            Err(NoFile::Failed(error)) => return Err((format!("{}: {error}", path.display()), false)),
        };
        match Record::decode(&bytes) {
            Ok(record) if record.name == breaker => Ok(Some(record)),
            Ok(_) => Err(set_aside("it is that of another breaker")),
            Err(Unreadable::Damaged(what)) => Err(set_aside(what)),
            Err(Unreadable::Later(version)) => {
                let what = format!("it is of version {version}, which is later than this program: {}", path.display());
                Err((what, true))
            }
        }
    }
}

impl Keeper for Keeping {
    fn changed(&self, breaker: &Arc<str>, snapshot: Snapshot) {
        let note = Note { snapshot, at: Moment::now() };
        let mut inner = self.desk.inner.lock();
        inner.note(breaker, note);
        inner.known(breaker).is_restored = false;
        self.desk.work.notify_one();
    }

    fn load(&self, breaker: &Arc<str>) -> Option<Snapshot> {
        let waiting = self.desk.inner.lock().notes.get(breaker).cloned();
        let now = Moment::now();
        let read = match waiting {
            Some(note) => Ok(Some(Record::new(breaker, &note.snapshot, note.at))),
            None => self.read(breaker),
        };
        let mut inner = self.desk.inner.lock();
        let kept = match read {
            Ok(record) => record.map(|record| record.snapshot(&now)),
            Err((problem, has_to_stay)) => {
                inner.failed("read");
                if has_to_stay {
                    inner.known(breaker).untouchable = Some(problem.clone());
                }
                if let Some(bus) = self.bus.upgrade() {
                    bus.complain(Event::StateUnusable { breaker: Arc::clone(breaker), store: KIND, problem });
                }
                None
            }
        };
        let known = inner.known(breaker);
        known.is_restored = kept.is_some();
        known.synced = kept.is_some().then(SystemTime::now);
        if !inner.is_owner {
            // What another process writes from now on is not about this one: once the folder is ours, it shall
            // say what is so here.
            let closed = || Snapshot::new(State::Closed, Mode::Auto, 0, Duration::ZERO, 0);
            inner.note(breaker, Note { snapshot: kept.unwrap_or_else(closed), at: now });
            self.desk.work.notify_one();
        }
        kept
    }

    fn status(&self, breaker: &Arc<str>) -> StoreStatus {
        let inner = self.desk.inner.lock();
        let known = inner.breakers.get(breaker).cloned().unwrap_or_default();
        StoreStatus {
            store: KIND,
            source: if known.is_restored { Source::Restored } else { Source::Local },
            synced: known.synced,
            degraded: known.untouchable.or_else(|| inner.degraded.clone()),
        }
    }

    fn errors(&self) -> Vec<StoreErrors> {
        let inner = self.desk.inner.lock();
        ["read", "write", "queue"]
            .into_iter()
            .map(|op| StoreErrors { store: KIND, op, count: inner.errors.get(op).copied().unwrap_or_default() })
            .collect()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        let mut inner = self.desk.inner.lock();
        inner.pace = Pace::Last;
        self.desk.work.notify_all();
        // The thread may have held the registry last.
        if inner.worker != Some(thread::current().id()) {
            self.desk.rest.wait_while_for(&mut inner, |inner| inner.worker.is_some(), FAREWELL);
        }
    }
}
