//! Trials that are lost: dropped, forgotten, panicked, timed out. None may block a breaker, and
//! none may be invisible.

use std::future::pending;
use std::pin::pin;

use breakerbox::{Config, ConfigBuilder, Reason, State};

use crate::rig::{panics, planned_panic, poll_once};
use crate::support::{Bench, bench, secs};

fn one_trial() -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1)
}

fn due(config: ConfigBuilder) -> Bench {
    let b = bench(config);
    b.fail(1);
    b.advance(secs(10));
    b
}

// execution-policy engine.rs:76, allframe, arcly-http, circuitbreaker-rs breaker.rs:137: one dropped trial
// wedges half-open for ever (nora #585, OmniRoute #13836: six days, 49,607 rejections).
#[test]
fn a_dropped_trial_gives_its_place_back() {
    let b = due(one_trial());
    for _ in 0..1000 {
        drop(b.permit());
    }
    assert_eq!(b.state(), State::HalfOpen);
    assert_eq!(b.totals().cancelled, 1000);
    b.succeed(1);
    assert_eq!(b.state(), State::Closed);
}

// circuitbreaker-rs 0.1.1 breaker.rs:134: a counter underflows when trials are dropped, and the
// limit is gone; resilience4j releasePermission has no upper bound.
#[test]
fn dropped_trials_do_not_widen_the_limit() {
    let b = due(one_trial().half_open_max_calls(3));
    for _ in 0..100 {
        let three = [b.permit(), b.permit(), b.permit()];
        assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
        drop(three);
    }
    assert_eq!(b.breaker.status().half_open.map(|half_open| half_open.in_flight), Some(0));
}

// circuitbreaker-rs 0.1.1 breaker.rs:318: six futures that time out, half-open for ever.
#[test]
fn dropped_futures_give_their_places_back() {
    let b = due(one_trial());
    for _ in 0..6 {
        let mut call = pin!(b.breaker.call_async(pending::<Result<(), String>>()));
        assert!(poll_once(call.as_mut()).is_pending());
        assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
    }
    let mut call = pin!(b.breaker.call_async(async { Ok::<_, String>(()) }));
    assert!(poll_once(call.as_mut()).is_ready());
    assert_eq!(b.state(), State::Closed);
    assert_eq!(b.totals().cancelled, 6);
}

// gobreaker, opossum, pybreaker: a trial that hangs blocks for ever; tower-resilience lib.rs:848
// forgets permits of its own.
#[test]
fn a_forgotten_trial_blocks_no_longer_than_the_half_open_timeout() {
    for config in [
        one_trial(),
        one_trial().failure_rate_threshold(0.5).window_duration(secs(1)),
        one_trial().slow_call_duration(secs(1)),
    ] {
        let b = due(config.half_open_timeout(secs(30)));
        let heard = b.transitions();
        std::mem::forget(b.permit());
        assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
        b.advance(secs(29));
        assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
        b.advance(secs(1));
        assert_eq!(b.refusal().reason(), Reason::Open);
        b.advance(secs(10));
        b.succeed(1);
        assert_eq!(b.state(), State::Closed);
        let (open, half, closed) = (State::Open, State::HalfOpen, State::Closed);
        assert_eq!(heard.steps(), [(open, half), (half, open), (open, half), (half, closed)]);
    }
}

#[test]
fn forgotten_trials_of_many_episodes_add_up_to_nothing() {
    let b = due(one_trial().half_open_max_calls(3));
    for _ in 0..50 {
        for _ in 0..3 {
            std::mem::forget(b.permit());
        }
        b.refusal();
        b.advance(secs(60 + 10));
    }
    b.succeed(3);
    assert_eq!(b.state(), State::Closed);
}

// failsafe, recloser, breaker, seatbelt, tower-resilience, nobreak: a panic of the call is not recorded.
#[test]
fn a_panic_counts_as_a_failure_and_goes_on() {
    let b = bench(Config::builder().failure_threshold(2));
    assert!(panics(|| b.breaker.call::<Result<(), String>>(|| planned_panic())));
    assert!(panics(|| {
        let _permit = b.permit();
        planned_panic()
    }));
    assert_eq!(b.state(), State::Open);
    assert_eq!(b.totals().failures, 2);
}

#[test]
fn a_future_that_panics_counts_as_a_failure() {
    let b = bench(Config::builder().failure_threshold(1));
    assert!(panics(|| {
        let mut call = pin!(b.breaker.call_async(async { planned_panic() as Result<(), String> }));
        let _ = poll_once(call.as_mut());
    }));
    assert_eq!(b.state(), State::Open);
    assert_eq!((b.totals().failures, b.totals().cancelled), (1, 0));
}

// resilience4j: an Error that is not handled loses its permit; two of them, and half-open lasts for
// ever. circuitbreaker-rs loses the permit of a panic.
#[test]
fn a_trial_that_panics_opens_the_circuit_again() {
    let b = due(one_trial());
    assert!(panics(|| b.breaker.call::<Result<(), String>>(|| planned_panic())));
    assert_eq!(b.state(), State::Open);
    b.advance(secs(10));
    b.succeed(1);
    assert_eq!(b.state(), State::Closed);
}

// A permit that is dropped while another panic unwinds says nothing about its own call.
#[test]
fn a_permit_taken_during_a_panic_is_cancelled_when_dropped() {
    struct Cleanup<'a>(&'a Bench);
    impl Drop for Cleanup<'_> {
        fn drop(&mut self) {
            drop(self.0.permit());
        }
    }
    let b = bench(Config::builder().failure_threshold(1));
    assert!(panics(|| {
        let _cleanup = Cleanup(&b);
        planned_panic()
    }));
    assert_eq!((b.totals().failures, b.totals().cancelled), (0, 1));
}

// resilience4j #682 #1123: a cancelled call counts as failed; Polly: as succeeded, and closes.
#[test]
fn a_cancelled_call_is_neither_success_nor_failure() {
    let b = bench(Config::builder().failure_threshold(2).failure_rate_threshold(0.5).window_size(2));
    b.fail(1);
    for _ in 0..10 {
        drop(b.permit());
    }
    assert_eq!(b.breaker.status().consecutive_failures, 1);
    assert_eq!(b.window().calls, 1);
    b.fail(1);
    assert_eq!(b.state(), State::Open);
}

// recloser 1.4 recloser.rs:61: one call under way stops every other thread's clean-up; pybreaker
// holds a lock during the user's function.
#[test]
fn a_call_under_way_holds_nobody_up() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(2));
    let held = b.permit();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            b.fail(1);
            b.advance(secs(10));
            b.succeed(2);
            b.breaker.force_open();
            b.refusal();
            b.breaker.reset();
            b.succeed(1);
        });
    });
    held.failure();
    assert_eq!(b.state(), State::Closed);
    assert_eq!(b.totals().late, 1);
}
