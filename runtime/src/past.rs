//! What has happened to a breaker. Nothing is kept for one that has been closed since it was made.

use crate::event::Transition;
use crate::spans::Spans;
use crate::status::Transitions;

/// The changes of a breaker so far.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) spans: Spans,
    pub(crate) transitions: Transitions,
    pub(crate) last_transition: Option<Transition>,
    /// When the mode was set that holds.
    pub(crate) mode_since: u64,
}

impl Past {
    /// Of a breaker that was made at this time.
    pub(crate) fn new(made: u64) -> Self {
        Past { spans: Spans::new(made), transitions: Transitions::default(), last_transition: None, mode_since: made }
    }

    /// The clock is exchanged: `before` on the old one is `now` on the new one.
    pub(crate) fn rebase(&mut self, before: u64, now: u64) {
        self.spans.rebase(before, now);
        self.mode_since = now.saturating_sub(before.saturating_sub(self.mode_since));
    }
}
