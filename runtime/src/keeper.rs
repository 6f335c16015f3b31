//! What keeps the state of breakers outside of the process, as a breaker sees it: it hands over what has
//! changed, and is told how it was kept. Who keeps it, and how, is `persist` and `shared`.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::event::Cause;
use crate::snapshot::Snapshot;
use crate::state::{Mode, State};

/// A store at work for a registry.
#[cfg_attr(not(feature = "shared"), expect(dead_code, reason = "no store is built in"))]
pub(crate) trait Keeper: fmt::Debug + Send + Sync {
    /// A breaker began another episode. It is locked, as in all that follows but `load` and `flush`, so this only makes a note.
    fn changed(&self, breaker: &Arc<str>, snapshot: Snapshot);

    /// A breaker moved; heard before the change.
    fn moved(&self, breaker: &Arc<str>, moved: Moved) {
        let _ = (breaker, moved);
    }

    /// An operator ordered something, and it is done here; heard after the change.
    fn ordered(&self, breaker: &Arc<str>, order: Order, by: Option<&str>) {
        let _ = (breaker, order, by);
    }

    /// A trial call of this episode succeeded; heard before the move that it may cause.
    fn trial_succeeded(&self, breaker: &Arc<str>, generation: u64) {
        let _ = (breaker, generation);
    }

    /// A call could be a trial, if the fleet allowed one.
    fn wants_trial(&self, breaker: &Arc<str>) {
        let _ = breaker;
    }

    /// Whether trials need a grant just now.
    fn rations(&self) -> bool {
        false
    }

    /// A breaker has given its place to that of another key: it was closed, or its open time was over long ago.
    fn left(&self, breaker: &Arc<str>) {
        let _ = breaker;
    }

    /// What is kept of a breaker, if anything that can be used. Reads files.
    fn load(&self, breaker: &Arc<str>) -> Option<Snapshot>;

    /// Waits until the store has what has changed, for this long at most. Called without any lock.
    fn flush(&self, timeout: Duration) -> bool;

    /// How the state of a breaker is kept. Only copies.
    fn status(&self, breaker: &Arc<str>) -> StoreStatus;

    /// How often something failed, by what was tried.
    fn errors(&self) -> Vec<StoreErrors>;
}

/// A move of a breaker, as who keeps its state needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moved {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) cause: Cause,
    pub(crate) generation: u64,
}

/// What an operator orders for all who share a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "shared"), expect(unreachable_pub, reason = "no store is built in"))]
#[non_exhaustive]
pub enum Order {
    /// A mode, over the state as it is.
    Mode(Mode),
    /// Closed, and no mode.
    Reset,
    /// Open for this long, and no mode. Of no time at all: half-open with the next call.
    OpenFor(Duration),
}

/// Where the state of a breaker comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Source {
    /// From what happened in this process.
    Local,
    /// From what an earlier process left.
    Restored,
    /// From what other instances have found, or an operator ordered elsewhere.
    Remote,
}

/// How the state of a breaker is kept outside of the process.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StoreStatus {
    /// The kind of the store: `file`, `redis`, `memory`.
    pub store: &'static str,
    /// Where the state comes from.
    pub source: Source,
    /// The fleet's number of the change that it is of; `None` if it is not shared, 0 before the first change.
    pub epoch: Option<u64>,
    /// Votes of the fleet for opening; `None` if it is not shared.
    pub votes: Option<Votes>,
    /// When the state was last read or written, by the wall clock; `None` before the first time.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_optional_unix"))]
    pub synced: Option<SystemTime>,
    /// What keeps the store, or the state of this breaker, from being kept; it works in memory meanwhile.
    pub degraded: Option<String>,
}

/// Votes of a fleet for opening a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Votes {
    /// How many instances have opened by themselves.
    pub given: u32,
    /// How many open the fleet.
    pub needed: u32,
}

/// How often a store failed at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StoreErrors {
    /// The kind of the store: `file`, `redis`, `memory`.
    pub store: &'static str,
    /// What was tried, such as `read`, `write`, `sync` or `queue`.
    pub op: &'static str,
    /// How often it failed. Only grows.
    pub count: u64,
}
