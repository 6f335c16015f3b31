//! A store in a folder that several processes share: one file a breaker, which holds what they have agreed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::changes::Changes;
use super::common::Common;
use super::files::{self, NoFile};
use super::folder::{Folder, Untaken};
use super::names::escaped;
use super::sealed::{Form, Unreadable};
use super::settling::{Left, Settling};
use super::times::Moment;
use super::{FileStore, KIND};
use crate::clock::{nanos, precise};
use crate::shared::{Agreement, Answer, Beat, Nudge, Proposal, SharedStore, StoreError, View};
use crate::state::{Mode, State};

const FORM: Form = Form { kind: "CBF", version: 1 };
const COMMON: &str = ".fleet";
/// How long one waits for another that holds the folder.
const PATIENCE: Duration = Duration::from_millis(200);
/// The longest that one leaves the folder to others after it has held it.
const REST: Duration = Duration::from_millis(50);
/// A file has some hundred bytes, that of a breaker with hundreds of votes some more.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Ten thousand breakers of a thousand instances that sync in time have less than one.
const LARGEST_COMMON: u64 = 16 * 1024 * 1024;

/// Files that several processes of one host share, or several hosts that mount one folder: as
/// [`FileStore`](crate::FileStore), but what one process finds out holds for all.
///
/// It is a [`SharedStore`]: attach it to a [`Registry`](crate::Registry::attach). One file a breaker holds what the
/// processes have agreed, and is changed under a lock of the folder, which nobody waits for longer than 200 ms:
/// breakers work by themselves if they cannot have it. All processes need to run as one user, and each program
/// needs a folder of its own.
///
/// ```
/// use breakerbox::FileStore;
///
/// let files = FileStore::open("states").shared();
/// assert!(files.folder().ends_with("states"));
/// ```
pub struct SharedFiles {
    path: PathBuf,
    changes: Arc<Changes>,
    settling: Arc<Settling>,
    unusable: Vec<(Arc<str>, String)>,
    is_swept: bool,
    /// Until when the folder is left to others.
    rests: u64,
}

impl FileStore {
    /// The folder as one that several processes share. Nothing is touched before it is attached.
    #[must_use]
    pub fn shared(self) -> SharedFiles {
        let path = self.folder().to_owned();
        SharedFiles {
            changes: Changes::new(&path),
            settling: Settling::new(&path),
            path,
            unusable: Vec::new(),
            is_swept: false,
            rests: 0,
        }
    }
}

impl SharedFiles {
    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// Does something with the folder while nobody else does.
    fn hold<T>(&mut self, work: impl FnOnce(&mut Held) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Who has much to say would have the folder again before another can look.
        thread::sleep(Duration::from_nanos(self.rests.saturating_sub(precise())));
        let folder = self.take()?;
        let begin = precise();
        let now = Moment::now();
        let (mut common, was) = match read_common(&folder)? {
            Some(common) => (common.clone(), common),
            None => Default::default(),
        };
        let time = common.time(&now);
        let mut held =
            Held { folder, common, now, time, is_changed: false, left: Left::default(), unusable: Vec::new() };
        let done = work(&mut held);
        let Held { folder, common, time, is_changed, mut left, unusable, .. } = held;
        self.unusable.extend(unusable);
        let kept = if common == was { Ok(None) } else { keep_common(&folder, common, time) };
        let kept = kept.map(|spent| left.spent.extend(spent));
        if is_changed {
            // Who does not hear of it sees it at the next poll.
            left.spent.extend(self.changes.announce(&folder).ok().flatten());
        }
        drop(folder);
        let end = precise();
        self.rests = end + (end - begin).min(nanos(REST));
        let said = |error| StoreError::new(format!("cannot write the folder {}: {error}", self.path.display()));
        let lasting = Settling::settle(&self.settling, left).map_err(said);
        kept.and(lasting).and(done)
    }

    fn take(&mut self) -> Result<Folder, StoreError> {
        let folder = Folder::take(&self.path, PATIENCE).map_err(|untaken| match untaken {
            Untaken::Busy => StoreError::new(format!(
                "the folder {} was held by another process for {} ms: it hangs, the disk is too slow, or a store \
                 that is not shared has the folder",
                self.path.display(),
                PATIENCE.as_millis()
            )),
            Untaken::Failed(problem) => StoreError::new(problem),
        })?;
        if !folder.is_locked() {
            return Err(StoreError::new(format!(
                "the file system of the folder {} knows no locks: share a folder of another one, or none",
                self.path.display()
            )));
        }
        if !self.is_swept {
            folder.sweep();
            self.is_swept = true;
        }
        Ok(folder)
    }
}

impl SharedStore for SharedFiles {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        self.hold(|held| {
            let mut view =
                |beat: &Beat| held.decide(&beat.breaker, |agreement, time| agreement.sync(time, instance, beat));
            let whole = |seen: Result<View, StoreError>| match seen {
                Err(error) if !error.is_of_breaker() => Err(error),
                seen => Ok(seen),
            };
            beats.iter().map(|beat| whole(view(beat))).collect()
        })
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        self.hold(|held| held.decide(breaker, |agreement, time| agreement.propose(time, instance, on, what)))
    }

    fn listen(&mut self, nudge: Nudge) {
        // Without a thread there is the poll.
        let _ = Changes::watch(&self.changes, nudge);
    }

    /// All processes of a host see one network, so the first one that finds it broken says so for all.
    fn quorum(&self) -> u32 {
        1
    }

    fn unusable(&mut self) -> Vec<(Arc<str>, String)> {
        std::mem::take(&mut self.unusable)
    }

    fn leave(&mut self, instance: &str, breakers: &[Arc<str>]) {
        let _ = self.hold(|held| {
            for breaker in breakers {
                held.decide(breaker, |agreement, _| {
                    agreement.leave(instance);
                    Ok(())
                })?;
            }
            Ok(())
        });
    }
}

