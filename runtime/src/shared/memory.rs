//! A store in memory: a fleet within one process, for tests that need no server and no sleeping.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::fleet::Fleet;
use super::{Answer, Proposal, SharedStore, StoreError, View};
use crate::clock::{Clock, nanos};

/// A shared store in memory. Clones are connections to the same one.
#[derive(Clone, Debug)]
pub struct InMemoryStore {
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    clock: Box<dyn Clock>,
    fleets: Mutex<HashMap<String, Fleet>>,
}

impl InMemoryStore {
    /// A store that takes its time from this clock, which has nothing to do with those of the instances.
    pub fn new(clock: impl Clock + 'static) -> Self {
        InMemoryStore { place: Arc::new(Place { clock: Box::new(clock), fleets: Mutex::default() }) }
    }

    /// Loses everything, as a server does that was flushed.
    pub fn clear(&self) {
        self.place.fleets.lock().clear();
    }

    /// Microseconds, from one on: an epoch of zero means that there is none.
    fn now(&self) -> u64 {
        nanos(self.place.clock.now()) / 1000 + 1
    }
}

impl SharedStore for InMemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn sync(&mut self, instance: &str, breakers: &[&str], lives: Duration) -> Result<Vec<View>, StoreError> {
        let now = self.now();
        let mut fleets = self.place.fleets.lock();
        let view = |name: &&str| fleets.entry((*name).to_owned()).or_default().sync(now, instance, lives);
        Ok(breakers.iter().map(view).collect())
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        let now = self.now();
        let mut fleets = self.place.fleets.lock();
        Ok(fleets.entry(breaker.to_owned()).or_default().propose(now, instance, on, what))
    }
}
