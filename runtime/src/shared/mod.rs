//! State that a fleet shares: the seam between a registry and the place where its instances agree.
//!
//! What instances propose and what they are answered is here, what the place decides is `fleet`. Nothing of
//! it is on the path of a call.

mod fleet;
mod memory;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::state::{Mode, State};

pub use memory::InMemoryStore;

/// Where a fleet agrees about its breakers.
///
/// One thread of a registry owns it, and may wait in it; it should bound every wait. Only durations cross the seam:
/// a store has a clock of its own.
pub trait SharedStore: Send + 'static {
    /// The label of logs, metrics and the status, such as `memory`.
    fn kind(&self) -> &'static str;

    /// Says that this instance lives for as long as told, and reads how the fleet sees these breakers, in their order.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn sync(&mut self, instance: &str, breakers: &[&str], lives: Duration) -> Result<Vec<View>, StoreError>;

    /// Proposes something that was decided on the epoch `on`. What was decided on another one is
    /// [`Stale`](Verdict::Stale), so a repeat is harmless.
    ///
    /// # Errors
    /// The store cannot be asked. After a time-out what was proposed may have been done all the same.
    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError>;
}

/// What an instance wants of the fleet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Proposal {
    /// It has opened its own circuit, and votes for the fleet to open too.
    Trip {
        /// How long the fleet is to stay open.
        wait: Duration,
        /// The most votes that are ever needed: of fewer instances half of them are.
        quorum: u32,
        /// How long the vote holds.
        lasts: Duration,
    },
    /// It asks for trial calls.
    Lease {
        /// How long it has seen this epoch, by its own clock.
        waited: Duration,
        /// The open time of the epoch.
        wait: Duration,
        /// How many trial calls the fleet may have under way.
        places: u32,
        /// How many it wants.
        want: u32,
        /// How long a lease holds that is not reported.
        lasts: Duration,
    },
    /// How trial calls ended.
    Report {
        /// The leases that end with it.
        leases: Vec<u64>,
        /// Trial calls that succeeded.
        successes: u32,
        /// Trial calls that failed.
        failures: u32,
        /// Successes that close the circuit.
        close_at: u32,
        /// The open time, should it open again.
        wait: Duration,
    },
    /// An operator ordered something. Done on whatever epoch.
    Command(Order),
    /// The store has lost what this instance knows. The higher epoch wins, and none is made.
    Reseed(View),
}

/// What an operator orders for the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// A mode, over the state as it is.
    Mode(Mode),
    /// Closed, and no mode.
    Reset,
    /// Open for this long, and no mode.
    OpenFor(Duration),
}

/// How the fleet sees a breaker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// Grows with each change, also over the loss of what the store holds; 0 when nobody has told it anything.
    pub epoch: u64,
    /// The state beneath the mode.
    pub state: State,
    /// What an operator has ordered.
    pub mode: Mode,
    /// What is left of the open time.
    pub left: Duration,
    /// How often it has re-opened since it was last closed.
    pub reopened: u32,
    /// Trial calls of the episode that succeeded.
    pub successes: u32,
    /// Votes for opening, and how many are needed.
    pub votes: u32,
    /// How many votes open the fleet.
    pub needed: u32,
}

/// What became of a proposal, and how the fleet sees the breaker now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// What became of it.
    pub verdict: Verdict,
    /// How the fleet sees the breaker now.
    pub view: View,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It was done.
    Applied,
    /// The vote counts, and others are needed.
    Voted,
    /// These trial calls may be made; none, if all places are taken.
    Granted(Vec<u64>),
    /// The open time is not over.
    Wait,
    /// It was decided on another epoch, or is against an operator's order.
    Stale,
}

/// A store cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    problem: String,
}

impl StoreError {
    /// An error that says what is wrong, and what to do.
    pub fn new(problem: impl Into<String>) -> Self {
        StoreError { problem: problem.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl Error for StoreError {}
