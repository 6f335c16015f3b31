//! What it takes to take a breaker up again, in another process or after a restart.

use std::time::Duration;

use crate::state::{Mode, State};

/// What it takes to take a breaker up again, in another process or after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The state beneath the mode.
    pub state: State,
    /// What an operator has ordered.
    pub mode: Mode,
    /// The episode; a restored breaker is never in an earlier one.
    pub generation: u64,
    /// What is left of the open time; zero unless open.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_seconds"))]
    pub remaining: Duration,
    /// How often the circuit has re-opened since it was last closed.
    pub reopened: u32,
}

impl Snapshot {
    /// A snapshot from its parts.
    pub fn new(state: State, mode: Mode, generation: u64, remaining: Duration, reopened: u32) -> Self {
        Snapshot { state, mode, generation, remaining, reopened }
    }
}
