//! What a file holds, as bytes: `CBS1 <length> <sum>`, a line of JSON.
//!
//! Length and sum cover the version and the body. That is so in every version to come, so that a damaged
//! version is not taken for a later one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;
use crate::state::{Mode, State};

use super::times::Moment;

const VERSION: u32 = 1;
const MAGIC: &str = "CBS";

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

/// Why bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It was written by a later version, and is none of our business.
    Later(u32),
    Damaged(&'static str),
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
        let elapsed = self.saved.until(now);
        let over = elapsed.saturating_sub(self.remaining_ms);
        let left = Duration::from_millis(self.remaining_ms.saturating_sub(elapsed));
        // What has been over for long says nothing about now. What an operator ordered holds.
        let (state, reopened) =
            if over > FORGOTTEN_AFTER_MS { (State::Closed, 0) } else { (self.state, self.reopened) };
        Snapshot::new(state, self.mode, self.generation, left, reopened)
    }

    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut body = serde_json::to_vec(self).ok()?;
        body.push(b'\n');
        let mut bytes = header(VERSION, &body).into_bytes();
        bytes.extend(body);
        Some(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Record, Unreadable> {
        if bytes.is_empty() {
            return Err(Unreadable::Damaged("it is empty"));
        }
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Unreadable::Damaged("it has no header"))?;
        let (head, body) = bytes.split_at(end + 1);
        let version = version(head).ok_or(Unreadable::Damaged("it has no header"))?;
        // Compared with what would be written, so that there is one spelling.
        if head != header(version, body).as_bytes() {
            return Err(Unreadable::Damaged("its length or its sum is wrong"));
        }
        if version != VERSION {
            return Err(Unreadable::Later(version));
        }
        serde_json::from_slice(body).map_err(|_| Unreadable::Damaged("it does not hold the state of a breaker"))
    }
}

/// How long after its end an open time still means something.
const FORGOTTEN_AFTER_MS: u64 = 3_600_000;

fn header(version: u32, body: &[u8]) -> String {
    let start = format!("{MAGIC}{version} {}", body.len());
    let mut sum = crc32fast::Hasher::new();
    sum.update(start.as_bytes());
    sum.update(body);
    format!("{start} {:08x}\n", sum.finalize())
}

fn version(head: &[u8]) -> Option<u32> {
    let head = std::str::from_utf8(head).ok()?.strip_prefix(MAGIC)?;
    head.split(' ').next()?.parse().ok().filter(|version| *version > 0)
}
