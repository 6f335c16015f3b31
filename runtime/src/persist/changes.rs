//! How instances that share a folder notice that another has changed something: a file is exchanged with each change,
//! and a thread looks at it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::folder::Folder;
use crate::shared::Nudge;

const NAME: &str = ".changes";
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// When the file was written last, and how long it is: two changes may be made within one tick of a file system.
type Look = Option<(SystemTime, u64)>;

/// What was seen of the changes in a folder.
#[derive(Debug)]
pub(super) struct Changes {
    path: PathBuf,
    seen: Mutex<Look>,
}

impl Changes {
    pub(super) fn new(folder: &Path) -> Arc<Changes> {
        Arc::new(Changes { path: folder.join(NAME), seen: Mutex::default() })
    }

    /// Tells the others, while the folder is held. The own change is no news. Returns what is to be removed.
    pub(super) fn announce(&self, folder: &Folder) -> io::Result<Option<String>> {
        let before = self.look();
        let length = before.map_or(0, |(_, length)| length % 64) + 1;
        let spent = folder.exchange(NAME, &vec![b'.'; length as usize])?;
        let mut seen = self.seen.lock();
        if *seen == before {
            *seen = self.look();
        }
        Ok(spent)
    }

    /// Begins to look for changes of others; ends when nobody else has these any more.
    pub(super) fn watch(this: &Arc<Changes>, nudge: Nudge) -> io::Result<()> {
        *this.seen.lock() = this.look();
        let changes = Arc::downgrade(this);
        let watch = move || {
            while let Some(is_news) = Weak::upgrade(&changes).map(|changes| changes.is_news()) {
                if is_news {
                    nudge.all();
                }
                thread::sleep(LOOK_AGAIN);
            }
        };
        thread::Builder::new().name("breakerbox-changes".into()).spawn(watch).map(drop)
    }

    fn is_news(&self) -> bool {
        let mut seen = self.seen.lock();
        let now = self.look();
        std::mem::replace(&mut *seen, now) != now
    }

    fn look(&self) -> Look {
        let found = fs::symlink_metadata(&self.path).ok()?;
        Some((found.modified().ok()?, found.len()))
    }
}
