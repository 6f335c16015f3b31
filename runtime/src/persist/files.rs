//! One file: how it is read, written whole or not at all, and set aside, whatever was planted in its place.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Files of one breaker that are set aside and kept.
const SET_ASIDE: u32 = 3;

/// Why a file could not be read.
#[derive(Debug)]
pub(super) enum NoFile {
    /// It is none of ours: a link, a folder, a device, of another user, or far too large.
    Foreign(&'static str),
    Failed(io::Error),
}

/// Whose files are taken for what they say: those of the user of this process, of root, and of who owns the folder.
/// In a folder that others may write they could plant one, and so decide what calls meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners {
    #[cfg(target_os = "linux")]
    of_folder: u32,
}

impl Owners {
    /// Who is trusted in this folder; an error if somebody may have planted the folder itself.
    #[cfg(target_os = "linux")]
    pub(super) fn of(folder: &Path) -> Result<Owners, String> {
        use std::os::unix::fs::MetadataExt;
        let said = |error: io::Error| format!("cannot look at the folder {}: {error}", folder.display());
        let found = fs::metadata(folder).map_err(said)?;
        let real = fs::canonicalize(folder).map_err(said)?;
        // The names that lead to it, links included, and those that it really has.
        for path in folder.ancestors().chain(real.ancestors()) {
            let (Ok(entry), Some(Ok(parent))) = (fs::symlink_metadata(path), path.parent().map(fs::metadata)) else {
                continue;
            };
            let is_for_all = parent.mode() & 0o002 != 0;
            if is_for_all && !is_trusted(entry.uid()) {
                return Err(format!(
                    "cannot trust the folder {}: {} is another user's, in a folder that everybody may write",
                    folder.display(),
                    path.display()
                ));
            }
        }
        Ok(Owners { of_folder: found.uid() })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(folder: &Path) -> Result<Owners, String> {
        let said = |error: io::Error| format!("cannot look at the folder {}: {error}", folder.display());
        fs::metadata(folder).map(|_| Owners {}).map_err(said)
    }

    /// Why this is no file of ours.
    pub(super) fn refuse(self, found: &Metadata) -> Option<&'static str> {
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::MetadataExt;
            if found.is_file() && !is_trusted(found.uid()) && found.uid() != self.of_folder {
                return Some("it belongs to another user");
            }
        }
        match found {
            _ if found.is_file() => None,
            _ if found.is_symlink() => Some("it is a link"),
            _ => Some("it is no file"),
        }
    }
}

#[cfg(target_os = "linux")]
fn is_trusted(user: u32) -> bool {
    [0, rustix::process::geteuid().as_raw()].contains(&user)
}

/// Reads a file of ours, of this many bytes at most; `None` if there is none.
pub(super) fn read(path: &Path, owners: Owners, most: u64) -> Result<Option<Vec<u8>>, NoFile> {
    let file = match open(path, owners, OpenOptions::new().read(true)) {
        Ok(file) => file,
        // Where a folder should be there may be something else.
        Err(NoFile::Failed(error)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(other) => return Err(other),
    };
    let mut bytes = Vec::new();
    match file.take(most + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > most => Err(NoFile::Foreign("it is too large")),
        Ok(_) => Ok(Some(bytes)),
        Err(error) => Err(NoFile::Failed(error)),
    }
}

/// Opens a file of ours that there is.
pub(super) fn open(path: &Path, owners: Owners, options: &mut OpenOptions) -> Result<File, NoFile> {
    let refuse = |found: &Metadata| owners.refuse(found).map_or(Ok(()), |what| Err(NoFile::Foreign(what)));
    // Looked at before, for to open a device may do something; and after, for it may have been exchanged.
    refuse(&fs::symlink_metadata(path).map_err(NoFile::Failed)?)?;
    let file = without_following(options).open(path).map_err(NoFile::Failed)?;
    refuse(&file.metadata().map_err(NoFile::Failed)?)?;
    Ok(file)
}

/// Makes a file that is not there.
pub(super) fn create(path: &Path) -> io::Result<File> {
    without_following(OpenOptions::new().read(true).write(true).create_new(true)).open(path)
}

/// Puts a file in the place of the one before, whole or not at all; `lasting` also when the power fails, but for
/// the name, which the folder holds.
pub(super) fn replace(path: &Path, draft: &Path, bytes: &[u8], is_lasting: bool) -> io::Result<()> {
    let write = || {
        let mut file = create(draft)?;
        file.write_all(bytes)?;
        if is_lasting { file.sync_all() } else { Ok(()) }
    };
    let put = || fs::rename(draft, path);
    let replaced = write().and_then(|()| put()).or_else(|error| {
        // A folder of this name is in the way.
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
            set_aside(path)?;
            return put();
        }
        Err(error)
    });
    if replaced.is_err() {
        let _ = fs::remove_file(draft);
    }
    replaced
}

/// Puts a file in the place of the one before, whole or not at all, and without waiting for the disk: some file systems
/// do when a file is renamed over another, or removed. Returns whether the draft is now the one before.
pub(super) fn exchange(path: &Path, draft: &Path, bytes: &[u8]) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let written = create(draft).and_then(|mut file| file.write_all(bytes));
        if written.is_ok() && renameat_with(CWD, draft, CWD, path, RenameFlags::EXCHANGE).is_ok() {
            return Ok(true);
        }
        let _ = fs::remove_file(draft);
        written?;
    }
    replace(path, draft, bytes, false).map(|()| false)
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
