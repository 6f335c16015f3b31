//! One breaker that the store cannot be used for, many that it answers for slowly, and a thread that is gone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use breakerbox::shared::{Answer, Beat, Fleet, InMemoryStore, Proposal, SharedStore, StoreError, Verdict, View};
use breakerbox::{Clock, Config, Event, ManualClock, Registry, State, SystemClock};

use crate::rig::{INTERVAL, secs};

const BAD: &str = "bad";
const LONG: Duration = Duration::from_secs(60);

/// A store in which one breaker cannot be used.
struct Partly {
    store: InMemoryStore,
    is_bad: Arc<AtomicBool>,
}

impl Partly {
    fn check(&self, breaker: &str) -> Result<(), StoreError> {
        let is_bad = breaker == BAD && self.is_bad.load(Ordering::Relaxed);
        if is_bad { Err(StoreError::of_breaker("it is torn")) } else { Ok(()) }
    }
}

impl SharedStore for Partly {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        let views = self.store.sync(instance, beats)?;
        Ok(beats.iter().zip(views).map(|(beat, view)| self.check(&beat.breaker).and(view)).collect())
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        self.check(breaker)?;
        self.store.propose(instance, breaker, on, what)
    }
}

#[test]
fn a_breaker_that_cannot_be_used_in_the_store_works_by_itself_and_the_others_go_on() {
    let (clock, is_bad) = (ManualClock::new(), Arc::new(AtomicBool::new(true)));
    clock.advance(secs(1000));
    let store = InMemoryStore::new(clock.clone());
    let registry = Registry::with_clock(clock.clone());
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let heard = Arc::clone(&told);
    registry.subscribe(move |event| heard.lock().expect("no test panics here").push(event.clone())).keep();
    let partly = Partly { store: store.clone(), is_bad: Arc::clone(&is_bad) };
    let fleet = Fleet::new(partly).quorum(1).clock(clock.clone()).stepped();
    registry.attach(&fleet).expect("neither has another");
    let config = Config::builder().failure_threshold(3).recovery_timeout(secs(10)).half_open_max_calls(1);
    let config = config.build().expect("the settings are good");
    let [bad, good] = [BAD, "good"].map(|name| registry.get_or_insert(name, &config).expect("the name is good"));
    let pass = || {
        clock.advance(INTERVAL);
        fleet.sync();
    };
    (0..3).for_each(|_| pass());
    for breaker in [&bad, &good] {
        breaker.by("ada").reset();
        (0..3).for_each(|_| breaker.record_failure());
    }
    (0..3).for_each(|_| pass());
    assert_eq!((store.view("good").state, store.view(BAD).state), (State::Open, State::Closed));
    let status = |breaker: &breakerbox::CircuitBreaker| breaker.status().store.expect("it is shared").degraded;
    assert_eq!((status(&bad).as_deref(), status(&good)), (Some("it is torn"), None));

    clock.advance(secs(10));
    assert!(good.try_acquire().is_err(), "the fleet rations its trials");
    bad.try_acquire().expect("nobody rations its trials").success();
    assert_eq!(bad.state(), State::Closed);

    is_bad.store(false, Ordering::Relaxed);
    (0..2).for_each(|_| pass());
    assert_eq!(status(&bad), None);
    bad.force_open();
    pass();
    assert_eq!(store.view(BAD).mode, breakerbox::Mode::ForcedOpen);
    let told = told.lock().expect("no test panics here");
    let count = |is: fn(&Event) -> bool| told.iter().filter(|event| is(event)).count();
    assert_eq!(count(|event| matches!(event, Event::StateUnusable { .. })), 1, "told once");
    assert_eq!(count(|event| matches!(event, Event::StoreDegraded { .. })), 0, "it is no outage");
    let errors = registry.store_errors();
    assert!(errors.iter().any(|errors| errors.op == "read" && errors.count > 1), "{errors:?}");
    assert!(errors.iter().any(|errors| errors.op == "command" && errors.count > 0), "{errors:?}");
}

