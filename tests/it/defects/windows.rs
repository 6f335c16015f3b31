//! Windows that do not slide, do not expire, are cut off, or count what is no call.

use breakerbox::{Config, ConfigBuilder, State};

use crate::support::{bench, millis, secs};

fn last_calls(size: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(None).failure_rate_threshold(0.5).window_size(size).minimum_calls(size)
}

fn last_ten_seconds() -> ConfigBuilder {
    Config::builder().failure_threshold(None).failure_rate_threshold(0.5).window_duration(secs(10)).minimum_calls(4)
}

// tower-resilience 0.14, circuit.rs:235: the count window never evicts; circuitbreaker-rs 0.1.1,
// metrics.rs:106: the rate is over the whole life.
#[test]
fn a_count_window_slides_after_ten_thousand_successes() {
    let b = bench(last_calls(10));
    b.succeed(10_000);
    b.fail(4);
    assert_eq!(b.state(), State::Closed);
    b.fail(1);
    assert_eq!(b.state(), State::Open);
}

#[test]
fn a_count_window_slides_with_a_failure_now_and_then() {
    let b = bench(last_calls(10));
    for _ in 0..1000 {
        b.fail(1);
        b.succeed(9);
        assert_eq!((b.window().calls, b.window().failures), (10, 1));
    }
    b.fail(5);
    assert_eq!(b.state(), State::Open);
}

// mcp-proxy #220 (tower-resilience circuit.rs:596): cannot open before 100 calls, whatever is set.
#[test]
fn the_minimum_of_calls_is_the_one_that_was_set() {
    let config = Config::builder().failure_threshold(None).failure_rate_threshold(0.5).window_size(100);
    let b = bench(config.minimum_calls(4));
    b.fail(3);
    assert_eq!(b.state(), State::Closed);
    assert_eq!(b.window().failure_rate, None);
    b.fail(1);
    assert_eq!(b.state(), State::Open);
}

// resilience4j #1349: a minimum above the window is clamped in silence.
#[test]
fn a_minimum_above_the_window_is_refused() {
    let error = last_calls(5).minimum_calls(10).build().expect_err("no rate could ever be taken");
    assert_eq!(error.key(), "minimum_calls");
}

// failsafe 1.3, failure_policy.rs:165: 100,000 failures in the first window, still closed;
// circuitbreaker-rs 0.1.1, policy.rs:98: time windows are never fed.
#[test]
fn a_time_window_trips_right_after_the_start_and_right_after_a_recovery() {
    let b = bench(last_ten_seconds().recovery_timeout(secs(5)));
    for _ in 0..3 {
        b.fail(4);
        assert_eq!(b.state(), State::Open);
        b.advance(secs(5));
        b.succeed(3);
        assert_eq!(b.state(), State::Closed);
    }
}

// failsafe 1.3, windowed_adder.rs:62: the window stretches up to twice its length; hystrix-go: the
// sum of ten seconds covers eleven.
#[test]
fn a_call_leaves_a_time_window_when_it_is_as_old_as_the_window() {
    for phase in 0..40 {
        let b = bench(last_ten_seconds().minimum_calls(1000));
        b.advance(millis(phase * 137));
        b.fail(1);
        b.succeed(1);
        // Buckets are a tenth of the window: nothing leaves before nine tenths.
        b.advance(secs(9));
        assert_eq!((b.window().calls, b.window().failures), (2, 1), "phase {phase}");
        b.advance(secs(1));
        assert_eq!((b.window().calls, b.window().failures), (0, 0), "phase {phase}");
    }
}

// resilience4j needs whole seconds (#1034); Polly under 200 ms and Sentinel at any size tumble.
#[test]
fn a_short_time_window_slides_too() {
    let config = Config::builder().failure_threshold(None).failure_rate_threshold(0.5);
    let b = bench(config.window_duration(millis(10)).minimum_calls(4));
    b.advance(millis(9));
    b.fail(2);
    b.advance(millis(2));
    b.fail(1);
    assert_eq!(b.state(), State::Closed);
    b.fail(1);
    assert_eq!(b.state(), State::Open);
}

// cockatiel issue 64: only one bucket is rotated per call, so old failures outlive any idle time.
#[test]
fn a_long_idle_time_empties_a_time_window() {
    let b = bench(last_ten_seconds().minimum_calls(15));
    b.fail(14);
    b.advance(secs(600));
    assert_eq!(b.window().calls, 0);
    b.fail(1);
    assert_eq!(b.state(), State::Closed);
    assert_eq!(b.window().calls, 1);
}

