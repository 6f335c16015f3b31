//! When the files are written: breakers leave notes of what has changed, and a thread writes them.
//!
//! Notes of one breaker replace each other, so that there is at most one for each. What could not be
//! written stays noted, and is tried again for ever, in growing distances.

use std::collections::BTreeMap;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::bus::Bus;
use crate::event::Event;
use crate::snapshot::Snapshot;

use super::KIND;
use super::folder::{Folder, Untaken};
use super::names::escaped;
use super::record::Record;
use super::times::Moment;

/// What follows a change so soon is written together.
const TOGETHER: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A process that ended a moment ago may have left its lock to a child that it was starting.
const PATIENCE: Duration = Duration::from_millis(100);
/// Breakers whose changes wait to be written, at most; further ones are not kept.
const CAPACITY: usize = 65_536;

/// What breakers leave, and the thread takes.
#[derive(Debug)]
pub(super) struct Desk {
    path: PathBuf,
    pub(super) is_attached: AtomicBool,
    pub(super) inner: Mutex<Inner>,
    /// There is something to do.
    pub(super) work: Condvar,
    /// There is nothing left to do.
    pub(super) rest: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    notes: HashMap<Arc<str>, Note>,
    pub(super) breakers: HashMap<Arc<str>, Known>,
    /// Those whose files are of no use any more.
    pub(super) left: HashSet<Arc<str>>,
    pub(super) errors: BTreeMap<&'static str, u64>,
    /// Held while this process writes the folder; the thread takes it out while it does.
    pub(super) folder: Option<Folder>,
    /// Whether the folder was this process's own at the last try.
    pub(super) is_owner: bool,
    is_writing: bool,
    pub(super) pace: Pace,
    pub(super) worker: Option<ThreadId>,
    pub(super) degraded: Option<String>,
}

/// How the thread pauses between two rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    #[default]
    Calm,
    /// Someone waits for the rest: the next pause is left out.
    Hurried,
    /// The registry has gone: one more round, and no other.
    Last,
}

/// The state of a breaker when it changed.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) snapshot: Snapshot,
    pub(super) at: Moment,
}

/// What is known of a breaker that has a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) is_restored: bool,
    pub(super) synced: Option<SystemTime>,
    /// Why its file is left alone.
    pub(super) untouchable: Option<String>,
    /// What was noted or read last, for a folder that has lost it and a breaker that comes back.
    pub(super) last: Option<Note>,
}

impl Inner {
    pub(super) fn failed(&mut self, op: &'static str) {
        *self.errors.entry(op).or_default() += 1;
    }

    fn is_at_rest(&self) -> bool {
        !self.has_work() && !self.is_writing
    }

    fn has_work(&self) -> bool {
        !self.notes.is_empty() || !self.left.is_empty()
    }

    pub(super) fn known(&mut self, breaker: &Arc<str>) -> &mut Known {
        self.breakers.entry(Arc::clone(breaker)).or_default()
    }

    /// Notes all that is known once more, for a folder that has lost it.
    fn note_all(&mut self) {
        for (breaker, known) in &self.breakers {
            if let Some(last) = &known.last {
                self.notes.entry(Arc::clone(breaker)).or_insert_with(|| last.clone());
            }
        }
    }

    pub(super) fn note(&mut self, breaker: &Arc<str>, note: Note) {
        if self.breakers.get(breaker).is_some_and(|known| known.untouchable.is_some()) {
            return;
        }
        if self.notes.len() >= CAPACITY && !self.notes.contains_key(breaker) {
            return self.failed("queue");
        }
        self.left.remove(breaker);
        self.known(breaker).last = Some(note.clone());
        self.notes.insert(Arc::clone(breaker), note);
    }
}

impl Inner {
    /// Forgets a breaker, and its file if it has one.
    pub(super) fn left(&mut self, breaker: &Arc<str>) {
        self.notes.remove(breaker);
        let has_file = self.breakers.remove(breaker).is_some_and(|known| known.untouchable.is_none());
        if has_file && self.left.len() < CAPACITY {
            self.left.insert(Arc::clone(breaker));
        }
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
    pub(super) fn work(&self, bus: &Weak<Bus>) {
        let mut pause = TOGETHER;
        let mut inner = self.inner.lock();
        loop {
            self.work.wait_while(&mut inner, |inner| !inner.has_work() && inner.pace != Pace::Last);
            let is_last = inner.pace == Pace::Last;
            let mut news = None;
            if inner.has_work() {
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
        let gone = std::mem::take(&mut inner.left);
        let folder = inner.folder.take();
        inner.is_writing = true;
        let (folder, is_new, written, left, problem) = MutexGuard::unlocked(inner, || {
            // A file that stays all the same does no harm.
            for (folder, breaker) in folder.iter().flat_map(|folder| gone.iter().map(move |breaker| (folder, breaker)))
            {
                folder.remove(&file_name(breaker));
            }
            self.write(folder, notes)
        });
        inner.is_owner = folder.is_some();
        inner.folder = folder;
        for breaker in written {
            inner.known(&breaker).synced = Some(SystemTime::now());
        }
        for (breaker, note) in left {
            inner.failed("write");
            inner.notes.entry(breaker).or_insert(note);
        }
        if is_new {
            inner.note_all();
        }
        problem
    }

    fn write(&self, folder: Option<Folder>, notes: HashMap<Arc<str>, Note>) -> Written {
        let folder = folder.filter(Folder::is_there);
        let had_none = folder.is_none();
        let folder = match folder.map_or_else(|| self.take(), Ok) {
            Ok(folder) => folder,
            Err(problem) => return (None, false, Vec::new(), notes.into_iter().collect(), Some(problem)),
        };
        let (mut written, mut left, mut problem) = (Vec::new(), Vec::new(), None);
        for (breaker, note) in notes {
            let record = Record::new(&breaker, &note.snapshot, note.at.clone());
            let name = file_name(&breaker);
            match record.encode().map(|bytes| folder.write(&name, &bytes, true)) {
                Some(Err(error)) => {
                    problem = Some(format!("cannot write {}: {error}", folder.path_of(&name).display()));
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
        let is_new = had_none && folder.is_new();
        (Some(folder), is_new, written, left, problem)
    }

    /// Takes the folder for this instance alone.
    pub(super) fn take(&self) -> Result<Folder, String> {
        let folder = Folder::take(&self.path, PATIENCE).map_err(|untaken| match untaken {
            Untaken::Busy => format!(
                "the folder {} is used by another process or registry: give those that live side by side an instance each",
                self.path.display()
            ),
            Untaken::Failed(problem) => problem,
        })?;
        folder.sweep();
        Ok(folder)
    }
}

/// The name of the file of a breaker.
pub(super) fn file_name(breaker: &str) -> String {
    format!("{}.cbs", escaped(breaker))
}

/// The folder, if it is ours; whether it was taken just now and had lost everything; what was written; what was not;
/// and why.
type Written = (Option<Folder>, bool, Vec<Arc<str>>, Vec<(Arc<str>, Note)>, Option<String>);

impl Inner {
    /// What there is to tell of a try that had this problem, or none.
    pub(super) fn tell(&mut self, problem: Option<String>) -> Option<Event> {
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
