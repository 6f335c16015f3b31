//! The line of one instance to its store: it asks, and says what was asked when there is no answer.

use std::fmt;
use std::sync::Arc;

use super::{Answer, Beat, Nudge, Proposal, SharedStore, StoreError, View};

pub(super) struct Line {
    store: Box<dyn SharedStore>,
    /// Random, and another one in each process.
    instance: String,
}

/// There was no answer: to what, and why.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) op: &'static str,
    pub(super) problem: String,
}

impl Line {
    pub(super) fn new(store: Box<dyn SharedStore>, instance: String) -> Self {
        Line { store, instance }
    }

    pub(super) fn sync(&mut self, beats: &[Beat]) -> Result<Vec<View>, Failed> {
        let failed = |problem: String| Failed { op: "sync", problem };
        let views = self.store.sync(&self.instance, beats).map_err(|error| failed(error.to_string()))?;
        if views.len() == beats.len() {
            return Ok(views);
        }
        Err(failed(format!("the store answered for {} of {} breakers", views.len(), beats.len())))
    }

    pub(super) fn propose(&mut self, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, Failed> {
        let failed = |error: StoreError| Failed { op: op(what), problem: error.to_string() };
        self.store.propose(&self.instance, breaker, on, what).map_err(failed)
    }

    pub(super) fn listen(&mut self, nudge: Nudge) {
        self.store.listen(nudge);
    }

    pub(super) fn is_listening(&self) -> bool {
        self.store.is_listening()
    }

    pub(super) fn unusable(&mut self) -> Vec<(Arc<str>, String)> {
        self.store.unusable()
    }

    pub(super) fn leave(&mut self, breakers: &[Arc<str>]) {
        self.store.leave(&self.instance, breakers);
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("instance", &self.instance).finish_non_exhaustive()
    }
}

/// The labels of errors that any store may have.
pub(super) const OPS: [&str; 7] = ["sync", "trip", "lease", "report", "command", "reseed", "panic"];

fn op(what: &Proposal) -> &'static str {
    match what {
        Proposal::Trip { .. } | Proposal::Withdraw => "trip",
        Proposal::Lease { .. } => "lease",
        Proposal::Report { .. } => "report",
        Proposal::Command { .. } => "command",
        Proposal::Reseed(_) => "reseed",
    }
}
