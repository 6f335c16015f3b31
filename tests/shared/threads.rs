//! The thread of a fleet: what it costs those who make calls, and what a store can do to it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use breakerbox::shared::{Answer, Beat, Fleet, InMemoryStore, Nudge, Proposal, SharedStore, StoreError, View};
use breakerbox::{CircuitBreaker, Event, Mode, Registry, State, SystemClock};

use crate::rig::{NAME, config};

/// Far more than anything takes, on a machine that is slow and shared.
const LONG: Duration = Duration::from_secs(60);
/// What a call or an end may take at most there.
const SHORT: Duration = Duration::from_secs(2);
const OFTEN: Duration = Duration::from_millis(20);

/// A store that does what a test says before it is asked.
struct Before<F> {
    store: InMemoryStore,
    before: F,
}

impl<F: Fn() -> Result<(), StoreError> + Send + 'static> SharedStore for Before<F> {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        (self.before)()?;
        self.store.sync(instance, beats)
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        (self.before)()?;
        self.store.propose(instance, breaker, on, what)
    }

    fn listen(&mut self, nudge: Nudge) {
        self.store.listen(nudge);
    }

    fn leave(&mut self, instance: &str, breakers: &[Arc<str>]) {
        if (self.before)().is_ok() {
            self.store.leave(instance, breakers);
        }
    }
}

struct Instance {
    registry: Registry,
    fleet: Fleet,
    breaker: CircuitBreaker,
    told: Arc<Mutex<Vec<String>>>,
}

impl Instance {
    fn new(store: impl SharedStore) -> Instance {
        Instance::with(Fleet::new(store).sync_interval(OFTEN))
    }

