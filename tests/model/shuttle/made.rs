//! What a program did to a breaker, by its own count, and the laws that hold at rest.

use std::sync::{Arc, Mutex, PoisonError};

use breakerbox::{CircuitBreaker, Event, Registry, State, Transition};

/// Calls by how they were ended. Counted by each thread for itself and added up after it was joined.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Made {
    pub(crate) refused: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
    pub(crate) dropped: u64,
}

impl Made {
    pub(crate) fn plus(self, other: Made) -> Made {
        Made {
            refused: self.refused + other.refused,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
            dropped: self.dropped + other.dropped,
        }
    }

    /// Every call stands in one counter, of its kind or among the late ones.
    #[track_caller]
    pub(crate) fn assert_counted(&self, breaker: &CircuitBreaker) {
        let totals = breaker.status().totals;
        let ended = self.succeeded + self.failed + self.ignored;
        assert_eq!(totals.rejections.total(), self.refused, "{totals:?} {self:?}");
        assert_eq!(totals.cancelled, self.dropped, "{totals:?} {self:?}");
        assert_eq!(totals.successes + totals.failures + totals.ignored + totals.late, ended, "{totals:?} {self:?}");
        assert_eq!(totals.attempts, ended + self.refused + self.dropped, "{totals:?} {self:?}");
        assert!(totals.successes <= self.succeeded && totals.failures <= self.failed, "{totals:?} {self:?}");
        assert_eq!(totals.trips, totals.transitions.closed_to_open);
    }
}

/// The transitions that a listener has heard.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Transition>>>);

impl Heard {
    pub(crate) fn of(registry: &Registry) -> Heard {
        let heard = Heard::default();
        let ear = heard.clone();
        registry
            .subscribe(move |event| {
                if let Event::Transition(transition) = event {
                    // A lock of std's, which the checker does not see: nothing happens while it is held.
                    ear.0.lock().unwrap_or_else(PoisonError::into_inner).push(transition.clone());
                }
            })
            .keep();
        heard
    }

    /// Each begins where the one before ended, in a later episode, and the last one is the state.
    #[track_caller]
    pub(crate) fn assert_chain(&self, breaker: &CircuitBreaker) {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = (State::Closed, 0);
        for transition in heard.iter() {
            assert_eq!(transition.from, at.0, "{heard:?}");
            assert!(transition.generation > at.1, "{heard:?}");
            at = (transition.to, transition.generation);
        }
        let transitions = breaker.status().totals.transitions;
        let counted = [
            transitions.closed_to_open,
            transitions.open_to_half_open,
            transitions.half_open_to_closed,
            transitions.half_open_to_open,
            transitions.open_to_closed,
            transitions.closed_to_half_open,
        ];
        let moved = heard.iter().filter(|transition| transition.from != transition.to).count() as u64;
        assert_eq!(counted.iter().sum::<u64>(), moved, "{transitions:?} {heard:?}");
    }
}
