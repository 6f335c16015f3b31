//! A store in memory that fails on demand, for each instance apart, and keeps a record of what it answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use breakerbox::ManualClock;
use breakerbox::shared::{Answer, Beat, InMemoryStore, Proposal, SharedStore, StoreError, Verdict, View};

use std::sync::Mutex;

/// How the way to the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    #[default]
    Free,
    /// Nothing reaches the store.
    Cut,
    /// The store does what it is asked, but nobody hears of it in time.
    Lost,
}

/// Where a fleet agrees, with a clock of its own.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) store: InMemoryStore,
    pub(crate) clock: ManualClock,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// That of the store itself.
    way: Way,
    ways: BTreeMap<String, Way>,
    granted: BTreeMap<String, usize>,
    /// Trials that each instance may still make.
    leases: BTreeMap<String, BTreeSet<u64>>,
    /// The latest epoch that anyone was told of each breaker, and where it fell.
    epochs: BTreeMap<String, u64>,
    fallen: Vec<String>,
    asked: u64,
}

impl Place {
    /// A store whose clock shows this.
    pub(crate) fn at(time: Duration) -> Place {
        let clock = ManualClock::new();
        clock.set(time);
        Place { store: InMemoryStore::new(clock.clone()), clock, shared: Arc::default() }
    }

    /// A connection of an instance, by a name of the test's choice.
    pub(crate) fn connect(&self, instance: &str) -> Faulty {
        Faulty { place: self.clone(), instance: instance.to_owned() }
    }

    /// The way of all.
    pub(crate) fn set(&self, way: Way) {
        self.shared.lock().expect("no test panics here").way = way;
    }

    /// The way of one instance.
    pub(crate) fn set_of(&self, instance: &str, way: Way) {
        self.shared.lock().expect("no test panics here").ways.insert(instance.to_owned(), way);
    }

    /// Loses everything. Epochs may begin anew.
    pub(crate) fn flush(&self) {
        self.store.clear();
        self.shared.lock().expect("no test panics here").epochs.clear();
    }

    /// How many trials an instance was granted so far, without those that it gave back or asked for again.
    pub(crate) fn granted(&self, instance: &str) -> usize {
        self.shared.lock().expect("no test panics here").granted.get(instance).copied().unwrap_or_default()
    }

    /// Where an epoch fell although nothing was lost.
    pub(crate) fn fallen(&self) -> Vec<String> {
        self.shared.lock().expect("no test panics here").fallen.clone()
    }

    /// How often the store was asked.
    pub(crate) fn asked(&self) -> u64 {
        self.shared.lock().expect("no test panics here").asked
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    place: Place,
    instance: String,
}

impl Faulty {
    fn ask<T>(&mut self, ask: impl FnOnce(&mut InMemoryStore) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let way = {
            let mut shared = self.place.shared.lock().expect("no test panics here");
            shared.asked += 1;
            match shared.way {
                Way::Free => shared.ways.get(&self.instance).copied().unwrap_or_default(),
                way => way,
            }
        };
        match way {
            Way::Free => ask(&mut self.place.store),
            Way::Cut => Err(StoreError::new("the store does not answer")),
            Way::Lost => {
                let _ = ask(&mut self.place.store);
                Err(StoreError::new("the store did not answer in time"))
            }
        }
    }

    fn record(&self, breaker: &str, view: &View) {
        let mut shared = self.place.shared.lock().expect("no test panics here");
        let last = shared.epochs.insert(breaker.to_owned(), view.epoch).unwrap_or_default();
        if view.epoch < last {
            shared.fallen.push(format!("{breaker}: {} after {last}, told to {}", view.epoch, self.instance));
        }
    }
}

impl SharedStore for Faulty {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        let views = self.ask(|store| store.sync(instance, beats))?;
        for (beat, view) in beats.iter().zip(&views) {
            if let Ok(view) = view {
                self.record(&beat.breaker, view);
            }
        }
        Ok(views)
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        let answer = self.ask(|store| store.propose(instance, breaker, on, what))?;
        self.record(breaker, &answer.view);
        let mut shared = self.place.shared.lock().expect("no test panics here");
        let held = shared.leases.entry(self.instance.clone()).or_default();
        let mut returned = 0;
        let before = held.len();
        match what {
            Proposal::Lease { held: kept, .. } => {
                held.retain(|lease| kept.contains(lease));
                returned = before - held.len();
            }
            Proposal::Report { leases, successes, failures, .. } => {
                held.retain(|lease| !leases.contains(lease));
                returned = if successes + failures == 0 { before - held.len() } else { 0 };
            }
            _ => {}
        }
        let mut more = 0;
        if let Verdict::Granted(leases) = &answer.verdict {
            held.extend(leases);
            more = leases.len();
        }
        let granted = shared.granted.entry(self.instance.clone()).or_default();
        *granted = *granted + more - returned;
        drop(shared);
        Ok(answer)
    }

    fn leave(&mut self, instance: &str, breakers: &[Arc<str>]) {
        let _ = self.ask(|store| {
            store.leave(instance, breakers);
            Ok(())
        });
    }
}

/// A clock that runs with another, some time apart.
#[derive(Clone, Debug)]
pub(crate) struct Offset {
    pub(crate) clock: ManualClock,
    by: Arc<AtomicU64>,
}

impl Offset {
    pub(crate) fn new(clock: ManualClock, by: Duration) -> Offset {
        Offset { clock, by: Arc::new(AtomicU64::new(by.as_nanos() as u64)) }
    }
}

impl breakerbox::Clock for Offset {
    fn now(&self) -> Duration {
        self.clock.now() + Duration::from_nanos(self.by.load(Ordering::Relaxed))
    }
}
