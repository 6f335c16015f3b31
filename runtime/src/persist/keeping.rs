//! The store of one registry at work, as its breakers see it.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::bus::Bus;
use crate::event::Event;
use crate::keeper::{Keeper, Source, StoreErrors, StoreStatus};
use crate::snapshot::Snapshot;
use crate::state::{Mode, State};

use super::KIND;
use super::desk::{Desk, Note, Pace, file_name};
use super::files::{self, NoFile, Owners};
use super::record::Record;
use super::sealed::Unreadable;
use super::times::Moment;

/// How long the end of a registry waits for what is still to be written.
const FAREWELL: Duration = Duration::from_secs(1);
/// A file of ours has some hundred bytes.
const LARGEST: u64 = 64 * 1024;

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
        let mut problem = match desk.take() {
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
        let folder = self.desk.path();
        // There is none, or it cannot be trusted. Whoever writes it says so.
        let Ok(owners) = Owners::of(folder) else { return Ok(None) };
        let path = folder.join(file_name(breaker));
        let damaged = |what: &str| Err((self.set_aside(&path, what), false));
        let bytes = match files::read(&path, owners, LARGEST) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(NoFile::Foreign(what)) => return damaged(what),
            Err(NoFile::Failed(error)) => return Err((format!("{}: {error}", path.display()), false)),
        };
        match Record::decode(&bytes) {
            Ok(record) if record.name == breaker => Ok(Some(record)),
            Ok(_) => damaged("it is that of another breaker"),
            Err(Unreadable::Damaged(what)) => damaged(what),
            Err(Unreadable::Later(version)) => {
                let what = format!("it is of version {version}, which is later than this program: {}", path.display());
                Err((what, true))
            }
        }
    }

    fn set_aside(&self, path: &Path, what: &str) -> String {
        // The folder of another process is only looked at.
        if !self.desk.inner.lock().is_owner {
            return format!("{what}: {}", path.display());
        }
        match files::set_aside(path) {
            Ok(place) => format!("{what}: set aside as {}", place.display()),
            Err(error) => format!("{what}, and cannot be set aside: {error}: {}", path.display()),
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

    fn left(&self, breaker: &Arc<str>) {
        self.desk.inner.lock().left(breaker);
        self.desk.work.notify_one();
    }

    fn load(&self, breaker: &Arc<str>) -> Option<Snapshot> {
        // A breaker that comes back: what is noted may not be written yet.
        let last = self.desk.inner.lock().breakers.get(breaker).and_then(|known| known.last.clone());
        let now = Moment::now();
        let read = match last {
            Some(note) => Ok(Some(Record::new(breaker, &note.snapshot, note.at))),
            None => self.read(breaker),
        };
        let mut inner = self.desk.inner.lock();
        inner.left.remove(breaker);
        let record = read.unwrap_or_else(|(problem, has_to_stay)| {
            inner.failed("read");
            if has_to_stay {
                inner.known(breaker).untouchable = Some(problem.clone());
            }
            if let Some(bus) = self.bus.upgrade() {
                bus.complain(Event::StateUnusable { breaker: Arc::clone(breaker), store: KIND, problem });
            }
            None
        });
        let kept = record.as_ref().map(|record| record.snapshot(&now));
        if let Some(snapshot) = kept {
            let known = inner.known(breaker);
            known.is_restored = true;
            known.synced = Some(SystemTime::now());
            known.last = Some(Note { snapshot, at: now.clone() });
        }
        // What another process writes from now on is not about this one: once the folder is ours, it shall say what
        // is so here.
        if !inner.is_owner || record.is_some_and(|record| record.is_of_the_future(&now)) {
            let closed = || Snapshot::new(State::Closed, Mode::Auto, 0, Duration::ZERO, 0);
            inner.note(breaker, Note { snapshot: kept.unwrap_or_else(closed), at: now });
            self.desk.work.notify_one();
        }
        kept
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.desk.flush(timeout)
    }

    fn status(&self, breaker: &Arc<str>) -> StoreStatus {
        let inner = self.desk.inner.lock();
        let known = inner.breakers.get(breaker).cloned().unwrap_or_default();
        StoreStatus {
            store: KIND,
            source: if known.is_restored { Source::Restored } else { Source::Local },
            epoch: None,
            votes: None,
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
