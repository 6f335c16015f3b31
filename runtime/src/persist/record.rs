//! What the file of an instance's own breaker holds: its state, and when it was so.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;
use crate::state::{Mode, State};

use super::sealed::{Form, Unreadable};
use super::times::Moment;

const FORM: Form = Form { kind: "CBS", version: 1 };
/// How long after its end an open time still means something.
const FORGOTTEN_AFTER_MS: u64 = 3_600_000;

/// The state of a breaker, and when it was so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The real name, of which that of the file is made.
    pub(super) name: String,
    state: State,
    mode: Mode,
    generation: u64,
    reopened: u32,
    remaining_ms: u64,
    saved: Moment,
}

impl Record {
    pub(super) fn new(name: &str, snapshot: &Snapshot, saved: Moment) -> Self {
        Record {
            name: name.to_owned(),
            state: snapshot.state,
            mode: snapshot.mode,
            generation: snapshot.generation,
            reopened: snapshot.reopened,
            // Upwards: a time that is short of its end is not over.
            remaining_ms: u64::try_from(snapshot.remaining.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX),
            saved,
        }
    }

    /// What there is to take up at a later moment.
    pub(super) fn snapshot(&self, now: &Moment) -> Snapshot {
        // A clock that stepped back says that no time has passed.
        let elapsed = self.saved.until(now).unwrap_or_default();
        let over = elapsed.saturating_sub(self.remaining_ms);
        let left = Duration::from_millis(self.remaining_ms.saturating_sub(elapsed));
        // What has been over for long says nothing about now. What an operator ordered holds.
        let (state, reopened) =
            if over > FORGOTTEN_AFTER_MS { (State::Closed, 0) } else { (self.state, self.reopened) };
        Snapshot::new(state, self.mode, self.generation, left, reopened)
    }

    /// Whether it was saved later than now, by the clock that would tell: it has to be saved again, or each
    /// start would wait for the whole time once more.
    pub(super) fn is_of_the_future(&self, now: &Moment) -> bool {
        self.saved.until(now).is_none()
    }

    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        FORM.seal(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Record, Unreadable> {
        FORM.unseal(bytes)
    }
}
