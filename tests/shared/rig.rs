//! A fleet on one thread: registries that are stepped by hand, on clocks of their own, over a store that fails on demand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakerbox::shared::{Fleet, View};
use breakerbox::{CircuitBreaker, Config, Event, ManualClock, Mode, Permit, Registry, State, StoreStatus};

use crate::faulty::{Faulty, Place};

pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const WAIT: Duration = Duration::from_secs(30);
pub(crate) const NAME: &str = "quotes";

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Opens after three failures for thirty seconds; so many trials close it.
pub(crate) fn config(trials: u32) -> Config {
    let config = Config::builder().failure_threshold(3).recovery_timeout(WAIT).half_open_max_calls(trials);
    config.half_open_timeout(secs(3600)).build().expect("the settings are good")
}

pub(crate) struct Rig {
    pub(crate) place: Place,
    pub(crate) instances: Vec<Instance>,
    config: Config,
    set: fn(Fleet) -> Fleet,
}

pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) clock: ManualClock,
    pub(crate) fleet: Fleet,
    pub(crate) registry: Registry,
    pub(crate) breaker: &'static CircuitBreaker,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
}

impl Rig {
    /// So many instances that know of each other.
    pub(crate) fn new(instances: usize, config: Config) -> Rig {
        Rig::with(instances, config, |fleet| fleet)
    }

    pub(crate) fn with(instances: usize, config: Config, set: fn(Fleet) -> Fleet) -> Rig {
        let mut rig = Rig { place: Place::at(secs(50_000_000)), instances: Vec::new(), config, set };
        for number in 0..instances {
            rig.instances.push(rig.begin(number, secs(1000 * number as u64)));
        }
        rig.pass(INTERVAL);
        rig.pass(INTERVAL);
        rig
    }

    /// A process begins, whose clock shows that.
    fn begin(&self, number: usize, time: Duration) -> Instance {
        let clock = ManualClock::new();
        clock.set(time);
        let name = number.to_string();
        let fleet = (self.set)(Fleet::new(self.place.connect(&name)).sync_interval(INTERVAL));
        Instance::new(name, clock, fleet, &self.config)
    }

    /// The process is gone without a word, and another one begins in its place.
    pub(crate) fn restart(&mut self, number: usize) {
        let clock = self.instances[number].clock.clone();
        let begun = self.begin(number, breakerbox::Clock::now(&clock));
        self.instances[number] = begun;
    }

    pub(crate) fn clocks(&self, by: Duration) {
        self.place.clock.advance(by);
        self.instances.iter().for_each(|instance| instance.clock.advance(by));
    }

    /// Time passes, and each instance asks once.
    pub(crate) fn pass(&self, by: Duration) {
        self.clocks(by);
        self.round();
    }

    pub(crate) fn round(&self) {
        self.instances.iter().for_each(|instance| instance.fleet.sync());
    }

    pub(crate) fn view(&self) -> View {
        self.place.store.view(NAME)
    }

    pub(crate) fn states(&self) -> Vec<State> {
        self.instances.iter().map(|instance| instance.breaker.state()).collect()
    }

    /// These open by themselves, and say so.
    pub(crate) fn trip(&self, numbers: &[usize]) {
        for number in numbers {
            self.instances[*number].fail();
            self.instances[*number].fleet.sync();
        }
    }
}

impl Instance {
    fn new(name: String, clock: ManualClock, fleet: Fleet, config: &Config) -> Instance {
        let registry = Registry::with_clock(clock.clone());
        let fleet = fleet.clock(clock.clone()).stepped();
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let heard = Arc::clone(&events);
        let note = move |event: &Event| heard.lock().expect("no test panics here").push(event.clone());
        registry.subscribe(note).keep();
        registry.attach(&fleet).expect("neither has another");
        let breaker = registry.get_or_insert(NAME, config).expect("the name is good");
        // Calls that are under way borrow it.
        let breaker = Box::leak(Box::new(breaker));
        Instance { name, clock, fleet, registry, breaker, events }
    }

    pub(crate) fn fail(&self) {
        (0..3).for_each(|_| self.breaker.record_failure());
    }

    /// A call, if it is let in.
    pub(crate) fn call(&self) -> Option<Permit<'static>> {
        self.breaker.try_acquire().ok()
    }

    /// A trial call: the first one asks for it, the second one is it.
    pub(crate) fn trial(&self) -> Option<Permit<'static>> {
        self.call().or_else(|| {
            self.fleet.sync();
            self.call()
        })
    }

    pub(crate) fn store(&self) -> StoreStatus {
        self.breaker.status().store.expect("it is shared")
    }

    pub(crate) fn told(&self) -> Vec<String> {
        let events = std::mem::take(&mut *self.events.lock().expect("no test panics here"));
        events.iter().map(ToString::to_string).collect()
    }

    /// Whether it stands as the fleet does: open for the fleet, or for itself alone.
    pub(crate) fn agrees(&self, view: &View) -> Result<(), String> {
        let status = self.breaker.status();
        let store = status.store.as_ref().expect("it is shared");
        let is_own = status.last_transition.as_ref().is_some_and(|last| last.cause != breakerbox::Cause::Remote);
        let is_same = match (view.mode, view.state, status.state) {
            (Mode::Auto, State::Closed, State::Closed) => true,
            (Mode::Auto, State::Closed, _) => is_own,
            (Mode::Auto, _, state) => state != State::Closed,
            _ => true,
        };
        if is_same && status.mode == view.mode && store.epoch == Some(view.epoch) && store.degraded.is_none() {
            return Ok(());
        }
        Err(format!("{}: {} {} {store:?}, but the fleet is {view:?}", self.name, status.mode, status.state))
    }
}

/// A connection of an instance that a test makes itself.
pub(crate) fn connect(place: &Place, name: &str) -> Faulty {
    place.connect(name)
}
