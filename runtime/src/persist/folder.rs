//! The folder of a store: who may write it, and how its files are read, written and set aside.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// A file of ours has some hundred bytes.
const LARGEST: u64 = 64 * 1024;
/// Files of one breaker that are set aside and kept.
const SET_ASIDE: u32 = 3;
/// The longest name that is escaped in full; file systems take 255 bytes.
const LONGEST: usize = 200;

/// A folder that this process alone writes, for as long as it holds this.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Why a file could not be read.
#[derive(Debug)]
pub(super) enum NoFile {
    /// It is none of ours: a link, a folder, a device, or far too large.
    Foreign(&'static str),
    Failed(io::Error),
}

impl Folder {
    /// Makes the folder if there is none, and takes it for this process.
    pub(super) fn take(path: &Path) -> Result<Folder, String> {
        let said = |what: &str, error: &io::Error| format!("cannot {what} the folder {}: {error}", path.display());
        make(path).map_err(|error| said("make", &error))?;
        let lock = open_lock(&path.join(".lock")).map_err(|error| said("lock", &error))?;
        match patiently(|| lock.try_lock()) {
            // Without locks there is nobody to tell apart.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!(
                    "another process uses the folder {}: processes side by side need an instance each",
                    path.display()
                ));
            }
        }
        let folder = Folder { path: path.to_owned(), _lock: lock };
        folder.sweep();
        Ok(folder)
    }

    /// Removes what was being written when a process died.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with(".cbs.tmp") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Puts a file in the place of the one before, whole or not at all.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        let draft = self.path.join(format!("{name}.tmp"));
        let written = write_new(&draft, bytes).and_then(|()| put(&draft, &path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// Makes what was written last, also when the power fails. Once for many files: it costs as much as one.
    pub(super) fn settle(&self) -> io::Result<()> {
        sync_folder(&self.path)
    }
}

fn put(draft: &Path, path: &Path) -> io::Result<()> {
    fs::rename(draft, path).or_else(|error| {
        // A folder of this name is in the way.
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
            set_aside(path)?;
            return fs::rename(draft, path);
        }
        Err(error)
    })
}

/// The name of the file of a breaker.
pub(super) fn file_name(breaker: &str) -> String {
    format!("{}.cbs", escaped(breaker))
}

/// A name as a file may have it, also where upper and lower case are one.
pub(super) fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => escaped.push(byte as char),
            _ => {
                let _ = write!(escaped, "%{byte:02x}");
            }
        }
    }
    if escaped.len() > LONGEST {
        escaped.truncate(LONGEST);
        let _ = write!(escaped, "~{:08x}", crc32fast::hash(name.as_bytes()));
    }
    escaped
}

/// Tries for a moment: a process that ended a moment ago may have left its lock to a child that it was starting.
fn patiently(lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    for _ in 0..10 {
        match lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
            done => return done,
        }
    }
    lock()
}

/// Reads a file of ours; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, NoFile> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() && !is_own(&found) => return Err(NoFile::Foreign("it belongs to another user")),
        Ok(found) if found.is_file() => {}
        Ok(found) if found.is_symlink() => return Err(NoFile::Foreign("it is a link")),
        Ok(_) => return Err(NoFile::Foreign("it is no file")),
        // Where a folder should be there may be nothing, or something else.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(NoFile::Failed(error)),
    }
    let read = || {
        let file = without_following(OpenOptions::new().read(true)).open(path)?;
        let found = file.metadata()?;
        if !found.is_file() || !is_own(&found) {
            // It was exchanged a moment ago.
            return Err(ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 > LARGEST => Err(NoFile::Foreign("it is too large")),
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => Err(NoFile::Failed(error)),
    }
}

/// Renames what is no file of ours, so that it is neither read again nor lost. Tells its new name.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let place = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".corrupt-{number}"));
        PathBuf::from(name)
    };
    let changed = |place: &PathBuf| fs::symlink_metadata(place).and_then(|found| found.modified()).ok();
    let places: Vec<_> = (1..=SET_ASIDE).map(place).collect();
    // A free place comes first, then the one that was filled the longest time ago.
    let chosen = places.iter().min_by_key(|place| changed(place)).map_or_else(|| place(1), Clone::clone);
    let _ = remove(&chosen);
    fs::rename(path, &chosen)?;
    Ok(chosen)
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether a file is that of the user of this process, or of root. In a folder that others may write they could
/// plant one, and so decide what calls meet.
fn is_own(found: &Metadata) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        [0, rustix::process::geteuid().as_raw()].contains(&found.uid())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = found;
        true
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    without_following(options.read(true).write(true).create(true).truncate(false)).open(path)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let open = || without_following(&mut options.clone()).open(path);
    let mut file = open().or_else(|error| {
        if error.kind() != ErrorKind::AlreadyExists {
            return Err(error);
        }
        // What another process left, or planted.
        remove(path)?;
        open()
    })?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Links are not followed, pipes are not waited for, and what is made is for the user alone.
fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
        #[cfg(target_os = "linux")]
        options.custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed());
    }
    options
}

/// Makes a rename last.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(path)?.sync_all() {
        // Some file systems do not do that to folders.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}
