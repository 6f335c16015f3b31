//! What an admitted call carries, and how it ends. Plain values: who may end it once is `permit` and `call`.

use crate::outcome::Outcome;
use crate::state::{Mode, State};
use crate::word;

/// How a call ended, as the breaker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Failure,
    Ignored,
    Cancelled,
}

/// What an admitted call carries: the word that admitted it, and when, if time is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) word: u64,
    pub(crate) started: u64,
}

impl Ticket {
    /// No call: a mode that there is not, in a state that there is not.
    pub(crate) const NONE: Ticket = Ticket { word: u64::MAX, started: UNTIMED };

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.word == Self::NONE.word
    }

    /// Whether the call was admitted in this episode.
    pub(crate) fn is_of(self, generation: u64) -> bool {
        word::same_episode(self.word, word::compose(State::Closed, Mode::Auto, generation, 0))
    }
}

/// No start time was taken.
pub(crate) const UNTIMED: u64 = u64::MAX;

impl From<Outcome> for End {
    #[inline]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => End::Success,
            Outcome::Failure => End::Failure,
            Outcome::Ignored => End::Ignored,
        }
    }
}
