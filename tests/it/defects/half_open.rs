//! Half-open: floods, wrong verdicts, and episodes that never end. Lost trials are in `lost`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use breakerbox::{Config, ConfigBuilder, Reason, State};

use crate::support::{Bench, bench, millis, secs};

fn one_trial() -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1)
}

/// A breaker that opened, and whose open time is over.
fn due(config: ConfigBuilder) -> Bench {
    let b = bench(config);
    while b.state() == State::Closed {
        b.fail(1);
    }
    b.advance(secs(10));
    b
}

// failsafe 1.3 state_machine.rs:139, recloser 1.4 recloser.rs:88, nobreak, mercari, fabfuel: half-open
// admits everybody; circuitbreaker-rs 0.1.1 breaker.rs:134: a limit of 1 admitted 4,000.
#[test]
fn one_trial_is_admitted_among_many_threads() {
    for round in 0..20 {
        let b = due(one_trial());
        let admitted = AtomicU32::new(0);
        let (start, end) = (Barrier::new(8), Barrier::new(8));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let permit = b.breaker.try_acquire();
                    admitted.fetch_add(u32::from(permit.is_ok()), Ordering::Relaxed);
                    end.wait();
                    if let Ok(permit) = permit {
                        permit.success();
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 1, "round {round}");
        assert_eq!(b.totals().rejections.half_open_full, 7);
        assert_eq!(b.state(), State::Closed);
    }
}

// failsafe (Java) #391: a finished trial frees its place, so an episode admits without end.
#[test]
fn a_finished_trial_gives_nothing_back() {
    let b = due(one_trial().half_open_max_calls(3).success_threshold(3));
    let (first, second, third) = (b.permit(), b.permit(), b.permit());
    first.success();
    second.success();
    assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
    third.success();
    assert_eq!(b.state(), State::Closed);
}

// resilience4j #1351 #1523: the minimum of the rates rules half-open too; opossum issue 276: a
// failed trial under the minimum leaves it half-open for ever.
#[test]
fn the_minimum_of_calls_says_nothing_about_trials() {
    let config = Config::builder().failure_rate_threshold(0.5).window_size(100).minimum_calls(50);
    let config = config.failure_threshold(5).recovery_timeout(secs(10)).half_open_max_calls(2);
    let b = due(config);
    b.fail(1);
    assert_eq!(b.state(), State::Open);
    b.advance(secs(10));
    b.succeed(2);
    assert_eq!(b.state(), State::Closed);
}

// tower-resilience 0.14 circuit.rs:242: trials expire with the time window, and the circuit waits
// for them for ever.
#[test]
fn trials_do_not_expire_with_the_time_window() {
    let config = Config::builder().failure_rate_threshold(0.5).window_duration(millis(100)).minimum_calls(1);
    let b = due(config.recovery_timeout(secs(10)).half_open_max_calls(3));
    for _ in 0..3 {
        b.succeed(1);
        b.advance(secs(5));
    }
    assert_eq!(b.state(), State::Closed);
}

// resilience4j #1432 #2038: recursion at the end of the open time overflows the stack; failsafe #391.
#[test]
fn a_trial_may_call_through_its_own_breaker() {
    let b = due(one_trial());
    let outer: Result<(), String> = b.breaker.call(|| {
        let inner: Result<(), String> = b.breaker.call(|| Ok(()));
        assert!(inner.is_err_and(|refusal| refusal.contains("trial calls are taken")));
        assert_eq!(b.state(), State::HalfOpen);
        Ok(())
    });
    assert_eq!(outer, Ok(()));
    assert_eq!(b.state(), State::Closed);
}

// Polly #311 #717: an outcome that is not handled closes; Hystrix: it re-opens; resilience4j #544: it blocks.
#[test]
fn an_ignored_trial_is_no_verdict() {
    let b = due(one_trial());
    for _ in 0..100 {
        b.permit().ignore();
        assert_eq!(b.state(), State::HalfOpen);
    }
    b.succeed(1);
    assert_eq!(b.state(), State::Closed);
    assert_eq!(b.totals().ignored, 100);
}

// resilience4j #279, failsafe-go issue 97: the state reads open although the time is over; rssafecircuit
// lib.rs:57 never leaves half-open.
#[test]
fn the_state_reads_half_open_as_soon_as_a_trial_would_be_admitted() {
    let b = bench(one_trial());
    b.fail(1);
    b.advance(millis(9_999));
    assert_eq!(b.state(), State::Open);
    assert!(!b.breaker.can_execute());
    b.advance(millis(1));
    assert_eq!(b.state(), State::HalfOpen);
    assert!(b.breaker.can_execute());
    assert!(!b.breaker.is_open());
    b.succeed(1);
    assert_eq!(b.state(), State::Closed);
}

// Hystrix PR #1640: state and time are two atomics that disagree; circuitbreaker-rs 0.1.1
// state.rs:64: the state is stored before its time, so that the open period can be skipped.
#[test]
fn who_sees_an_open_circuit_gets_no_call_through() {
    for _ in 0..50 {
        let b = Arc::new(bench(one_trial()));
        let start = Arc::new(Barrier::new(4));
        let watchers: Vec<_> = (0..3)
            .map(|_| {
                let (b, start) = (Arc::clone(&b), Arc::clone(&start));
                thread::spawn(move || {
                    start.wait();
                    while !b.breaker.is_open() {
                        thread::yield_now();
                    }
                    b.breaker.try_acquire().is_ok()
                })
            })
            .collect();
        start.wait();
        b.fail(1);
        for watcher in watchers {
            assert!(!watcher.join().expect("a watcher panicked"), "a call got through an open circuit");
        }
    }
}

// A threshold that is more than the trials: the circuit could never close.
#[test]
fn more_successes_than_trials_are_refused() {
    let error = one_trial().success_threshold(2).build().expect_err("it could never close");
    assert_eq!(error.key(), "success_threshold");
}
