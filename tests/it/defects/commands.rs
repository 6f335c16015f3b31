//! What operators and settings do: stale timers, silent counters, overflows, names that replace each other.

use std::time::Duration;

use breakerbox::{Config, ConfigBuilder, Mode, Reason, Registry, Snapshot, State};

use crate::support::{Bench, bench, millis, secs};

fn settings() -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1)
}

// resilience4j #1039: the open timer survives a reset, and ends the next open time early.
#[test]
fn a_reset_leaves_no_timer_behind() {
    let b = bench(settings());
    b.fail(1);
    b.advance(secs(6));
    b.breaker.reset();
    b.fail(1);
    b.advance(secs(6));
    assert_eq!(b.state(), State::Open);
    assert_eq!(b.refusal().retry_after(), Some(secs(4)));
    b.advance(secs(4));
    assert_eq!(b.state(), State::HalfOpen);
}

// The same for a half-open timer: it must not end a later episode.
#[test]
fn a_half_open_timer_ends_with_its_episode() {
    let b = bench(settings().half_open_timeout(secs(60)));
    b.breaker.half_open();
    b.advance(secs(50));
    b.succeed(1);
    b.breaker.half_open();
    let trial = b.permit();
    b.advance(secs(50));
    assert_eq!(b.state(), State::HalfOpen);
    trial.success();
    b.advance(secs(1000));
    assert_eq!(b.state(), State::Closed);
}

// resilience4j publishes no event in FORCED_OPEN, so its counter of refusals stands still; and its
// number of refusals drops to 0 at the next transition.
#[test]
fn refusals_are_counted_in_every_state_and_never_forgotten() {
    let b = bench(settings());
    b.breaker.force_open();
    assert_eq!(b.refusal().reason(), Reason::ForcedOpen);
    b.breaker.auto();
    b.fail(1);
    assert_eq!(b.refusal().reason(), Reason::Open);
    b.advance(secs(10));
    let trial = b.permit();
    assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
    trial.success();
    b.breaker.reset();
    let rejections = b.totals().rejections;
    assert_eq!((rejections.forced_open, rejections.open, rejections.half_open_full), (1, 1, 1));
}

// resilience4j DISABLED and Hystrix forceClosed differ in what they count; here: disabled counts
// nothing, and its calls leave no trace later.
#[test]
fn a_disabled_breaker_counts_nothing() {
    let b = bench(settings());
    b.breaker.disable();
    let across = b.permit();
    b.fail(100);
    b.succeed(100);
    assert_eq!((b.state(), b.breaker.mode()), (State::Closed, Mode::Disabled));
    b.breaker.auto();
    across.failure();
    assert_eq!(b.totals().attempts, 0);
    assert_eq!(b.state(), State::Closed);
}

// resilience4j `transitionOnResult`: the state reads CLOSED while permission is refused.
#[test]
fn what_is_read_and_what_is_admitted_never_differ() {
    let b = bench(settings());
    let commands: [fn(&Bench); 8] = [
        |b| b.breaker.open(),
        |b| b.breaker.half_open(),
        |b| b.breaker.force_open(),
        |b| b.breaker.open_for(secs(1)),
        |b| b.breaker.metrics_only(),
        |b| b.breaker.close(),
        |b| b.breaker.disable(),
        |b| b.advance(secs(10)),
    ];
    for first in commands {
        for second in commands {
            first(&b);
            second(&b);
            let (state, would) = (b.state(), b.breaker.can_execute());
            let admitted = b.breaker.try_acquire();
            assert_eq!(would, admitted.is_ok());
            assert_eq!(state == State::Open, admitted.is_err());
            assert_eq!(b.breaker.is_open(), state == State::Open);
            assert_eq!(b.breaker.status().state, state);
        }
    }
}

// Polly v8 OnActionFailureAsync_EnsureBreakDurationNotOverflow; resilience4j CLOSED for ever.
#[test]
fn open_times_saturate() {
    let b = bench(settings().recovery_timeout(Duration::MAX));
    b.advance(secs(1_000_000));
    b.fail(1);
    b.advance(secs(1_000_000_000));
    assert_eq!(b.refusal().reason(), Reason::Open);

    let b = bench(settings().multiplier(1e9));
    b.fail(1);
    for _ in 0..100 {
        b.breaker.half_open();
        b.fail(1);
        assert_eq!(b.state(), State::Open);
    }
    b.breaker.close();
    b.fail(1);
    assert_eq!(b.refusal().retry_after(), Some(secs(10)), "a close starts the growth again");
}

