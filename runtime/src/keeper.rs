//! What keeps the state of breakers outside of the process, as a breaker sees it: it hands over what has
//! changed, and is told how it was kept. Who keeps it, and how, is `persist`.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::snapshot::Snapshot;

/// A store at work for a registry.
#[cfg_attr(not(feature = "persist"), expect(dead_code, reason = "no store is built in"))]
pub(crate) trait Keeper: fmt::Debug + Send + Sync {
    /// A breaker began another episode. It is locked, so this only makes a note.
    fn changed(&self, breaker: &Arc<str>, snapshot: Snapshot);

    /// What is kept of a breaker, if anything that can be used. Reads files.
    fn load(&self, breaker: &Arc<str>) -> Option<Snapshot>;

    /// How the state of a breaker is kept. The breaker is locked, so this only copies.
    fn status(&self, breaker: &Arc<str>) -> StoreStatus;

    /// How often something failed, by what was tried.
    fn errors(&self) -> Vec<StoreErrors>;
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
}

/// How the state of a breaker is kept outside of the process.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StoreStatus {
    /// The kind of the store: `file`.
    pub store: &'static str,
    /// Where the state comes from.
    pub source: Source,
    /// When the state was last read or written, by the wall clock; `None` before the first time.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_optional_unix"))]
    pub synced: Option<SystemTime>,
    /// What keeps the store, or the state of this breaker, from being kept; it works in memory meanwhile.
    pub degraded: Option<String>,
}

/// How often a store failed at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StoreErrors {
    /// The kind of the store: `file`.
    pub store: &'static str,
    /// What was tried: `read`, `write` or `queue`.
    pub op: &'static str,
    /// How often it failed. Only grows.
    pub count: u64,
}
