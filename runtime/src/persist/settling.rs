//! Makes what was written last, also when the power fails. That takes a disk some milliseconds a file: a thread does
//! it behind, so that nobody is kept from the folder meanwhile.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use super::files::{self, NoFile, Owners};
use super::folder;

/// What of a folder is still to be made lasting.
#[derive(Debug)]
pub(super) struct Settling {
    folder: PathBuf,
    state: Mutex<State>,
}

/// What those leave to do who had the folder.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Files to be made lasting.
    pub(super) files: BTreeSet<String>,
    /// Files in whose place there are others.
    pub(super) spent: Vec<String>,
}

#[derive(Debug, Default)]
struct State {
    left: Left,
    is_at_work: bool,
    problem: Option<io::Error>,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.spent.is_empty()
    }
}

impl Settling {
    pub(super) fn new(folder: &Path) -> Arc<Settling> {
        Arc::new(Settling { folder: folder.to_owned(), state: Mutex::default() })
    }

    /// Has this done soon, and tells what was wrong with what was to be done before.
    pub(super) fn settle(this: &Arc<Settling>, left: Left) -> io::Result<()> {
        let mut state = this.state.lock();
        if !left.is_empty() {
            state.left.files.extend(left.files);
            state.left.spent.extend(left.spent);
            if !state.is_at_work {
                let settling = Arc::clone(this);
                let spawned = thread::Builder::new().name("breakerbox-settling".into()).spawn(move || settling.work());
                // Without a thread they are left to the next change, and to the system.
                state.is_at_work = spawned.is_ok();
            }
        }
        state.problem.take().map_or(Ok(()), Err)
    }

    /// Goes on until nothing is left.
    fn work(&self) {
        let mut problem = None;
        loop {
            let left = {
                let mut state = self.state.lock();
                state.problem = problem.take().or(state.problem.take());
                state.is_at_work = !state.left.is_empty();
                std::mem::take(&mut state.left)
            };
            if left.is_empty() {
                return;
            }
            for name in &left.spent {
                // What stays is swept with the drafts.
                let _ = fs::remove_file(self.folder.join(name));
            }
            // A folder that is gone is made again by whoever writes.
            problem = self.sync(&left.files).err().filter(|_| self.folder.exists());
        }
    }

    /// Whatever is by now in the place of what was written is as good.
    fn sync(&self, files: &BTreeSet<String>) -> io::Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let owners = Owners::of(&self.folder).map_err(io::Error::other)?;
        for name in files {
            match files::open(&self.folder.join(name), owners, OpenOptions::new().read(true).write(true)) {
                Ok(file) => file.sync_all()?,
                Err(NoFile::Failed(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Err(_) => {}
            }
        }
        folder::settle(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread;
    use std::time::Duration;

    use super::{Left, Settling};

    #[test]
    fn what_could_not_be_made_lasting_is_told_once_and_what_is_gone_is_nothing() {
        let folder = std::env::temp_dir().join(format!("breakerbox-settling-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("there"), "it").expect("a file");
        let settling = Settling::new(&folder);
        let told = |names: &[&str]| {
            let files = names.iter().map(|name| (*name).to_owned()).collect();
            Settling::settle(&settling, Left { files, spent: vec!["spent".to_owned()] })
                .expect("nothing was wrong before");
            while settling.state.lock().is_at_work {
                thread::sleep(Duration::from_millis(1));
            }
            assert!(settling.state.lock().left.is_empty());
            Settling::settle(&settling, Left::default()).is_err()
        };
        fs::write(folder.join("spent"), "it").expect("a file");
        assert!(!told(&["there", "gone"]));
        assert!(!folder.join("spent").exists());
        assert!(told(&[&"x".repeat(300), "there"]));
        assert!(!told(&["there"]));
        fs::remove_dir_all(&folder).expect("a folder");
        assert!(!told(&["there"]));
    }
}
