//! The places of the streams that are served at once.
//!
//! A reader that takes nothing keeps its connection, but not its place: when all are taken, a new
//! reader gets the one of whoever has taken nothing for longest, and for a minute at least.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::sync::Mutex;

/// Streams that are served at once.
pub(super) const STREAMS: usize = 256;

/// Nanoseconds after which a reader that takes nothing may lose its place. One that reads is given something, or
/// at least asked, every 15 seconds.
const IDLE: u64 = 60_000_000_000;

/// Of a place that was given to another reader.
const LOST: u64 = u64::MAX;

/// When the reader last took something, in nanoseconds of the system's clock. Relaxed: nothing depends on the number.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicU64>);

impl Place {
    /// The reader can take something now. `false` if the place is lost.
    pub(super) fn keep(&self, now: u64) -> bool {
        self.0.fetch_max(now, Ordering::Relaxed) != LOST
    }
}

#[derive(Debug, Default)]
pub(super) struct Places {
    taken: Mutex<Vec<Weak<AtomicU64>>>,
}

impl Places {
    /// A place, free again when it is dropped. `None` if there is none.
    pub(super) fn take(&self, now: u64) -> Option<Place> {
        let mut taken = self.taken.lock();
        taken.retain(|place| place.strong_count() > 0);
        if taken.len() >= STREAMS {
            let last = |place: &Weak<AtomicU64>| place.upgrade().map_or(0, |last| last.load(Ordering::Relaxed));
            let (at, idlest) = taken.iter().enumerate().min_by_key(|(_, place)| last(place))?;
            if last(idlest).saturating_add(IDLE) > now {
                return None;
            }
            if let Some(idlest) = taken.swap_remove(at).upgrade() {
                idlest.store(LOST, Ordering::Relaxed);
            }
        }
        let place = Arc::new(AtomicU64::new(now));
        taken.push(Arc::downgrade(&place));
        Some(Place(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_nothing_for_a_minute_makes_room_for_who_comes_new() {
        let places = Places::default();
        let mut held: Vec<Place> = (0..STREAMS).map_while(|_| places.take(1)).collect();
        assert_eq!(held.len(), STREAMS);
        assert!(held[1..].iter().all(|place| place.keep(30)));
        assert!(places.take(IDLE).is_none(), "none for a minute yet");
        let new = places.take(IDLE + 1).expect("the place of the first");
        assert!(!held[0].keep(IDLE + 2) && held[1].keep(IDLE + 2) && new.keep(IDLE + 2));
        assert!(places.take(IDLE + 30).is_some(), "others have taken nothing since");
        // Who has lost its place does not get it back, and what is dropped is free.
        assert!(!held[0].keep(IDLE + 31));
        held.clear();
        let again: Vec<Place> = (0..STREAMS).map_while(|_| places.take(IDLE + 32)).collect();
        assert_eq!(again.len(), STREAMS - 1, "the new one has its place");
    }
}
