//! What operators order: forced open, disabled, metrics only, reset, other settings.

use breakerbox::{Config, ConfigError, Key, Mode, Origin, Reason, Snapshot, State, Value};

use crate::support::{assert_law, bench, fail, fail_times, heard, listen, secs, succeed, succeed_times};

#[test]
fn forced_open_refuses_for_ever_and_is_no_trip() {
    let b = bench(Config::builder());
    b.breaker.force_open();
    b.clock.advance(secs(86_400));
    let refused = b.breaker.try_acquire().expect_err("forced open");
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::ForcedOpen, None));
    let status = b.breaker.status();
    assert_eq!((status.state, status.mode, status.retry_after), (State::Open, Mode::ForcedOpen, None));
    assert_eq!((status.totals.trips, status.totals.rejections.forced_open), (0, 1));
    b.breaker.auto();
    assert_eq!(b.breaker.state(), State::Closed);
    assert!(succeed(&b.breaker));
}

#[test]
fn what_lies_beneath_a_mode_comes_back_with_auto() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)));
    fail_times(&b.breaker, 1);
    b.breaker.disable();
    assert_eq!(b.breaker.state(), State::Closed);
    b.clock.advance(secs(10));
    b.breaker.auto();
    assert_eq!((b.breaker.state(), b.breaker.status().retry_after), (State::Open, Some(secs(20))));
}