    fn with(fleet: Fleet) -> Instance {
        let registry = Registry::new();
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&told);
        let note = move |event: &Event| heard.lock().expect("no test panics here").push(event.to_string());
        registry.subscribe(note).keep();
        registry.attach(&fleet).expect("neither has another");
        let breaker = registry.get_or_insert(NAME, config(1)).expect("the name is good");
        Instance { registry, fleet, breaker, told }
    }

    fn fail(&self) {
        (0..3).for_each(|_| self.breaker.record_failure());
    }

    fn count(&self, part: &str) -> usize {
        self.told.lock().expect("no test panics here").iter().filter(|line| line.contains(part)).count()
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn memory() -> InMemoryStore {
    InMemoryStore::new(SystemClock)
}

#[test]
fn a_store_that_blocks_for_ever_delays_no_call_and_no_end() {
    let (release, blocked) = mpsc::channel::<()>();
    let (entered, enters) = mpsc::channel();
    let blocked = Mutex::new(blocked);
    let before = move || {
        let _ = entered.send(());
        // Until the test has ended.
        let _ = blocked.lock().expect("no test panics here").recv();
        Err(StoreError::new("never"))
    };
    let instance = Instance::new(Before { store: memory(), before });
    enters.recv_timeout(LONG).expect("the thread asks");

    let began = Instant::now();
    instance.fail();
    assert_eq!(instance.breaker.state(), State::Open);
    for _ in 0..1000 {
        assert!(instance.breaker.try_acquire().is_err());
    }
    instance.breaker.half_open();
    let _ = instance.breaker.try_acquire();
    instance.breaker.reset();
    instance.breaker.call(|| Ok::<_, breakerbox::CircuitBreakerError>(())).expect("it is closed");
    assert_eq!(instance.breaker.status().store.map(|store| store.store), Some("test"));
    assert!(!instance.registry.store_errors().is_empty());
    instance.registry.get_or_insert("another", config(1)).expect("the name is good");
    assert!(!instance.fleet.flush(Duration::from_millis(1)));
    assert!(!instance.fleet.ready(Duration::from_millis(1)));
    assert!(began.elapsed() < SHORT, "calls took {:?}", began.elapsed());

    let began = Instant::now();
    drop(instance);
    assert!(began.elapsed() < SHORT, "the end took {:?}", began.elapsed());
    drop(release);
}

#[test]
fn a_store_that_blocks_for_ever_keeps_no_circuit_open() {
    let (release, blocked) = mpsc::channel::<()>();
    let (blocked, blocks) = (Mutex::new(blocked), Arc::new(AtomicBool::new(false)));
    let is_bad = Arc::clone(&blocks);
    let before = move || {
        if is_bad.load(Ordering::Relaxed) {
            let _ = blocked.lock().expect("no test panics here").recv();
        }
        Ok(())
    };
    let store = memory();
    let instance = Instance::new(Before { store: store.clone(), before });
    assert!(instance.fleet.ready(LONG));
    instance.breaker.open_for(Duration::from_millis(100));
    until("the fleet is open", || store.view(NAME).state == State::Open);
    blocks.store(true, Ordering::Relaxed);
    until("a trial is let in", || {
        let permit = instance.breaker.try_acquire();
        let is_in = permit.is_ok();
        permit.into_iter().for_each(breakerbox::Permit::success);
        is_in
    });
    assert_eq!(instance.breaker.state(), State::Closed);
    drop(release);
}

#[test]
fn a_store_that_panics_is_away_until_it_does_not() {
    let panics = Arc::new(AtomicBool::new(true));
    let is_bad = Arc::clone(&panics);
    let before = move || {
        assert!(!is_bad.load(Ordering::Relaxed), "a panic that a test asked for");
        Ok(())
    };
    let instance = Instance::new(Before { store: memory(), before });
    until("it is told", || instance.count("degraded") == 1);
    let status = instance.breaker.status().store.expect("it is shared");
    let degraded = status.degraded.expect("it panics");
    assert!(degraded.contains("the store panicked: a panic that a test asked for"), "{degraded}");
    instance.fail();
    assert_eq!(instance.breaker.state(), State::Open);
    panics.store(false, Ordering::Relaxed);
    until("it is back", || instance.count("recovered") == 1);
    assert!(instance.fleet.flush(LONG));
    assert!(instance.registry.store_errors().iter().any(|errors| errors.op == "panic" && errors.count > 0));
    assert_eq!(instance.count("degraded"), 1, "told once");
}

#[test]
fn a_store_that_is_away_is_asked_less_and_less_often() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let before = move || {
        count.fetch_add(1, Ordering::Relaxed);
        Err(StoreError::new("away"))
    };
    let fleet = Fleet::new(Before { store: memory(), before }).sync_interval(Duration::from_millis(10));
    let instance = Instance::with(fleet);
    until("it is told", || instance.count("degraded") == 1);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        // News do not make it ask more often.
        instance.breaker.force_open();
        instance.breaker.auto();
        std::thread::sleep(Duration::from_millis(1));
    }
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked <= 8, "asked {asked} times in a second");
    assert_eq!((instance.count("degraded"), instance.breaker.mode()), (1, Mode::Auto));
}

#[test]
fn all_hear_at_once_of_a_store_that_tells() {
    let store = memory();
    // Too seldom for this test.
    let rare = |store: InMemoryStore| Instance::with(Fleet::new(store).sync_interval(LONG * 60));
    let instances = [rare(store.clone()), rare(store.clone()), rare(store)];
    assert!(instances.iter().all(|instance| instance.fleet.ready(LONG)));
    instances[0].breaker.by("ada").force_open();
    until("all obey", || instances.iter().all(|instance| instance.breaker.mode() == Mode::ForcedOpen));
    instances[2].breaker.by("ada").reset();
    until("all obey", || instances.iter().all(|instance| instance.breaker.mode() == Mode::Auto));
}