#[test]
fn the_growth_of_the_open_time_is_capped_with_jitter_too() {
    let b = bench(settings().multiplier(2.0).jitter(1.0).max_recovery_timeout(secs(60)));
    b.fail(1);
    for _ in 0..200 {
        let left = b.refusal().retry_after().expect("an open circuit tells the time");
        assert!(left > Duration::ZERO && left <= secs(60), "{left:?}");
        b.advance(left);
        b.fail(1);
    }
}

#[test]
fn a_time_for_ever_can_be_ordered_and_ended() {
    let b = bench(settings());
    b.breaker.open_for(Duration::MAX);
    b.advance(secs(1_000_000_000));
    assert_eq!(b.state(), State::Open);
    b.breaker.open_for(millis(1));
    b.advance(millis(1));
    assert_eq!(b.state(), State::HalfOpen);
    b.breaker.open_for(Duration::ZERO);
    b.succeed(1);
    assert_eq!(b.state(), State::Closed);
}

// fabfuel: a later breaker of the same name replaces the first in silence; resilience4j: a second
// configuration of a known name is dropped in silence.
#[test]
fn one_name_is_one_breaker_and_a_contradiction_is_told() {
    let registry = Registry::new();
    let first = registry.get_or_insert("quotes", settings().build().expect("settings")).expect("a name");
    let second =
        registry.get_or_insert("quotes", settings().failure_threshold(7).build().expect("settings")).expect("a name");
    second.record_failure();
    assert!(first.is_open(), "the first settings are in force");
    let conflicts = registry.conflicts();
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(conflicts[0].key, "failure_threshold");
}

// opossum: `lastTimerAt` is stamped at construction, so that a restored open circuit waits wrongly;
// cockatiel restores half-open as open for ever ago.
#[test]
fn a_restored_circuit_keeps_what_is_left_of_its_open_time() {
    let b = bench(settings());
    b.fail(1);
    b.advance(secs(4));
    let snapshot = b.breaker.snapshot();
    let other = bench(settings());
    other.advance(secs(5000));
    other.breaker.restore(&snapshot);
    assert_eq!(other.refusal().retry_after(), Some(secs(6)));
    other.advance(secs(6));
    assert_eq!(other.state(), State::HalfOpen);

    other.breaker.restore(&Snapshot::new(State::HalfOpen, Mode::Auto, 0, Duration::ZERO, 0));
    let _trial = other.permit();
    assert_eq!(other.refusal().reason(), Reason::HalfOpenFull);
}

// opossum #450, resilience4j #299: settings cannot change at run time without losing the state.
#[test]
fn new_settings_keep_state_counters_and_window() {
    let b = bench(settings().failure_threshold(5).failure_rate_threshold(0.9).window_size(10));
    b.fail(3);
    b.breaker.reconfigure(Config::builder().failure_threshold(4)).expect("a good setting");
    assert_eq!(b.breaker.status().consecutive_failures, 3);
    assert_eq!(b.window().failures, 3);
    b.breaker.reconfigure(Config::builder().failure_threshold(0)).expect_err("no threshold is 0");
    b.fail(1);
    assert_eq!(b.state(), State::Open);
}

// Config::default of a struct with public fields can hold what no breaker can work by.
#[test]
fn zeroes_and_nonsense_are_refused_by_name() {
    for (config, key) in [
        (Config::builder().failure_threshold(0), "failure_threshold"),
        (Config::builder().recovery_timeout(Duration::ZERO), "recovery_timeout"),
        (Config::builder().half_open_max_calls(0), "half_open_max_calls"),
        (Config::builder().failure_rate_threshold(0.0), "failure_rate_threshold"),
        (Config::builder().failure_rate_threshold(1.1), "failure_rate_threshold"),
        (Config::builder().failure_rate_threshold(f64::NAN), "failure_rate_threshold"),
        (Config::builder().multiplier(0.5), "multiplier"),
        (Config::builder().jitter(f64::INFINITY), "jitter"),
        (Config::builder().failure_threshold(None), "failure_threshold"),
    ] {
        let error = config.build().expect_err(key);
        assert_eq!(error.key(), key);
    }
}