impl fmt::Debug for SharedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedFiles").field("folder", &self.path).finish_non_exhaustive()
    }
}

/// A folder while this process has it.
struct Held {
    folder: Folder,
    common: Common,
    now: Moment,
    time: u64,
    /// Whether something was changed that others want to hear of.
    is_changed: bool,
    left: Left,
    unusable: Vec<(Arc<str>, String)>,
}

/// What a file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// The real name, of which that of the file is made.
    name: String,
    /// When it was written, by the clock of the folder.
    at: u64,
    agreement: Agreement,
}

impl Held {
    /// Lets something be decided about a breaker, and keeps what was.
    fn decide<T>(
        &mut self,
        breaker: &str,
        decision: impl FnOnce(&mut Agreement, u64) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let name = format!("{}.cbf", escaped(breaker));
        let mut kept = self.read(breaker, &name)?;
        self.time = self.common.advance(kept.at, &self.now);
        kept.agreement.alive = self.common.alive(breaker);
        let before = kept.agreement.seen(self.time);
        let was = FORM.seal(&kept);
        let said = |error| StoreError::of_breaker(format!("circuit '{breaker}': {error}"));
        let decided = decision(&mut kept.agreement, self.time).map_err(said)?;
        let after = kept.agreement.seen(self.time);
        self.common.keep_alive(breaker, std::mem::take(&mut kept.agreement.alive), self.time);
        if FORM.seal(&kept) != was {
            kept.at = self.time;
            let is_new = before.epoch != after.epoch;
            // Of a closed circuit nothing is lost with the file but votes and counts.
            let is_lasting = is_new || (after.state, after.mode) != (State::Closed, Mode::Auto);
            let bytes = FORM.seal(&kept).ok_or_else(|| StoreError::new("what was agreed cannot be written"))?;
            let spent = self.folder.exchange(&name, &bytes).map_err(|error| {
                StoreError::new(format!("cannot write {}: {error}", self.folder.path_of(&name).display()))
            })?;
            self.is_changed |= is_new;
            self.left.spent.extend(spent);
            self.left.files.extend(Some(name).filter(|_| is_lasting));
        }
        Ok(decided)
    }

    /// What is kept of a breaker. What cannot be used is set aside: who knows more says so.
    fn read(&mut self, breaker: &str, name: &str) -> Result<Kept, StoreError> {
        let none = || Kept { name: breaker.to_owned(), ..Kept::default() };
        let path = self.folder.path_of(name);
        let problem = match self.folder.read(name, LARGEST).map(|bytes| bytes.map(|bytes| FORM.unseal::<Kept>(&bytes)))
        {
            Ok(None) => return Ok(none()),
            Ok(Some(Ok(kept))) if kept.name == breaker => return Ok(kept),
            Ok(Some(Ok(_))) => "it is that of another breaker",
            Ok(Some(Err(Unreadable::Damaged(what)))) | Err(NoFile::Foreign(what)) => what,
            Ok(Some(Err(Unreadable::Later(version)))) => return Err(StoreError::of_breaker(later(version, &path))),
            Err(NoFile::Failed(error)) => {
                return Err(StoreError::new(format!("cannot read {}: {error}", path.display())));
            }
        };
        let place = files::set_aside(&path).map_err(|error| {
            StoreError::new(format!("{problem}, and cannot be set aside: {error}: {}", path.display()))
        })?;
        self.unusable.push((breaker.into(), format!("{problem}: set aside as {}", place.display())));
        Ok(none())
    }
}

/// What the instances have in common; `None` if there is nothing, or nothing that can be used: all of it is made
/// again by whoever lives.
fn read_common(folder: &Folder) -> Result<Option<Common>, StoreError> {
    let path = || folder.path_of(COMMON);
    match folder.read(COMMON, LARGEST_COMMON).map(|bytes| bytes.map(|bytes| Common::decode(&bytes))) {
        Ok(Some(Ok(common))) => Ok(Some(common)),
        Ok(None | Some(Err(Unreadable::Damaged(_)))) => Ok(None),
        Ok(Some(Err(Unreadable::Later(version)))) => Err(StoreError::new(later(version, &path()))),
        Err(NoFile::Foreign(what)) => {
            let said =
                |error| StoreError::new(format!("{what}, and cannot be set aside: {error}: {}", path().display()));
            files::set_aside(&path()).map(|_| None).map_err(said)
        }
        Err(NoFile::Failed(error)) => Err(StoreError::new(format!("cannot read {}: {error}", path().display()))),
    }
}

fn keep_common(folder: &Folder, mut common: Common, now: u64) -> Result<Option<String>, StoreError> {
    let path = || folder.path_of(COMMON).display().to_string();
    common.forget(now);
    let Some(bytes) = common.encode() else { return Ok(None) };
    // One that is not read again would be made anew in each round.
    if bytes.len() as u64 > LARGEST_COMMON {
        return Err(StoreError::new(format!(
            "{} would be larger than {} MiB: share a folder among fewer processes or breakers",
            path(),
            LARGEST_COMMON >> 20
        )));
    }
    // What was lost with the power is made again.
    folder.exchange(COMMON, &bytes).map_err(|error| StoreError::new(format!("cannot write {}: {error}", path())))
}

fn later(version: u32, path: &Path) -> String {
    format!(
        "{} is of version {version}, which is later than this program: update it, or give it a folder of its own",
        path.display()
    )
}
