//! State that a fleet shares: the seam between a registry and the place where its instances agree.
//!
//! What instances propose and what they are answered is here, what the place decides is `agreement`.
//! Nothing of it is on the path of a call.

mod agent;
mod agreement;
mod counts;
mod desk;
mod farewell;
mod fleet;
mod line;
mod memory;
mod note;
mod saying;
mod standing;
mod worker;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::state::{Mode, State};

pub use crate::keeper::Order;
#[cfg(feature = "persist")]
pub(crate) use agreement::Agreement;
pub use counts::FleetCounts;
pub use fleet::Fleet;
pub use memory::InMemoryStore;

/// Where a fleet agrees about its breakers.
///
/// One thread of a registry owns it, and may wait in it; it should bound every wait (a quarter of a second is good).
/// Only durations cross the seam: a store has a clock of its own.
pub trait SharedStore: Send + 'static {
    /// The label of logs, metrics and the status, such as `memory`.
    fn kind(&self) -> &'static str;

    /// Says that this instance lives, hands in what it has counted, and reads how the fleet sees these breakers, in
    /// their order.
    ///
    /// # Errors
    /// The store cannot be asked. An error within says that this breaker alone cannot be used in the store: it works
    /// by itself, and the others go on.
    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError>;

    /// Proposes something that was decided on the epoch `on`. What was decided on another one is
    /// [`Stale`](Verdict::Stale), so a repeat is harmless.
    ///
    /// # Errors
    /// The store cannot be asked, or this breaker cannot be used in it ([`StoreError::is_of_breaker`]). After a time-out
    /// what was proposed may have been done all the same.
    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError>;

    /// Takes what to call when another instance has changed something, which is then read at once instead of at the
    /// next poll. A store that cannot tell does nothing.
    fn listen(&mut self, nudge: Nudge) {
        let _ = nudge;
    }

    /// Whether it hears just now of what others change. If not, breakers at rest are read as often as all others.
    fn is_listening(&self) -> bool {
        false
    }

    /// The most votes that open a fleet which does not say otherwise: 3, but where all instances see one network.
    fn quorum(&self) -> u32 {
        3
    }

    /// What of it could not be used since this was asked last: a breaker, and what became of what was kept of it.
    fn unusable(&mut self) -> Vec<(Arc<str>, String)> {
        Vec::new()
    }

    /// Takes back votes and signs of life at the end. In a fifth of a second at most, and best effort.
    fn leave(&mut self, instance: &str, breakers: &[Arc<str>]) {
        let _ = (instance, breakers);
    }
}

/// A sign of life of an instance for one breaker.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Beat {
    /// The name of the breaker.
    pub breaker: Arc<str>,
    /// How long the instance counts as living after this.
    pub lives: Duration,
    /// What it has counted since the last beat, where the fleet counts together.
    pub counts: Option<Counts>,
}

impl Beat {
    /// A sign of life without counts.
    pub fn new(breaker: impl Into<Arc<str>>, lives: Duration) -> Self {
        Beat { breaker: breaker.into(), lives, counts: None }
    }
}

/// What an instance has counted since its last beat, and when the sum over the fleet opens the circuit.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// The epoch in which it was counted; dropped if that is over.
    pub on: u64,
    /// Another one with each hand-in of an instance: the same once more is what may have been lost, and counts once.
    pub serial: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that succeeded.
    pub successes: u64,
    /// How far back the fleet counts.
    pub window: Duration,
    /// So many failures in the window open the circuit.
    pub failure_threshold: Option<u64>,
    /// So large a part of the calls in the window opens it, if there are `minimum_calls`.
    pub failure_rate_threshold: Option<f64>,
    /// No rate under that many calls in the window.
    pub minimum_calls: u64,
    /// The most instances with failures that are ever needed: of fewer living ones half of them are.
    pub quorum: u32,
    /// How long the fleet is to stay open.
    pub wait: Duration,
}

