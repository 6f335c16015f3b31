//! What a breaker notes for the thread that speaks for it.

use std::sync::Arc;

use super::Order;

/// What a breaker has noted.
#[derive(Clone, Debug, Default)]
pub(super) struct Note {
    /// It was made.
    pub(super) is_new: bool,
    pub(super) order: Option<Ordered>,
    /// Trials that succeeded since.
    pub(super) successes: u32,
    /// How the last episode of trials ended.
    pub(super) verdict: Option<Ended>,
    /// Calls that would have been trials.
    pub(super) wishes: u32,
}

impl Note {
    /// Adds what was noted later.
    pub(super) fn add(&mut self, later: Note) {
        let successes = if later.verdict == Some(Ended::Badly) { 0 } else { self.successes };
        self.is_new |= later.is_new;
        self.order = later.order.or(self.order.take());
        self.successes = successes.saturating_add(later.successes);
        self.verdict = later.verdict.or(self.verdict);
        self.wishes = self.wishes.saturating_add(later.wishes);
    }
}

/// What an operator has ordered, by whom, and when by the clock of the fleet.
#[derive(Clone, Debug)]
pub(super) struct Ordered {
    pub(super) order: Order,
    pub(super) by: Option<Arc<str>>,
    pub(super) at: u64,
}

/// How an episode of trials ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Well,
    Badly,
}
