//! What time it is for a breaker: by its own clock if it has one, as exactly as the matter needs.

use crate::breaker::Core;
use crate::clock::{self, nanos};
use crate::word;

impl Core {
    /// The time, exact.
    pub(crate) fn now(&self, word: u64) -> u64 {
        if word & word::OWN_CLOCK == 0 { clock::precise() } else { self.own_now() }
    }

    /// The time, behind by some milliseconds.
    #[inline]
    pub(crate) fn coarse_now(&self, word: u64) -> u64 {
        if word & word::OWN_CLOCK == 0 { clock::coarse() } else { self.own_now() }
    }

    /// The time, exact where the deadline of the episode is near, and else behind by some milliseconds.
    pub(crate) fn near_now(&self, word: u64) -> u64 {
        let now = self.coarse_now(word);
        let is_far = self.deadline(word).is_some_and(|deadline| deadline.saturating_sub(now) > clock::COARSE_LAG);
        if is_far { now } else { self.now(word) }
    }

    #[cold]
    fn own_now(&self) -> u64 {
        self.clock.read().as_ref().map_or_else(clock::precise, |clock| nanos(clock.now()))
    }
}
