//! State on disk: one small file a breaker, so that a restarted process does not hammer a service
//! that is down. A hint, not a database: what cannot be read or written never stops anything.
//!
//! What a file holds is `record`, in the form `sealed` and under one of the `names`; how much time has passed
//! since it was written tells `times`. How one is read and written is `files`, who may do so `folder`, and when
//! it is done `desk` and `keeping`. Files that processes share are `shared`, with what these have in `common` and
//! `lives`, and what is made to last behind is `settling`.

mod changes;
mod common;
mod desk;
mod files;
mod folder;
mod keeping;
mod lives;
mod names;
mod record;
mod sealed;
mod settling;
mod shared;
mod times;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::bus::Bus;

pub use shared::SharedFiles;

use desk::Desk;
use keeping::Keeping;

/// The kind of the store, in events, metrics and the status.
const KIND: &str = "file";

/// Keeps the state of breakers in a folder, one small file for each: attach it to a
/// [`Registry`](crate::Registry::attach).
///
/// A thread of its own writes the file of a breaker when the breaker changes its state or an operator
/// changes its mode; a call never waits for it. A breaker that is registered takes up what its file
/// holds: an open circuit with the time that is left of it, a half-open one as open with nothing left,
/// modes and the step of the backoff as they were. Its window starts empty.
///
/// The folder is this instance's own. While another process uses it, as the one before may that is
/// being replaced, this one reads it and writes as soon as the other has ended; give processes that
/// live side by side an [`instance`](FileStore::instance) each.
///
/// Nothing about the folder or its files stops a program: what is damaged is set aside as
/// `<file>.corrupt-1` to `-3`, files of a later version are left alone, a folder that cannot be written is
/// tried again and again. Listeners hear of it, or standard error if there are none, and breakers work in
/// memory meanwhile.
///
/// ```
/// use breakerbox::{Config, FileStore, Registry, State};
/// use std::time::Duration;
///
/// # let folder = std::env::temp_dir().join(format!("breakerbox-doc-{}", std::process::id()));
/// let registry = Registry::new();
/// let store = FileStore::open(&folder);
/// registry.attach(&store)?;
/// registry.get_or_insert("quotes", Config::default()).unwrap().open();
/// assert!(store.flush(Duration::from_secs(60)));
/// # drop((registry, store));
///
/// // In the next process:
/// let registry = Registry::new();
/// registry.attach(&FileStore::open(&folder))?;
/// let quotes = registry.get_or_insert("quotes", Config::default()).unwrap();
/// assert_eq!(quotes.state(), State::Open);
/// # drop((registry, quotes));
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), breakerbox::AlreadyAttached>(())
/// ```
#[derive(Clone)]
pub struct FileStore {
    desk: Arc<Desk>,
}

impl FileStore {
    /// A store in this folder, which is made if there is none, for the user of the process alone. Nothing is
    /// touched before it is attached. A relative folder is meant where the process is now.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        FileStore { desk: Arc::new(Desk::new(folder::absolute(folder.into()))) }
    }

    /// The same store in a folder within, of this name, for processes that live side by side: each needs a
    /// name that it has again after a restart, such as the number of a worker.
    ///
    /// Characters that might mean something to a file system are escaped.
    #[must_use]
    pub fn instance(self, name: &str) -> Self {
        FileStore::open(self.folder().join(names::escaped(name)))
    }

    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        self.desk.path()
    }

    /// Waits until everything that has changed is written, for this long at most. Returns whether it is.
    ///
    /// Changes are written at once, and those that follow within 100 ms together; call it where a process
    /// ends by itself.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.desk.flush(timeout)
    }

    /// Begins to keep what changes; `None` if it does already.
    pub(crate) fn keep(&self, bus: &Arc<Bus>) -> Option<Arc<Keeping>> {
        Keeping::start(&self.desk, bus)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("folder", &self.folder()).finish_non_exhaustive()
    }
}
