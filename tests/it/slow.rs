//! Slow calls: which calls are measured, from when to when, and by which clock.

use std::time::{Duration, Instant};

use breakerbox::{Config, ConfigBuilder, Registry, State};

use crate::support::{bench, secs};

fn slow_after_a_second() -> ConfigBuilder {
    Config::builder().slow_call_duration(secs(1)).slow_call_rate_threshold(1.0)
}

#[test]
fn a_call_that_began_before_slow_calls_were_counted_is_not_slow() {
    let b = bench(Config::builder().failure_threshold(1));
    b.breaker.metrics_only();
    let measured = b.permit();
    b.breaker.reconfigure(slow_after_a_second()).expect("valid");
    b.advance(secs(2));
    measured.success();
    assert_eq!((b.totals().successes, b.totals().slow_calls), (1, 0));
}

#[test]
fn a_trial_that_began_before_slow_calls_were_counted_is_not_slow() {
    let b = bench(Config::builder().failure_threshold(1));
    b.fail(1);
    b.advance(secs(60));
    let trial = b.permit();
    b.breaker.reconfigure(slow_after_a_second()).expect("valid");
    b.advance(secs(2));
    trial.success();
    assert_eq!((b.totals().successes, b.totals().slow_calls), (1, 0));
}

// The time that decides about a trial may be behind by some milliseconds; the one that measures it may not.
#[test]
fn a_trial_on_the_systems_clock_is_measured_exactly() {
    let settings = Config::builder().failure_threshold(1).half_open_max_calls(1_000).success_threshold(1_000);
    let limit = Duration::from_micros(50);
    let settings = settings.slow_call_duration(limit).slow_call_rate_threshold(1.0);
    let breaker = Registry::new().get_or_insert("quotes", settings).expect("valid");
    breaker.half_open();
    let mut took_longer = 0;
    for _ in 0..900 {
        let begun = Instant::now();
        let trial = breaker.try_acquire().expect("a trial");
        trial.success();
        took_longer += u64::from(begun.elapsed() > limit);
    }
    assert_eq!(breaker.state(), State::HalfOpen);
    let slow = breaker.status().totals.slow_calls;
    assert!(slow <= took_longer, "{slow} were slow, {took_longer} took as long");
}

// Such a breaker measures calls, and has no window: a success that was not slow is a matter of its counter.
#[test]
fn a_fast_success_ends_a_run_of_failures_where_slow_calls_are_counted() {
    let b = bench(Config::builder().failure_threshold(3).slow_call_duration(secs(1)));
    b.fail(2);
    b.succeed(1);
    b.fail(2);
    assert_eq!((b.state(), b.breaker.status().consecutive_failures), (State::Closed, 2));
    b.fail(1);
    assert_eq!(b.state(), State::Open);
}

#[test]
fn a_fast_success_of_an_earlier_episode_is_late_where_slow_calls_are_counted() {
    let b = bench(Config::builder().slow_call_duration(secs(1)));
    let (first, second) = (b.permit(), b.permit());
    b.breaker.reset();
    first.success();
    second.failure();
    assert_eq!((b.totals().successes, b.totals().failures, b.totals().late), (0, 0, 2));
}
