//! Listeners: deadlocks, lost and reordered events, panics, and listeners that live for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use breakerbox::{Cause, Clock, Config, ConfigBuilder, Event, ManualClock, Registry, State};

use crate::rig::planned_panic;
use crate::support::{bench, heard, listen, secs};

fn settings() -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1)
}

// failsafe 1.3 state_machine.rs:166, gobreaker OnStateChange, circuit_breaker 0.1.1, mercari: callbacks run
// under the mutex, so that looking at the breaker deadlocks.
#[test]
fn a_listener_may_use_the_breaker_in_every_way() {
    let b = bench(settings());
    let (breaker, registry) = (b.breaker.clone(), b.registry.clone());
    let heard = b.transitions();
    b.registry
        .subscribe(move |event: &Event| {
            assert_eq!(breaker.status().name.as_ref(), "quotes");
            let _ = (breaker.state(), breaker.can_execute(), breaker.try_acquire().is_ok());
            assert_eq!(registry.summary().total, 1);
            let opened = matches!(event, Event::Transition(transition) if transition.to == State::Open);
            if opened {
                breaker.reset();
                registry.subscribe(|_| {}).keep();
            }
        })
        .keep();
    b.fail(1);
    assert_eq!(b.state(), State::Closed);
    assert_eq!(heard.steps(), [(State::Closed, State::Open), (State::Open, State::Closed)]);
}

// breaker 2.0.2 state.rs:157: open to half-open is never reported.
#[test]
fn every_transition_is_told_with_its_cause() {
    let b = bench(settings());
    let heard = b.transitions();
    b.fail(1);
    b.advance(secs(10));
    b.fail(1);
    b.advance(secs(10));
    b.succeed(1);
    let (closed, open, half) = (State::Closed, State::Open, State::HalfOpen);
    let expected = [
        (closed, open, Cause::FailureThreshold),
        (open, half, Cause::RecoveryTimeout),
        (half, open, Cause::TrialFailed),
        (open, half, Cause::RecoveryTimeout),
        (half, closed, Cause::SuccessThreshold),
    ];
    let told: Vec<_> = heard.all().iter().map(|event| (event.from, event.to, event.cause)).collect();
    assert_eq!(told, expected);
}

// failsafe 1.3: events are sent outside the lock and can overtake each other.
#[test]
fn transitions_of_many_threads_are_heard_in_order() {
    let b = bench(settings());
    let heard = b.transitions();
    // Slow enough that events of other threads wait.
    b.registry.subscribe(|_| thread::yield_now()).keep();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    b.breaker.record_failure();
                    b.breaker.half_open();
                    b.breaker.record_success();
                    b.breaker.close();
                }
            });
        }
    });
    let all = heard.all();
    assert!(all.len() > 100, "only {} transitions", all.len());
    let counted = b.totals().transitions;
    for from in State::ALL {
        for to in State::ALL {
            let told = all.iter().filter(|event| (event.from, event.to) == (from, to)).count();
            assert_eq!(told as u64, counted.between(from, to), "{from} -> {to}");
        }
    }
    for pair in all.windows(2) {
        assert_eq!(pair[0].to, pair[1].from, "a transition is missing or out of order");
        assert!(pair[0].generation < pair[1].generation);
    }
}

// resilience4j METRICS_ONLY tells of each threshold once in its life; here once in each episode.
#[test]
fn a_threshold_that_would_open_is_told_once_an_episode() {
    let b = bench(settings());
    let told = listen(&b.registry);
    for _ in 0..2 {
        b.breaker.metrics_only();
        b.fail(3);
        b.breaker.auto();
    }
    let told = heard(&told);
    let would_open = told.iter().filter(|line| line.contains("would open (failure_threshold)")).count();
    assert_eq!(would_open, 2, "{told:?}");
}

// rssafecircuit lib.rs:96: the first trip without a subscriber panics.
#[test]
fn nobody_has_to_listen() {
    let b = bench(settings());
    b.fail(1);
    assert_eq!(b.state(), State::Open);
}

// cockatiel, opossum: a listener that throws breaks the call; with a mutex it poisons the breaker.
#[test]
fn a_listener_that_panics_harms_nobody() {
    let b = bench(settings());
    b.registry.subscribe(|_| planned_panic()).keep();
    let heard = b.transitions();
    b.fail(1);
    assert_eq!(b.state(), State::Open);
    b.advance(secs(10));
    b.succeed(1);
    assert_eq!(b.state(), State::Closed);
    assert_eq!(heard.steps().len(), 3);
    assert_eq!((b.totals().successes, b.totals().failures), (1, 1));
}

#[derive(Debug)]
struct Counted {
    inner: ManualClock,
    _alive: Arc<()>,
}

impl Clock for Counted {
    fn now(&self) -> std::time::Duration {
        self.inner.now()
    }
}

// recloser 1.4 recloser.rs:184: a dropped breaker is never freed (1,064 B each); resilience4j #23: listeners
// and meters outlive what they listen to.
#[test]
fn what_is_dropped_is_freed() {
    let alive = Arc::new(());
    let registry = Registry::with_clock(Counted { inner: ManualClock::new(), _alive: Arc::clone(&alive) });
    let breaker = registry.get_or_insert("short-lived", settings().build().expect("settings")).expect("a name");
    let in_listener = Arc::clone(&alive);
    registry
        .subscribe(move |_| {
            let _ = &in_listener;
        })
        .keep();
    let in_short_listener = Arc::clone(&alive);
    let subscription = registry.subscribe(move |_| {
        let _ = &in_short_listener;
    });
    breaker.record_failure();
    assert_eq!(Arc::strong_count(&alive), 4);
    drop(subscription);
    assert_eq!(Arc::strong_count(&alive), 3);
    registry.remove("short-lived");
    drop(registry);
    drop(breaker);
    assert_eq!(Arc::strong_count(&alive), 1, "the clock or a listener is still alive");
}

// resilience4j, prometheus clients: the set of breakers grows for ever; removed ones stay listed.
#[test]
fn a_removed_breaker_is_not_listed_and_not_kept() {
    let alive = Arc::new(());
    let registry = Registry::new();
    for number in 0..100 {
        let name = format!("host-{number}");
        let breaker = registry.get_or_insert(&name, Config::default()).expect("a name");
        breaker.set_clock(Counted { inner: ManualClock::new(), _alive: Arc::clone(&alive) });
        registry.remove(&name);
    }
    assert_eq!(registry.summary().total, 0);
    assert_eq!(Arc::strong_count(&alive), 1);
}

// Events that were told before a subscription are not told again to it.
#[test]
fn a_subscriber_hears_what_happens_after() {
    let b = bench(settings());
    drop(b.registry.subscribe(|_| {}));
    b.fail(1);
    let events = Arc::new(Mutex::new(0));
    let count = Arc::clone(&events);
    b.registry.subscribe(move |_| *count.lock().unwrap_or_else(PoisonError::into_inner) += 1).keep();
    assert_eq!(*events.lock().unwrap_or_else(PoisonError::into_inner), 0);
    b.breaker.reset();
    assert_eq!(*events.lock().unwrap_or_else(PoisonError::into_inner), 2, "closed, and reset");
}