#[test]
fn disabled_admits_all_and_records_nothing() {
    let b = bench(Config::builder().failure_threshold(1));
    b.breaker.disable();
    fail_times(&b.breaker, 10);
    b.breaker.record_failure();
    assert_eq!(b.breaker.state(), State::Closed);
    assert_law(&b.breaker, 0);
    b.breaker.auto();
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn metrics_only_records_all_tells_what_would_open_and_opens_on_nothing() {
    let b = bench(Config::builder().failure_threshold(2));
    b.breaker.metrics_only();
    let lines = listen(&b.registry);
    fail_times(&b.breaker, 10);
    assert_eq!(heard(&lines), ["circuit 'quotes': would open (failure_threshold), but only measures"]);
    assert_eq!((b.breaker.state(), b.breaker.status().consecutive_failures), (State::Closed, 10));
    assert_law(&b.breaker, 10);
    b.breaker.auto();
    assert_eq!(b.breaker.status().consecutive_failures, 0);
}

#[test]
fn results_from_before_a_mode_are_late() {
    let b = bench(Config::builder().failure_threshold(1));
    let (one, other) = (b.breaker.try_acquire(), b.breaker.try_acquire());
    b.breaker.force_open();
    one.expect("closed").success();
    other.expect("closed").failure();
    assert_eq!(b.breaker.status().totals.late, 2);
    b.breaker.auto();
    assert_eq!(b.breaker.state(), State::Closed);
    assert_law(&b.breaker, 2);
}

#[test]
fn reset_closes_empties_and_ends_a_mode_but_keeps_the_counters() {
    let b = bench(Config::builder().failure_threshold(2));
    let lines = listen(&b.registry);
    fail_times(&b.breaker, 2);
    assert!(!fail(&b.breaker));
    b.breaker.reset();
    assert_eq!(b.breaker.state(), State::Closed);
    fail_times(&b.breaker, 1);
    b.breaker.reset();
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    b.breaker.force_open();
    b.breaker.reset();
    assert_eq!((b.breaker.mode(), b.breaker.state()), (Mode::Auto, State::Closed));
    assert_law(&b.breaker, 5);
    assert_eq!(
        heard(&lines),
        [
            "circuit 'quotes': closed -> open (2 consecutive failures)",
            "circuit 'quotes': open -> closed (reset)",
            "circuit 'quotes': reset",
            "circuit 'quotes': reset",
            "circuit 'quotes': mode auto -> forced_open",
            "circuit 'quotes': mode forced_open -> auto",
            "circuit 'quotes': reset"
        ]
    );
}

#[test]
fn reconfigure_keeps_state_counters_and_what_was_not_named() -> Result<(), ConfigError> {
    let b = bench(Config::builder().failure_threshold(5).recovery_timeout(secs(7)));
    fail_times(&b.breaker, 2);
    b.breaker.reconfigure(Config::builder().failure_threshold(3))?;
    fail_times(&b.breaker, 1);
    let status = b.breaker.status();
    assert_eq!((status.state, status.retry_after, status.totals.failures), (State::Open, Some(secs(7)), 3));
    let of = |key: Key| status.setting(key);
    assert_eq!((of(Key::FailureThreshold).value, of(Key::FailureThreshold).origin), (Value::Count(3), Origin::Runtime));
    assert_eq!(of(Key::RecoveryTimeout).origin, Origin::Code);
    assert_eq!(of(Key::SuccessThreshold).origin, Origin::Default);
    Ok(())
}

#[test]
fn reconfigure_takes_the_settings_of_a_preset_too() -> Result<(), ConfigError> {
    let b = bench(Config::builder().failure_threshold(5));
    b.breaker.reconfigure(Config::preset(breakerbox::Preset::Redis))?;
    let status = b.breaker.status();
    assert_eq!(status.setting(Key::FailureThreshold).value, Value::Count(3));
    assert_eq!(status.setting(Key::RecoveryTimeout).value, Value::Time(secs(15)));
    Ok(())
}

#[test]
fn a_change_that_leaves_enough_good_trials_closes_the_circuit() -> Result<(), ConfigError> {
    let b = bench(Config::builder());
    b.breaker.half_open();
    succeed_times(&b.breaker, 2);
    b.breaker.reconfigure(Config::builder().success_threshold(2).half_open_max_calls(2))?;
    assert_eq!(b.breaker.state(), State::Closed);
    Ok(())
}

#[test]
fn a_snapshot_of_any_numbers_does_no_harm() {
    let b = bench(Config::builder());
    b.breaker.restore(&Snapshot::new(State::Open, Mode::Auto, u64::MAX, std::time::Duration::MAX, u32::MAX));
    assert!(!succeed(&b.breaker));
    b.breaker.reset();
    b.breaker.open();
    b.breaker.reset();
    assert!(succeed(&b.breaker));
}

#[test]
fn a_bad_change_changes_nothing() {
    let b = bench(Config::builder().failure_rate_threshold(0.5).window_size(20));
    let before = b.breaker.status().settings;
    let error = b.breaker.reconfigure(Config::builder().failure_threshold(7).minimum_calls(21)).expect_err("refused");
    assert_eq!(error.key(), "minimum_calls");
    assert!(error.to_string().contains("window_size"), "{error}");
    assert_eq!(b.breaker.status().settings, before);
}

#[test]
fn a_window_of_another_shape_starts_empty_and_the_same_goes_on() -> Result<(), ConfigError> {
    let b = bench(Config::builder().failure_rate_threshold(0.9).window_size(20));
    succeed_times(&b.breaker, 3);
    fail_times(&b.breaker, 1);
    let calls = || b.breaker.status().window.map(|window| window.calls);
    b.breaker.reconfigure(Config::builder().minimum_calls(20))?;
    assert_eq!(calls(), Some(4));
    b.breaker.reconfigure(Config::builder().window_duration(secs(5)))?;
    assert_eq!(calls(), Some(0));
    succeed_times(&b.breaker, 2);
    assert_eq!(calls(), Some(2));
    b.breaker.reconfigure(Config::builder().failure_rate_threshold(None))?;
    assert_eq!(calls(), None);
    Ok(())
}

#[test]
fn a_snapshot_takes_a_breaker_up_with_the_time_that_is_left() {
    let first = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)).multiplier(2.0));
    fail_times(&first.breaker, 1);
    first.clock.advance(secs(30));
    fail_times(&first.breaker, 1);
    first.clock.advance(secs(10));
    let snapshot = first.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.remaining, snapshot.reopened), (State::Open, secs(50), 1));

    let second = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)).multiplier(2.0));
    second.breaker.restore(&snapshot);
    let status = second.breaker.status();
    assert_eq!((status.state, status.retry_after, status.reopened), (State::Open, Some(secs(50)), 1));
    assert!(status.generation >= snapshot.generation);
    second.clock.advance(secs(50));
    fail_times(&second.breaker, 1);
    assert_eq!(second.breaker.status().retry_after, Some(secs(120)));
}

#[test]
fn half_open_is_restored_as_open_with_nothing_left_and_a_mode_is_kept() {
    let b = bench(Config::builder().half_open_max_calls(1));
    b.breaker.restore(&Snapshot::new(State::HalfOpen, Mode::Auto, 9, secs(5), 0));
    assert_eq!(b.breaker.state(), State::HalfOpen);
    assert_eq!(b.breaker.status().generation, 9);
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    b.breaker.restore(&Snapshot::new(State::Closed, Mode::ForcedOpen, 0, secs(0), 0));
    assert_eq!((b.breaker.state(), b.breaker.mode()), (State::Open, Mode::ForcedOpen));
    assert!(b.breaker.status().generation > 9);
}

#[test]
fn a_reset_tells_first_what_time_has_done() {
    let b = bench(Config::builder().half_open_timeout(secs(5)));
    b.breaker.half_open();
    b.clock.advance(secs(5));
    let lines = listen(&b.registry);
    b.breaker.reset();
    assert_eq!(
        heard(&lines),
        [
            "circuit 'quotes': half_open -> open (no verdict in time)",
            "circuit 'quotes': open -> closed (reset)",
            "circuit 'quotes': reset"
        ]
    );
}
