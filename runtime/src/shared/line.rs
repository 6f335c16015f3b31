//! The line of one instance to its store: it asks, and says what was asked when there is no answer.

use std::fmt;
use std::sync::Arc;

use super::desk::Desk;
use super::{Answer, Beat, Nudge, Proposal, SharedStore, StoreError, View};

pub(super) struct Line {
    store: Box<dyn SharedStore>,
    /// Random, and another one in each process.
    instance: String,
    /// Where it is noted that the store answers.
    desk: Arc<Desk>,
}

/// There was no answer: to what, and why.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) op: &'static str,
    pub(super) problem: String,
    /// Whether the store answers for other breakers.
    pub(super) is_of_breaker: bool,
}

impl Failed {
    pub(super) fn new(op: &'static str, problem: String) -> Self {
        Failed { op, problem, is_of_breaker: false }
    }

    fn of(op: &'static str, error: &StoreError) -> Self {
        Failed { op, problem: error.to_string(), is_of_breaker: error.is_of_breaker() }
    }
}

impl Line {
    pub(super) fn new(store: Box<dyn SharedStore>, instance: String, desk: Arc<Desk>) -> Self {
        Line { store, instance, desk }
    }

    pub(super) fn sync(&mut self, beats: &[Beat]) -> Result<Vec<Result<View, Failed>>, Failed> {
        let views = self.store.sync(&self.instance, beats).map_err(|error| Failed::of("sync", &error))?;
        self.desk.answered();
        if views.len() == beats.len() {
            return Ok(views.into_iter().map(|view| view.map_err(|error| Failed::of("read", &error))).collect());
        }
        let problem = format!("the store answered for {} of {} breakers", views.len(), beats.len());
        Err(Failed::new("sync", problem))
    }

    pub(super) fn propose(&mut self, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, Failed> {
        let answer = self.store.propose(&self.instance, breaker, on, what);
        self.desk.answered();
        answer.map_err(|error| Failed::of(op(what), &error))
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