/// A store that takes its time for each proposal, and knows what it has granted.
struct Slow {
    store: InMemoryStore,
    takes: Duration,
    granted: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl SharedStore for Slow {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        self.store.sync(instance, beats)
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        std::thread::sleep(self.takes);
        let answer = self.store.propose(instance, breaker, on, what)?;
        if let Verdict::Granted(leases) = &answer.verdict {
            *self.granted.lock().expect("no test panics here").entry(breaker.to_owned()).or_default() += leases.len();
        }
        Ok(answer)
    }
}

#[test]
fn a_round_over_many_breakers_lets_no_trial_in_that_was_not_granted() {
    let store = InMemoryStore::new(SystemClock);
    let granted: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let slow = Slow { store: store.clone(), takes: Duration::from_millis(60), granted: Arc::clone(&granted) };
    let registry = Registry::new();
    let fleet = Fleet::new(slow).quorum(1).sync_interval(Duration::from_millis(100));
    registry.attach(&fleet).expect("neither has another");
    let config = Config::builder().failure_threshold(3).half_open_max_calls(1).half_open_timeout(LONG);
    let config = config.recovery_timeout(Duration::from_millis(500)).build().expect("the settings are good");
    let names: Vec<String> = (0..60).map(|number| format!("b{number:02}")).collect();
    let breakers: Vec<_> =
        names.iter().map(|name| registry.get_or_insert(name, &config).expect("the name is good")).collect();
    assert!(fleet.ready(LONG));
    breakers.iter().for_each(breakerbox::CircuitBreaker::open);
    let began = Instant::now();
    while names.iter().any(|name| store.view(name).state != State::Open) {
        assert!(began.elapsed() < LONG, "the orders are not heard");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(fleet.flush(LONG));
    let (began, mut trials) = (Instant::now(), Vec::new());
    while trials.len() < breakers.len() {
        assert!(began.elapsed() < LONG, "{} trials only", trials.len());
        for (name, breaker) in names.iter().zip(&breakers) {
            if let Ok(trial) = breaker.try_acquire() {
                trials.push(trial);
                let granted = granted.lock().expect("no test panics here");
                assert!(granted.contains_key(name), "{name} after {:?}", began.elapsed());
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A clock that breaks.
#[derive(Debug)]
struct Broken(Arc<AtomicBool>);

impl Clock for Broken {
    fn now(&self) -> Duration {
        assert!(!self.0.load(Ordering::Relaxed), "a panic that a test asked for");
        SystemClock.now()
    }
}

#[test]
fn without_the_thread_that_asks_breakers_work_by_themselves() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let registry = Registry::new();
    let store = InMemoryStore::new(SystemClock);
    let fleet = Fleet::new(store.clone()).quorum(1).clock(Broken(Arc::clone(&is_broken)));
    let fleet = fleet.sync_interval(Duration::from_millis(100));
    registry.attach(&fleet).expect("neither has another");
    let config = Config::builder().failure_threshold(3).half_open_max_calls(1);
    let config = config.recovery_timeout(Duration::from_millis(500)).build().expect("the settings are good");
    let breaker = registry.get_or_insert("quotes", config).expect("the name is good");
    assert!(fleet.ready(LONG));
    (0..3).for_each(|_| breaker.record_failure());
    assert!(fleet.flush(LONG));
    assert_eq!(store.view("quotes").state, State::Open);
    is_broken.store(true, Ordering::Relaxed);
    let began = Instant::now();
    while breaker.state() != State::Closed {
        assert!(began.elapsed() < LONG, "all calls are refused");
        breaker.try_acquire().into_iter().for_each(breakerbox::Permit::success);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(began.elapsed() > Duration::from_secs(1), "only when it has been gone for a while");
    let degraded = breaker.status().store.and_then(|store| store.degraded);
    assert_eq!(degraded.as_deref(), Some("the thread that asks the store does not go on"));
}