// breaker-machines 0.16, storage.rs push_event: the window is cut off at the last 1,000 events.
#[test]
fn a_time_window_counts_a_hundred_thousand_calls_exactly() {
    let b = bench(last_ten_seconds().minimum_calls(1_000_000));
    for step in 0..100 {
        b.fail(u32::from(step % 2 == 0));
        b.succeed(1000);
        b.advance(millis(50));
    }
    assert_eq!((b.window().calls, b.window().failures), (100_050, 50));
}

// seatbelt 0.11, probing/options.rs:97: a threshold of 1.0 panics; Sentinel #1769: it never trips.
#[test]
fn a_rate_of_one_can_be_reached() {
    let b = bench(last_calls(10).failure_rate_threshold(1.0));
    b.succeed(1);
    b.fail(9);
    assert_eq!(b.state(), State::Closed);
    b.fail(1);
    assert_eq!(b.state(), State::Open);

    let slow = Config::builder().failure_threshold(None).slow_call_duration(millis(10)).slow_call_rate_threshold(1.0);
    let b = bench(slow.window_size(2).minimum_calls(2));
    for expected in [State::Closed, State::Open] {
        let permit = b.permit();
        b.advance(millis(11));
        permit.success();
        assert_eq!(b.state(), expected);
    }
}

// failsafe (Java) TimedCircuitStats rounds to whole percents, failsafe-go to two decimals: 49.7 % trips 50 %.
#[test]
fn a_rate_is_not_rounded() {
    let b = bench(last_calls(396));
    b.succeed(199);
    b.fail(197);
    assert_eq!(b.state(), State::Closed);
    b.fail(1);
    assert_eq!(b.state(), State::Open, "198 of the last 396 are half of them");
}

// A share times a count is no whole number in floating point: 0.6 * 5 is 3.0000000000000004 or not.
#[test]
fn a_rate_that_is_a_fraction_of_the_window_is_reached_exactly() {
    for calls in 1..=60_u32 {
        for failures in 1..=calls {
            let share = f64::from(failures) / f64::from(calls);
            let b = bench(last_calls(calls).failure_rate_threshold(share));
            b.succeed(calls - failures);
            b.fail(failures - 1);
            assert_eq!(b.state(), State::Closed, "{} of {calls}", failures - 1);
            b.fail(1);
            assert_eq!(b.state(), State::Open, "{failures} of {calls}");
        }
    }
}

// opossum lib/circuit.js: refused calls are in the denominator, so real failures are diluted.
#[test]
fn refusals_are_not_in_the_window() {
    let b = bench(last_ten_seconds().recovery_timeout(secs(1)));
    b.fail(4);
    for _ in 0..100 {
        b.refusal();
    }
    assert_eq!(b.window().calls, 4);
    b.advance(secs(1));
    b.succeed(3);
    b.fail(4);
    assert_eq!(b.state(), State::Open);
}

// resilience4j: a wall clock stepped back throws one bucket away at every read (3, 2, 1, 0), and
// the open time grows by the step each time.
#[test]
fn a_clock_that_steps_back_loses_no_call_and_no_open_time() {
    let b = bench(last_ten_seconds().recovery_timeout(secs(5)));
    b.advance(secs(100));
    b.fail(1);
    b.succeed(2);
    b.clock.set(secs(1050));
    for _ in 0..20 {
        assert_eq!((b.window().calls, b.window().failures), (3, 1));
    }
    b.fail(1);
    assert_eq!((b.window().calls, b.window().failures), (4, 2));
    assert_eq!(b.state(), State::Open);

    b.clock.set(secs(1020));
    for _ in 0..20 {
        b.refusal();
    }
    b.clock.set(secs(1055));
    assert_eq!(b.state(), State::HalfOpen, "opened at 1050, so its five seconds are over");
    b.succeed(3);
    assert_eq!(b.state(), State::Closed);
}

// resilience4j LOCK_FREE: the time window has a clock of its own, and ignores the one that was set.
#[test]
fn the_window_and_the_open_time_follow_the_clock_that_was_set() {
    let b = bench(last_ten_seconds());
    let other = breakerbox::ManualClock::new();
    b.breaker.set_clock(other.clone());
    b.fail(3);
    b.advance(secs(600));
    assert_eq!(b.window().calls, 3);
    other.advance(secs(600));
    assert_eq!(b.window().calls, 0);
}