#[test]
fn votes_open_all_and_one_trial_closes_all() {
    let store = memory();
    // At the usual pace, so that nobody counts as gone on a slow machine.
    let instances = [(); 3].map(|()| Instance::with(Fleet::new(store.clone())));
    assert!(instances.iter().all(|instance| instance.fleet.ready(LONG)));
    until("all are there", || store.view(NAME).needed == 2);
    instances[0].fail();
    assert!(instances[0].fleet.flush(LONG));
    assert_eq!((store.view(NAME).state, store.view(NAME).votes), (State::Closed, 1));
    instances[1].fail();
    until("all are open", || instances.iter().all(|instance| instance.breaker.state() == State::Open));

    instances[2].breaker.half_open();
    assert!(instances[2].fleet.flush(LONG));
    until("all are closed", || {
        for instance in &instances {
            if let Ok(permit) = instance.breaker.try_acquire() {
                permit.success();
            }
        }
        instances.iter().all(|instance| instance.breaker.state() == State::Closed)
    });
    let trials = instances.iter().map(|instance| {
        let totals = instance.breaker.status().totals;
        totals.requests.half_open - totals.rejections.half_open_full
    });
    assert_eq!(trials.sum::<u64>(), 1);
}

#[test]
fn what_was_said_last_before_the_end_is_heard() {
    let store = memory();
    // At the usual pace, so that nobody counts as gone on a slow machine.
    let others = [(); 2].map(|()| Instance::with(Fleet::new(store.clone())));
    let instance = Instance::with(Fleet::new(store.clone()));
    assert!(instance.fleet.ready(LONG));
    until("all are there", || store.view(NAME).needed == 2);
    instance.fail();
    assert!(instance.fleet.flush(LONG));
    assert_eq!(store.view(NAME).votes, 1);
    let breaker = instance.breaker.clone();
    breaker.by("ada").disable();
    drop((breaker, instance));
    until("its vote is gone, and its order is not", || {
        (store.view(NAME).votes, store.view(NAME).needed, store.view(NAME).mode) == (0, 1, Mode::Disabled)
    });
    drop(others);
}

#[test]
fn a_registry_and_its_last_breaker_may_end_in_a_listener() {
    let instance = Instance::new(memory());
    let held = Arc::new(Mutex::new(Some((instance.registry.clone(), instance.breaker.clone()))));
    let (ended, ends) = mpsc::channel();
    let last = Arc::clone(&held);
    let drops = move |event: &Event| {
        if matches!(event, Event::ModeChanged { .. }) {
            drop(last.lock().expect("no test panics here").take());
            let _ = ended.send(());
        }
    };
    instance.registry.subscribe(drops).keep();
    assert!(instance.fleet.ready(LONG));
    let began = Instant::now();
    let store = instance.breaker.clone();
    drop(instance);
    store.disable();
    drop(store);
    ends.recv_timeout(LONG).expect("the listener heard of it");
    assert!(began.elapsed() < SHORT, "it took {:?}", began.elapsed());
}

#[test]
fn a_store_has_one_registry_and_a_registry_one_store() {
    let fleet = Fleet::new(memory());
    let registry = Registry::new();
    registry.attach(&fleet).expect("neither has another");
    assert!(Registry::new().attach(fleet.clone()).is_err());
    assert!(registry.attach(memory()).is_err());
    assert!(fleet.ready(LONG), "without breakers");
}

/// A store that once has something in it that cannot be used.
struct Damaged {
    store: InMemoryStore,
    unusable: Vec<(Arc<str>, String)>,
}

impl SharedStore for Damaged {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        self.store.sync(instance, beats)
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        self.store.propose(instance, breaker, on, what)
    }

    fn unusable(&mut self) -> Vec<(Arc<str>, String)> {
        std::mem::take(&mut self.unusable)
    }
}

#[test]
fn what_of_a_store_cannot_be_used_is_told_once() {
    let unusable = vec![(Arc::from(NAME), "it is torn".to_owned())];
    let instance = Instance::new(Damaged { store: memory(), unusable });
    until("it is told", || instance.count("cannot be used (it is torn)") == 1);
    assert!(instance.fleet.ready(LONG), "it is no outage");
    let errors = instance.registry.store_errors();
    assert!(errors.iter().any(|errors| (errors.op, errors.count) == ("read", 1)), "{errors:?}");
    assert_eq!(instance.count("degraded"), 0);
}
