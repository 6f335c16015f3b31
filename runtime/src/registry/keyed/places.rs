//! The breakers of a family by key, in as many places as there may be, and who has to leave for a new one. Who makes
//! and lists them is the registry.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::handle::CircuitBreaker;
use crate::spans::StateTimes;
use crate::status::Totals;
use crate::word;

/// How many places are looked at for one to leave, so that a new key costs little where none can.
const LOOKS: usize = 64;

/// What those counted that had a place before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Retired {
    pub(crate) totals: Totals,
    pub(crate) times: StateTimes,
}

impl Retired {
    pub(super) fn add(&mut self, other: &Retired) {
        self.totals.add(&other.totals);
        self.times.add(&other.times);
    }
}

/// The breakers of a family.
#[derive(Default)]
pub(super) struct Places {
    /// With a key of its own, not that in the breaker: beside it lies the count of handles, which every look-up writes.
    found: HashMap<Box<str>, Place, foldhash::fast::RandomState>,
    slots: Vec<Slot>,
    /// Slots that nobody has.
    free: Vec<usize>,
    /// Where the search for one to leave goes on.
    hand: usize,
    /// How many new keys go without a search, after one in vain.
    in_vain: usize,
    /// Where the key begins in the name of each.
    at: usize,
}

#[derive(Default)]
struct Slot {
    breaker: Option<CircuitBreaker>,
    retired: Option<Box<Retired>>,
}

struct Place {
    breaker: CircuitBreaker,
    slot: usize,
    /// Whether it was looked up since the hand came by. Relaxed: it is a hint.
    is_used: AtomicBool,
}

/// The key that the name of a breaker shows, from `at` on up to the last byte.
fn key(breaker: &CircuitBreaker, at: usize) -> &str {
    let name = breaker.name();
    name.get(at..name.len().saturating_sub(1)).unwrap_or_default()
}

impl Places {
    /// For breakers whose names show their keys from `at` on, up to the last byte.
    pub(super) fn new(at: usize) -> Self {
        Places { at, ..Places::default() }
    }

    /// The breaker of a key as names show it.
    #[inline]
    pub(super) fn get(&self, shown: &str) -> Option<&CircuitBreaker> {
        let place = self.found.get(shown)?;
        // Written only if it changes, so that threads do not take the line from each other.
        if !place.is_used.load(Ordering::Relaxed) {
            place.is_used.store(true, Ordering::Relaxed);
        }
        Some(&place.breaker)
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    /// All of them with their slots, in the order of the slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &CircuitBreaker)> {
        self.slots.iter().enumerate().filter_map(|(at, slot)| Some((at, slot.breaker.as_ref()?)))
    }

    /// What those counted that left slots from this one on.
    #[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
    pub(super) fn retired(&self, from: usize) -> impl Iterator<Item = &Retired> {
        self.slots.iter().skip(from).filter_map(|slot| slot.retired.as_deref())
    }

    /// Gives a place to a breaker that has none.
    pub(super) fn insert(&mut self, breaker: &CircuitBreaker) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        self.slots[slot].breaker = Some(breaker.clone());
        // Looked up it is by whoever asked for it, and might be the next to leave otherwise.
        let place = Place { breaker: breaker.clone(), slot, is_used: AtomicBool::new(true) };
        self.found.insert(key(breaker, self.at).into(), place);
    }

    /// Takes the place of a key.
    pub(super) fn remove(&mut self, shown: &str) -> Option<CircuitBreaker> {
        let slot = self.found.get(shown)?.slot;
        self.clear(slot)
    }

    /// Lets one leave, if there is one that can. What nobody would miss goes first; of what is alike, what has not been
    /// used since it was last looked at.
    pub(super) fn let_one_leave(&mut self) -> Option<CircuitBreaker> {
        if self.in_vain > 0 {
            self.in_vain -= 1;
            return None;
        }
        let mut leaver: Option<(Worth, usize)> = None;
        for _ in 0..LOOKS.min(self.slots.len()) {
            self.hand = (self.hand + 1) % self.slots.len();
            let Some(breaker) = &self.slots[self.hand].breaker else { continue };
            let Some(place) = self.found.get(key(breaker, self.at)) else { continue };
            let is_used = place.is_used.swap(false, Ordering::Relaxed);
            let Some(worth) = Worth::of(breaker, is_used) else { continue };
            if leaver.is_none_or(|(least, _)| worth < least) {
                leaver = Some((worth, self.hand));
            }
            if worth == Worth::NOTHING {
                break;
            }
        }
        if leaver.is_none() {
            // Of few, all have been looked at, which costs little.
            self.in_vain = if self.slots.len() < LOOKS { 0 } else { LOOKS / 2 };
        }
        self.clear(leaver?.1)
    }

    fn clear(&mut self, at: usize) -> Option<CircuitBreaker> {
        let slot = &mut self.slots[at];
        let breaker = slot.breaker.take()?;
        let (totals, times) = breaker.core.retire();
        slot.retired.get_or_insert_default().add(&Retired { totals, times });
        self.found.remove(key(&breaker, self.at));
        self.free.push(at);
        Some(breaker)
    }
}

/// What is lost with a breaker that leaves, the most important first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::struct_excessive_bools, reason = "they are compared one after the other")]
struct Worth {
    /// A call that is under way, or somebody's handle; or all are being listed at this moment.
    is_held: bool,
    is_used: bool,
    /// An open time, which has long been over.
    was_open: bool,
    /// Failures in a row, or a window.
    is_dirty: bool,
}

impl Worth {
    const NOTHING: Worth = Worth { is_held: false, is_used: false, was_open: false, is_dirty: false };

    /// Nothing is returned for one that cannot leave: it is open or forced, or used and held.
    fn of(breaker: &CircuitBreaker, is_used: bool) -> Option<Worth> {
        let core = &breaker.core;
        let word = core.word();
        let was_open = word & (word::STATE | word::MODE) != 0;
        let is_held = Arc::strong_count(core) > LISTED;
        if was_open && !core.is_long_due() || is_held && is_used {
            return None;
        }
        Some(Worth { is_held, is_used, was_open, is_dirty: word & word::DIRTY != 0 })
    }
}

/// Handles of a breaker that lists hold: two here, two in the registry.
const LISTED: usize = 4;
