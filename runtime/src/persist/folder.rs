//! The folder of a store, for as long as a process may write it.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::files::{self, NoFile, Owners};
use crate::clock::{self, nanos};

/// How often a lock that is taken is tried.
const AGAIN: Duration = Duration::from_micros(500);
const LOCK: &str = ".lock";

/// A folder that this process alone writes, for as long as it holds this.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    owners: Owners,
    lock: File,
    is_locked: bool,
    is_new: bool,
}

/// How often a lock is taken that is not the one of the folder any more, before it will do.
const TRIES: u32 = 4;

/// Why a folder could not be taken.
#[derive(Debug)]
pub(super) enum Untaken {
    /// Somebody else holds it.
    Busy,
    Failed(String),
}

impl Folder {
    /// Makes the folder if there is none, and takes it for this process. Waits for that long if another has it.
    pub(super) fn take(path: &Path, patience: Duration) -> Result<Folder, Untaken> {
        let said = |what: &str, error: &dyn std::fmt::Display| {
            Untaken::Failed(format!("cannot {what} the folder {}: {error}", path.display()))
        };
        make(path).map_err(|error| said("make", &error))?;
        let owners = Owners::of(path).map_err(Untaken::Failed)?;
        let begin = clock::precise();
        let mut tries = 0..TRIES;
        loop {
            let (lock, is_new) = open_lock(&path.join(LOCK), owners).map_err(|problem| said("lock", &problem))?;
            let is_locked = loop {
                match lock.try_lock() {
                    Ok(()) => break true,
                    // Without locks there is nobody to tell apart.
                    Err(TryLockError::Error(error)) if is_unsupported(&error) => break false,
                    Err(TryLockError::Error(error)) => return Err(said("lock", &error)),
                    Err(TryLockError::WouldBlock) if clock::precise() - begin >= nanos(patience) => {
                        return Err(Untaken::Busy);
                    }
                    Err(TryLockError::WouldBlock) => thread::sleep(AGAIN),
                }
            };
            let folder = Folder { path: path.to_owned(), owners, lock, is_locked, is_new };
            // Who held it may have removed the folder with its lock.
            if folder.is_there() || tries.next().is_none() {
                return Ok(folder);
            }
            make(path).map_err(|error| said("make", &error))?;
        }
    }

    /// Whether the folder is still where it was taken. It may have been removed, or be another one by now.
    pub(super) fn is_there(&self) -> bool {
        let (held, found) = (self.lock.metadata(), fs::symlink_metadata(self.path.join(LOCK)));
        matches!((held, found), (Ok(held), Ok(found)) if is_same(&held, &found))
    }

    /// Whether it was not there, or empty.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether nobody else takes it meanwhile. Some file systems know no locks.
    pub(super) fn is_locked(&self) -> bool {
        self.is_locked
    }

    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes what was being written when a process died.
    pub(super) fn sweep(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten().filter(|_| self.is_locked) {
            if entry.file_name().to_string_lossy().ends_with(".tmp") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    pub(super) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, NoFile> {
        files::read(&self.path_of(name), self.owners, most)
    }

    /// Puts a file in the place of the one before, whole or not at all.
    pub(super) fn write(&self, name: &str, bytes: &[u8], is_lasting: bool) -> io::Result<()> {
        files::replace(&self.path_of(name), &self.path_of(&draft(name)), bytes, is_lasting)
    }

    /// The same without waiting for the disk. Returns the name of what is to be removed afterwards.
    pub(super) fn exchange(&self, name: &str, bytes: &[u8]) -> io::Result<Option<String>> {
        let draft = draft(name);
        let is_left = files::exchange(&self.path_of(name), &self.path_of(&draft), bytes)?;
        Ok(Some(draft).filter(|_| is_left))
    }

    /// Removes a file, if it can.
    pub(super) fn remove(&self, name: &str) {
        if self.is_there() {
            let _ = fs::remove_file(self.path_of(name));
        }
    }

    /// Makes what was written last, also when the power fails. Once for many files: it costs as much as one.
    pub(super) fn settle(&self) -> io::Result<()> {
        settle(&self.path)
    }
}

/// A name that nobody else uses or could have planted.
fn draft(name: &str) -> String {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let number = RandomState::new().hash_one((process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)));
    format!("{name}.{number:016x}.tmp")
}

/// Makes the names in a folder last.
pub(super) fn settle(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(path)?.sync_all() {
        // Some file systems do not do that to folders.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// A folder as it is meant where the process was started, wherever it goes from there.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn make(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it has no name"));
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The lock of a folder, and whether it is new.
fn open_lock(path: &Path, owners: Owners) -> Result<(File, bool), String> {
    for _ in 0..2 {
        match files::open(path, owners, OpenOptions::new().read(true).write(true)) {
            Ok(file) => return Ok((file, false)),
            Err(NoFile::Failed(error)) if error.kind() == ErrorKind::NotFound => match files::create(path) {
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => return created.map(|file| (file, true)).map_err(|error| error.to_string()),
            },
            Err(NoFile::Failed(error)) => return Err(error.to_string()),
            Err(NoFile::Foreign(what)) => return Err(format!("{what}: {}", path.display())),
        }
    }
    Err(format!("it comes and goes: {}", path.display()))
}

fn is_unsupported(error: &io::Error) -> bool {
    // On a network file system without a lock server.
    #[cfg(target_os = "linux")]
    if error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return true;
    }
    error.kind() == ErrorKind::Unsupported
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        true
    }
}
