//! The breakers of a registry, hashed to be found and sorted to be listed.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash, Hasher};

use crate::handle::CircuitBreaker;

/// Two sets of the same breakers. Of 100,000, a look-up in a tree takes five times as long as one in
/// a table, and to sort a table for each list ten times as long as to walk along a tree.
#[derive(Default)]
pub(super) struct Breakers {
    found: HashSet<ByName, foldhash::fast::RandomState>,
    listed: BTreeSet<ByName>,
}

impl Breakers {
    pub(super) fn get(&self, name: &str) -> Option<&CircuitBreaker> {
        self.found.get(name.as_bytes()).map(|ByName(breaker)| breaker)
    }

    /// Adds a breaker whose name no other one has.
    pub(super) fn insert(&mut self, breaker: &CircuitBreaker) {
        self.found.insert(ByName(breaker.clone()));
        self.listed.insert(ByName(breaker.clone()));
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<CircuitBreaker> {
        self.listed.remove(name.as_bytes());
        self.found.take(name.as_bytes()).map(|ByName(breaker)| breaker)
    }

    /// All of them, sorted by name.
    pub(super) fn sorted(&self) -> impl Iterator<Item = &CircuitBreaker> {
        self.listed.iter().map(|ByName(breaker)| breaker)
    }
}

/// A breaker that is hashed and compared as its name is. The name stays in the breaker, so that an
/// entry is one word.
struct ByName(CircuitBreaker);

impl ByName {
    #[inline]
    fn name(&self) -> &[u8] {
        self.0.core.name.as_bytes()
    }
}

impl Borrow<[u8]> for ByName {
    fn borrow(&self) -> &[u8] {
        self.name()
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.name().hash(hasher);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for ByName {}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}
