//! A store in memory: a fleet within one process, for tests that need no server and no sleeping.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::agreement::Agreement;
use super::{Answer, Beat, Nudge, Proposal, SharedStore, StoreError, View};
use crate::clock::{Clock, nanos};

/// Fewer names than these are never looked through.
const LEAST: usize = 1000;

/// A shared store in memory. Clones are connections to the same one.
///
/// Names of closed circuits that no instance has any more are forgotten: if they were never open at once, else after an
/// hour. It is done where many names have come since, so a store may hold twice what it needs.
///
/// ```
/// use breakerbox::shared::{Fleet, InMemoryStore};
/// use breakerbox::{Config, ManualClock, Registry, State};
///
/// let (store, clock) = (InMemoryStore::new(ManualClock::new()), ManualClock::new());
/// let instance = || {
///     let registry = Registry::with_clock(clock.clone());
///     let fleet = Fleet::new(store.clone()).quorum(1).clock(clock.clone()).stepped();
///     registry.attach(fleet.clone()).map(|()| (registry, fleet))
/// };
/// let ((first, one), (second, other)) = (instance()?, instance()?);
/// let quotes = first.get_or_insert("quotes", Config::default()).unwrap();
/// let same = second.get_or_insert("quotes", Config::default()).unwrap();
/// for fleet in [&one, &other] {
///     fleet.sync();
/// }
///
/// (0..5).for_each(|_| quotes.record_failure());
/// for fleet in [&one, &other] {
///     fleet.sync();
/// }
/// assert_eq!(same.state(), State::Open);
/// # Ok::<(), breakerbox::AlreadyAttached>(())
/// ```
#[derive(Clone, Debug)]
pub struct InMemoryStore {
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    clock: Box<dyn Clock>,
    agreements: Mutex<Agreements>,
    listeners: Mutex<Vec<Nudge>>,
}

/// By the names of breakers.
#[derive(Debug, Default)]
struct Agreements {
    all: HashMap<String, Agreement>,
    /// From so many on, those that nobody needs are forgotten before another one is added.
    most: usize,
}

impl Agreements {
    fn get(&mut self, breaker: &str, now: u64) -> &mut Agreement {
        if !self.all.contains_key(breaker) && self.all.len() >= self.most {
            self.all.retain(|_, agreement| !agreement.is_over(now));
            self.all.shrink_to(LEAST);
            self.most = LEAST.max(2 * self.all.len());
        }
        self.all.entry(breaker.to_owned()).or_default()
    }
}

impl InMemoryStore {
    /// A store that takes its time from this clock, which has nothing to do with those of the instances.
    pub fn new(clock: impl Clock + 'static) -> Self {
        let place = Place { clock: Box::new(clock), agreements: Mutex::default(), listeners: Mutex::default() };
        InMemoryStore { place: Arc::new(place) }
    }

    /// Loses everything, as a server does that was flushed.
    pub fn clear(&self) {
        *self.place.agreements.lock() = Agreements::default();
    }

    /// How the fleet sees a breaker. Nobody lives or votes by looking.
    pub fn view(&self, breaker: &str) -> View {
        let now = self.now();
        self.place.agreements.lock().all.get_mut(breaker).map_or_else(View::default, |agreement| agreement.seen(now))
    }

    /// Asks about a breaker, and tells those who listen if that has changed something.
    fn ask<T>(&self, breaker: &str, ask: impl FnOnce(&mut Agreement, u64) -> T) -> T {
        let now = self.now();
        let (answer, is_new) = {
            let mut agreements = self.place.agreements.lock();
            let agreement = agreements.get(breaker, now);
            let before = agreement.epoch();
            let answer = ask(agreement, now);
            (answer, agreement.epoch() != before)
        };
        if is_new {
            // Called without a lock: it takes one of its own.
            let listeners = self.place.listeners.lock().clone();
            for nudge in &listeners {
                nudge.breaker(breaker);
            }
        }
        answer
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

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        let sync = |beat: &Beat| self.ask(&beat.breaker, |agreement, now| agreement.sync(now, instance, beat));
        Ok(beats.iter().map(sync).collect())
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        self.ask(breaker, |agreement, now| agreement.propose(now, instance, on, what))
    }

    fn listen(&mut self, nudge: Nudge) {
        self.place.listeners.lock().push(nudge);
    }

    fn is_listening(&self) -> bool {
        true
    }

    fn leave(&mut self, instance: &str, breakers: &[Arc<str>]) {
        let mut agreements = self.place.agreements.lock();
        for breaker in breakers {
            if let Some(agreement) = agreements.all.get_mut(&**breaker) {
                agreement.leave(instance);
            }
        }
    }
}
