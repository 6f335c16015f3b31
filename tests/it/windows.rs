//! Rates over a window of calls or of time, and slow calls.

use breakerbox::{Cause, Config, ConfigBuilder, State};

use crate::support::{Bench, bench, fail_times, millis, secs, succeed_times};

fn by_rate() -> ConfigBuilder {
    Config::builder().failure_threshold(None).failure_rate_threshold(0.5)
}

fn window(b: &Bench) -> (u64, u64) {
    let window = b.breaker.status().window.expect("a window");
    (window.calls, window.failures)
}

#[test]
fn the_share_of_failures_opens_it_at_its_threshold() {
    let b = bench(by_rate().window_size(10).minimum_calls(10));
    succeed_times(&b.breaker, 5);
    fail_times(&b.breaker, 4);
    assert_eq!(b.breaker.state(), State::Closed);
    fail_times(&b.breaker, 1);
    let transition = b.breaker.status().last_transition.expect("it opened");
    assert_eq!((transition.cause, transition.failures, transition.calls), (Cause::FailureRateThreshold, 5, 10));
    assert_eq!(transition.to_string(), "circuit 'quotes': closed -> open (5 of 10 calls failed)");
    // What opened it stays to be seen while it is open.
    assert_eq!(window(&b), (10, 5));
}

