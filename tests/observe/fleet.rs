//! Two instances that share their states in memory, driven round by round.

use std::time::Duration;

use breakerbox::shared::{Fleet, InMemoryStore};
use breakerbox::{CircuitBreaker, Config, ManualClock, Registry};

/// An instance of the fleet.
pub(crate) struct Instance {
    pub(crate) quotes: CircuitBreaker,
    fleet: Fleet,
    _registry: Registry,
}

pub(crate) struct Pair {
    pub(crate) here: Instance,
    pub(crate) elsewhere: Instance,
    clock: ManualClock,
}

impl Pair {
    /// Two of them, of which one vote opens both; `here` is in this registry.
    pub(crate) fn new(here: &Registry) -> Self {
        let clock = ManualClock::new();
        clock.set(Duration::from_secs(1000));
        let store = InMemoryStore::new(clock.clone());
        let instance = |registry: &Registry| {
            let fleet = Fleet::new(store.clone()).quorum(1).clock(clock.clone()).stepped();
            registry.attach(&fleet).expect("the first store");
            let config = Config::builder().failure_threshold(1).recovery_timeout(Duration::from_secs(60));
            let quotes = registry.get_or_insert("quotes", config).expect("valid settings");
            Instance { quotes, fleet, _registry: registry.clone() }
        };
        let mut pair = Pair { here: instance(here), elsewhere: instance(&Registry::with_clock(clock.clone())), clock };
        // Each has seen how many they are, and may vote.
        (0..3).for_each(|_| pair.round());
        pair
    }

    /// Each syncs once, a second later.
    pub(crate) fn round(&mut self) {
        self.clock.advance(Duration::from_secs(1));
        self.elsewhere.fleet.sync();
        self.here.fleet.sync();
    }

    /// Rounds until it is so.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..10 {
            if is_so(self) {
                return;
            }
            self.round();
        }
        panic!("not so after ten rounds: {what}: {:#?}", self.here.quotes.status().store);
    }
}