/// What an instance wants of the fleet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Proposal {
    /// It has opened its own circuit, and votes for the fleet to open too.
    Trip {
        /// How long the fleet is to stay open.
        wait: Duration,
        /// The most votes that are ever needed: of fewer living instances half of them are.
        quorum: u32,
        /// How long the vote holds.
        lasts: Duration,
    },
    /// Its own circuit is closed again: its vote no longer counts.
    Withdraw,
    /// It asks for trial calls.
    Lease {
        /// How long it has seen this epoch, by its own clock.
        waited: Duration,
        /// The open time of the epoch.
        wait: Duration,
        /// How many trial calls an episode of the fleet admits: those under way and those that succeeded.
        places: u32,
        /// How many it wants.
        want: u32,
        /// How long a lease holds that is not reported.
        lasts: Duration,
        /// Leases that it knows it has. Others of this instance were granted in an answer that was lost, and end.
        held: Vec<u64>,
    },
    /// How trial calls ended. Without leases they were made while the store could not be asked: taken if the open
    /// time is over.
    Report {
        /// The leases that end with it.
        leases: Vec<u64>,
        /// Trial calls that succeeded: of those with leases no more than leases end with it.
        successes: u32,
        /// Trial calls that failed; one opens the circuit again.
        failures: u32,
        /// Successes that close the circuit.
        close_at: u32,
        /// The open time, should it open again.
        wait: Duration,
        /// After a success, how long the other leases of this instance hold from now on, if they end sooner.
        lasts: Duration,
    },
    /// An operator ordered something. Done on whatever epoch, unless another instance has brought an order since that
    /// was given later.
    Command {
        /// What.
        order: Order,
        /// Who.
        by: Option<Arc<str>>,
        /// How long ago, by the clock of the instance.
        ago: Duration,
    },
    /// The store has lost what this instance knows. The higher epoch wins, and none is made.
    Reseed(View),
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
    /// Votes for opening.
    pub votes: u32,
    /// How many votes open the fleet.
    pub needed: u32,
    /// Who made this epoch, if it was an operator: as named, or `operator`.
    pub by: Option<Arc<str>>,
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

impl Answer {
    /// An answer of a store.
    pub fn new(verdict: Verdict, view: View) -> Self {
        Answer { verdict, view }
    }
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
    /// It was decided on another epoch, or is against an operator's order; an order was given before the last one.
    Stale,
}

/// A store cannot be asked, or not about one breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    problem: String,
    is_of_breaker: bool,
}

impl StoreError {
    /// An error that says what is wrong, and what to do.
    pub fn new(problem: impl Into<String>) -> Self {
        StoreError { problem: problem.into(), is_of_breaker: false }
    }

    /// An error of one breaker: what the store keeps of it cannot be used, and others can.
    pub fn of_breaker(problem: impl Into<String>) -> Self {
        StoreError { problem: problem.into(), is_of_breaker: true }
    }

    /// Whether it is about one breaker, and the store answers for others.
    pub fn is_of_breaker(&self) -> bool {
        self.is_of_breaker
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl Error for StoreError {}

/// Wakes the thread of a fleet.
#[derive(Clone)]
pub struct Nudge {
    wake: Arc<Wake>,
}

/// What is called with the name of a breaker, or none if it may be any.
type Wake = dyn Fn(Option<&str>) + Send + Sync;

impl Nudge {
    /// A nudge that calls this.
    pub fn new(wake: impl Fn(Option<&str>) + Send + Sync + 'static) -> Self {
        Nudge { wake: Arc::new(wake) }
    }

    /// Another instance has changed this breaker.
    pub fn breaker(&self, name: &str) {
        (self.wake)(Some(name));
    }

    /// News may have been missed: all breakers are to be read.
    pub fn all(&self) {
        (self.wake)(None);
    }
}

impl fmt::Debug for Nudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nudge").finish_non_exhaustive()
    }
}