#[test]
fn no_rate_is_taken_under_the_minimum_and_a_success_may_complete_it() {
    let b = bench(by_rate().window_size(10).minimum_calls(4));
    fail_times(&b.breaker, 3);
    assert_eq!(b.breaker.status().window.expect("a window").failure_rate, None);
    assert_eq!(b.breaker.state(), State::Closed);
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn a_count_window_forgets_the_oldest_call() {
    let b = bench(by_rate().window_size(4).minimum_calls(4).failure_rate_threshold(0.75));
    fail_times(&b.breaker, 2);
    succeed_times(&b.breaker, 2);
    assert_eq!(window(&b), (4, 2));
    succeed_times(&b.breaker, 1);
    assert_eq!(window(&b), (4, 1));
    succeed_times(&b.breaker, 1);
    assert_eq!(window(&b), (4, 0));
    fail_times(&b.breaker, 2);
    assert_eq!(b.breaker.state(), State::Closed);
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn successes_that_passed_a_clean_window_are_in_it_when_it_matters() {
    let b = bench(by_rate().window_size(100).minimum_calls(10));
    succeed_times(&b.breaker, 60);
    assert_eq!(window(&b), (60, 0));
    fail_times(&b.breaker, 30);
    assert_eq!(window(&b), (90, 30));
    succeed_times(&b.breaker, 100);
    assert_eq!(window(&b), (100, 0));
    succeed_times(&b.breaker, 100_000);
    fail_times(&b.breaker, 49);
    assert_eq!((b.breaker.state(), window(&b)), (State::Closed, (100, 49)));
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn a_time_window_forgets_by_the_clock_alone() {
    let b = bench(by_rate().window_duration(secs(10)).minimum_calls(100));
    fail_times(&b.breaker, 2);
    succeed_times(&b.breaker, 3);
    b.clock.advance(secs(5));
    succeed_times(&b.breaker, 1);
    assert_eq!(window(&b), (6, 2));
    b.clock.advance(millis(4999));
    assert_eq!(window(&b), (6, 2));
    b.clock.advance(millis(1));
    assert_eq!(window(&b), (1, 0));
    b.clock.advance(secs(5));
    assert_eq!(window(&b), (0, 0));
}

#[test]
fn a_time_window_slides_over_the_edges_of_its_buckets() {
    let b = bench(by_rate().window_duration(secs(10)).minimum_calls(4));
    b.clock.advance(millis(9990));
    fail_times(&b.breaker, 2);
    b.clock.advance(millis(20));
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn windows_start_empty_after_recovery() {
    for settings in [by_rate().window_size(10), by_rate().window_duration(secs(100))] {
        let b = bench(settings.minimum_calls(4).half_open_max_calls(1).recovery_timeout(secs(1)));
        succeed_times(&b.breaker, 2);
        fail_times(&b.breaker, 2);
        assert_eq!(b.breaker.state(), State::Open);
        b.clock.advance(secs(1));
        succeed_times(&b.breaker, 1);
        assert_eq!((b.breaker.state(), window(&b)), (State::Closed, (0, 0)));
        fail_times(&b.breaker, 3);
        assert_eq!(b.breaker.state(), State::Closed);
        fail_times(&b.breaker, 1);
        assert_eq!(b.breaker.state(), State::Open);
    }
}

#[test]
fn a_time_window_counts_past_a_clock_that_steps_back() {
    let b = bench(by_rate().window_duration(secs(10)).minimum_calls(4));
    fail_times(&b.breaker, 2);
    b.clock.set(secs(990));
    succeed_times(&b.breaker, 1);
    assert_eq!(window(&b), (3, 2));
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn the_shortest_window_at_the_end_of_time_does_not_overflow() {
    let b = bench(by_rate().window_duration(std::time::Duration::from_nanos(1)).minimum_calls(2));
    b.clock.advance(std::time::Duration::MAX);
    succeed_times(&b.breaker, 3);
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
}

#[test]
fn more_threads_than_stripes_count_each_success_once() {
    let b = bench(by_rate().window_duration(secs(1000)).minimum_calls(1000));
    let turn = std::sync::Barrier::new(40);
    std::thread::scope(|scope| {
        for number in 0..40 {
            let (b, turn) = (&b, &turn);
            // All at once, so that some share a stripe; each in its turn, in a bucket of its own or the next.
            scope.spawn(move || {
                for now in 0..40 {
                    turn.wait();
                    if now == number {
                        succeed_times(&b.breaker, 5);
                        b.clock.advance(secs(20));
                    }
                }
            });
        }
    });
    assert_eq!(b.breaker.status().totals.successes, 200);
    assert_eq!(window(&b).0, 200);
}

#[test]
fn a_clock_that_shows_less_lets_the_window_expire_all_the_same() {
    let b = bench(by_rate().window_duration(secs(10)).minimum_calls(4));
    fail_times(&b.breaker, 1);
    let clock = breakerbox::ManualClock::new();
    b.breaker.set_clock(clock.clone());
    fail_times(&b.breaker, 3);
    clock.advance(secs(60));
    assert_eq!(window(&b), (0, 0));
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
}

#[test]
fn slow_calls_open_it_by_their_own_share() {
    let settings = Config::builder().slow_call_duration(secs(2)).slow_call_rate_threshold(0.5);
    let b = bench(settings.window_size(4).minimum_calls(4));
    for seconds in [2, 3, 1, 3] {
        let permit = b.breaker.try_acquire().expect("closed");
        b.clock.advance(secs(seconds));
        permit.success();
    }
    let status = b.breaker.status();
    let transition = status.last_transition.expect("it opened");
    assert_eq!(transition.cause, Cause::SlowCallRateThreshold);
    assert_eq!(transition.to_string(), "circuit 'quotes': closed -> open (2 of 4 calls were slow)");
    assert_eq!((status.totals.slow_calls, status.totals.successes), (2, 4));
}

#[test]
fn a_slow_failure_counts_in_both_shares() {
    let settings = by_rate().slow_call_duration(secs(2)).slow_call_rate_threshold(1.0);
    let b = bench(settings.failure_rate_threshold(1.0).window_size(10).minimum_calls(10));
    let permit = b.breaker.try_acquire().expect("closed");
    b.clock.advance(secs(3));
    permit.failure();
    succeed_times(&b.breaker, 1);
    let window = b.breaker.status().window.expect("a window");
    assert_eq!((window.calls, window.failures, window.slow_calls, window.slow_failures), (2, 1, 1, 1));
}

#[test]
fn count_and_rate_work_side_by_side() {
    let b = bench(Config::builder().failure_threshold(3).failure_rate_threshold(0.9).minimum_calls(50));
    fail_times(&b.breaker, 3);
    assert_eq!(b.breaker.status().last_transition.expect("it opened").cause, Cause::FailureThreshold);
}

#[test]
fn ignored_and_cancelled_calls_are_not_in_the_window() {
    let b = bench(by_rate().window_size(10).minimum_calls(2));
    for _ in 0..20 {
        b.breaker.try_acquire().expect("closed").ignore();
        drop(b.breaker.try_acquire().expect("closed"));
    }
    assert_eq!(window(&b), (0, 0));
    let totals = b.breaker.status().totals;
    assert_eq!((totals.ignored, totals.cancelled, totals.attempts), (20, 20, 40));
}

#[test]
fn a_success_opens_it_when_older_successes_have_expired() {
    let b = bench(by_rate().window_duration(secs(10)).minimum_calls(4));
    succeed_times(&b.breaker, 6);
    b.clock.advance(secs(5));
    fail_times(&b.breaker, 2);
    // Ends the run of failures, so that the next success has nothing to look at but the time.
    succeed_times(&b.breaker, 1);
    assert_eq!((b.breaker.state(), window(&b)), (State::Closed, (9, 2)));
    b.clock.advance(secs(5));
    assert_eq!(window(&b), (3, 2));
    succeed_times(&b.breaker, 1);
    assert_eq!((b.breaker.state(), window(&b)), (State::Open, (4, 2)));
}

#[test]
fn successes_are_looked_at_until_an_expired_window_has_its_minimum_again() {
    let b = bench(by_rate().window_duration(secs(10)).minimum_calls(6));
    succeed_times(&b.breaker, 9);
    b.clock.advance(secs(5));
    fail_times(&b.breaker, 3);
    succeed_times(&b.breaker, 1);
    b.clock.advance(secs(5));
    succeed_times(&b.breaker, 1);
    assert_eq!((b.breaker.state(), window(&b)), (State::Closed, (5, 3)));
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn a_slow_call_is_pushed_out_by_successes_too() {
    let b = bench(
        Config::builder()
            .failure_threshold(None)
            .slow_call_duration(secs(1))
            .slow_call_rate_threshold(1.0)
            .window_size(3)
            .minimum_calls(3),
    );
    let slow = b.breaker.try_acquire().expect("closed");
    b.clock.advance(secs(2));
    slow.success();
    let slow_calls = || b.breaker.status().window.expect("a window").slow_calls;
    succeed_times(&b.breaker, 2);
    assert_eq!(slow_calls(), 1);
    succeed_times(&b.breaker, 1);
    assert_eq!(slow_calls(), 0);
}

#[test]
fn a_success_opens_it_by_settings_that_were_changed_before() {
    let b = bench(by_rate().window_size(100).minimum_calls(100));
    fail_times(&b.breaker, 5);
    succeed_times(&b.breaker, 3);
    b.breaker.reconfigure(Config::builder().minimum_calls(10)).expect("valid");
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    succeed_times(&b.breaker, 1);
    assert_eq!((b.breaker.state(), window(&b)), (State::Open, (10, 5)));

    let b = bench(by_rate().window_size(10).minimum_calls(4).failure_rate_threshold(0.9));
    fail_times(&b.breaker, 2);
    succeed_times(&b.breaker, 2);
    b.breaker.reconfigure(Config::builder().failure_rate_threshold(0.4)).expect("valid");
    succeed_times(&b.breaker, 1);
    assert_eq!((b.breaker.state(), window(&b)), (State::Open, (5, 2)));
}

#[test]
fn a_success_at_the_edge_of_a_bucket_belongs_to_the_one_that_begins() {
    let rates = || by_rate().window_duration(secs(10)).minimum_calls(1);
    for settings in [rates(), rates().slow_call_duration(secs(1))] {
        let b = bench(settings);
        // The bench begins at 1000 s: at the edge of a bucket of one second.
        succeed_times(&b.breaker, 2);
        b.clock.advance(secs(1));
        succeed_times(&b.breaker, 3);
        b.clock.advance(secs(9));
        assert_eq!(window(&b), (3, 0));
        b.clock.advance(secs(1));
        assert_eq!(window(&b), (0, 0));
    }
}

/// Waits for the others when it is dropped, by a panic too.
struct Together<'a>(&'a std::sync::Barrier);

impl Drop for Together<'_> {
    fn drop(&mut self) {
        self.0.wait();
    }
}

#[test]
fn hundreds_of_threads_at_a_time_share_the_stripes() {
    let b = bench(by_rate().window_duration(secs(1000)).minimum_calls(1000));
    let end = std::sync::Barrier::new(300);
    std::thread::scope(|scope| {
        for _ in 0..300 {
            scope.spawn(|| {
                let _together = Together(&end);
                succeed_times(&b.breaker, 2);
            });
        }
    });
    assert_eq!((b.breaker.status().totals.successes, window(&b)), (600, (600, 0)));
}
