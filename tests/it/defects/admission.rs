//! What a caller meets: hidden errors, refusals that tell nothing, errors that cannot be sent.

use breakerbox::{CircuitBreakerError, Config, Reason, State};

use crate::support::{bench, secs};

// pybreaker: the call that trips raises CircuitBreakerError instead of the user's error.
#[test]
fn the_call_that_trips_returns_its_own_error() {
    let b = bench(Config::builder().failure_threshold(1));
    let returned: Result<(), String> = b.breaker.call(|| Err("connection reset".to_owned()));
    assert_eq!(returned, Err("connection reset".to_owned()));
    assert_eq!(b.state(), State::Open);
}

// sentinel-macros 0.1: an `Err` is never recorded; tokitai-macros 0.6.1: the function runs while open.
#[test]
fn a_refused_function_does_not_run() {
    let b = bench(Config::builder().failure_threshold(1));
    let _: Result<(), String> = b.breaker.call(|| Err("down".to_owned()));
    let mut has_run = false;
    let returned: Result<(), String> = b.breaker.call(|| {
        has_run = true;
        Ok(())
    });
    assert!(returned.is_err());
    assert!(!has_run);
}

// failsafe, recloser: a refusal has no time and no name; gobreaker issue 30: open and full look alike.
#[test]
fn a_refusal_says_who_why_and_how_long() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1));
    b.fail(1);
    b.advance(secs(4));
    let open = b.refusal();
    assert_eq!((open.name(), open.reason(), open.retry_after()), ("quotes", Reason::Open, Some(secs(6))));
    b.advance(secs(6));
    let _trial = b.permit();
    let full = b.refusal();
    assert_eq!((full.state(), full.reason(), full.retry_after()), (State::HalfOpen, Reason::HalfOpenFull, None));
    b.breaker.force_open();
    let forced = b.refusal();
    assert_eq!((forced.state(), forced.reason(), forced.retry_after()), (State::Open, Reason::ForcedOpen, None));
}

// circuit_breaker 0.1.1: the error is a `Box<dyn Error>`, which is not `Send`.
#[test]
fn errors_and_handles_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    fn sends<T: Send>() {}
    crosses::<CircuitBreakerError>();
    crosses::<breakerbox::CircuitBreaker>();
    crosses::<breakerbox::Registry>();
    sends::<breakerbox::Permit<'_>>();
}

// resilience4j counts calls by events, Micrometer forgets them with the window: a counter must only grow.
#[test]
fn counters_survive_windows_resets_and_modes() {
    let b = bench(Config::builder().failure_threshold(3).failure_rate_threshold(0.9).window_size(2));
    b.succeed(5);
    b.fail(1);
    b.breaker.reset();
    b.breaker.metrics_only();
    b.fail(10);
    b.permit().ignore();
    b.breaker.auto();
    drop(b.permit());
    let totals = b.totals();
    assert_eq!((totals.successes, totals.failures, totals.ignored, totals.cancelled), (5, 11, 1, 1));
    assert_eq!((totals.attempts, totals.trips), (18, 0));
}

// execution-policy, circuitbreaker-rs: the error budget of a closed circuit is spent by refusals.
#[test]
fn asking_without_calling_costs_nothing() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1));
    b.fail(1);
    b.advance(secs(10));
    for _ in 0..100 {
        assert!(b.breaker.can_execute());
        assert_eq!(b.state(), State::HalfOpen);
    }
    assert_eq!(b.totals().attempts, 1);
    b.succeed(1);
    assert_eq!(b.state(), State::Closed);
}
