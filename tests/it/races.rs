//! Defects of our own that took a second thread. Others of them are models, in `tests/model`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use breakerbox::{Config, Event, Permit, Registry, State};

use crate::support::{bench, fail_times, millis, secs, succeed_times};

#[test]
fn no_verdict_is_missed_when_a_success_and_a_failure_race() {
    let rates = Config::builder().failure_threshold(None).failure_rate_threshold(0.5).minimum_calls(2);
    let breaker = Registry::new().get_or_insert("quotes", rates).expect("valid");
    let (barrier, stop) = (Barrier::new(2), AtomicBool::new(false));
    let mut missed = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                barrier.wait();
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let permit = breaker.try_acquire();
                barrier.wait();
                let _ = permit.map(Permit::success);
                barrier.wait();
            }
        });
        for _ in 0..5_000 {
            breaker.reset();
            barrier.wait();
            let permit = breaker.try_acquire();
            barrier.wait();
            let _ = permit.map(Permit::failure);
            barrier.wait();
            missed += u32::from(breaker.state() != State::Open);
        }
        stop.store(true, Ordering::Relaxed);
        barrier.wait();
    });
    assert_eq!(missed, 0);
}

#[test]
fn settings_merged_while_half_open_close_it_if_its_trials_are_enough() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(1)));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(1));
    succeed_times(&b.breaker, 2);
    assert_eq!(b.breaker.state(), State::HalfOpen);
    b.registry.get_or_insert("quotes", Config::builder().half_open_max_calls(2)).expect("valid");
    assert_eq!(b.breaker.state(), State::Closed);
}

#[test]
fn a_complaint_outlives_the_listener_that_did_not_hear_it() {
    let registry = Registry::new();
    let breaker = registry.get_or_insert("quotes", Config::builder().failure_threshold(2)).expect("valid");
    let (go, wait) = mpsc::channel::<()>();
    let (entered, has_entered) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let busy = registry.subscribe(move |_| {
        let _ = entered.send(());
        let _ = wait.lock().expect("no panic").recv();
    });
    thread::scope(|scope| {
        scope.spawn(|| breaker.open());
        has_entered.recv().expect("the transition is told");
        registry.get_or_insert("quotes", Config::builder().failure_threshold(3)).expect("valid");
        drop(busy);
        go.send(()).expect("it waits");
    });
    let heard = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&heard);
    registry.subscribe(move |event: &Event| lines.lock().expect("no panic").push(event.to_string())).keep();
    let heard = heard.lock().expect("no panic");
    assert!(heard.len() == 1 && heard[0].contains("`failure_threshold`"), "{heard:?}");
}

#[test]
fn a_later_listener_hears_nothing_old() {
    let registry = Registry::new();
    let breaker = registry.get_or_insert("quotes", Config::default()).expect("valid");
    let old = Arc::new(AtomicU64::new(0));
    for _ in 0..1_000 {
        let start = Barrier::new(2);
        thread::scope(|scope| {
            let leaving = registry.subscribe(|_| {});
            scope.spawn(|| {
                start.wait();
                for _ in 0..20 {
                    breaker.open();
                    breaker.close();
                }
            });
            start.wait();
            drop(leaving);
        });
        let count = Arc::clone(&old);
        drop(registry.subscribe(move |_| _ = count.fetch_add(1, Ordering::Relaxed)));
    }
    assert_eq!(old.load(Ordering::Relaxed), 0);
}

#[test]
fn a_transition_shows_the_numbers_that_opened_the_circuit() {
    let short = Config::builder().failure_threshold(None).failure_rate_threshold(0.5).minimum_calls(4);
    let breaker = Registry::new().get_or_insert("quotes", short.window_duration(millis(1))).expect("valid");
    let mut opened = 0;
    for _ in 0..200 {
        (0..8).for_each(|_| breaker.record_failure());
        let transition = breaker.status().last_transition.filter(|transition| transition.to == State::Open);
        if let Some(transition) = transition {
            opened += 1;
            assert!(transition.failures >= 4 && transition.calls >= 4, "{transition}");
        }
        breaker.reset();
    }
    assert!(opened > 100, "{opened} of 200");
}
