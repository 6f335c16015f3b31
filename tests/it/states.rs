//! From state to state: what opens a circuit, what it does while open, and what closes it.

use breakerbox::{Cause, Config, Reason, State};

use crate::support::{assert_law, bench, fail, fail_times, heard, listen, secs, succeed, succeed_times};

#[test]
fn opens_after_five_failures_in_a_row_by_default() {
    let b = bench(Config::builder());
    fail_times(&b.breaker, 4);
    assert_eq!(b.breaker.state(), State::Closed);
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
    assert!(!succeed(&b.breaker));
    assert_law(&b.breaker, 6);
}

#[test]
fn a_success_starts_the_count_again() {
    let b = bench(Config::builder().failure_threshold(3));
    fail_times(&b.breaker, 2);
    succeed_times(&b.breaker, 1);
    fail_times(&b.breaker, 2);
    assert_eq!(b.breaker.state(), State::Closed);
    assert_eq!(b.breaker.status().consecutive_failures, 2);
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Open);
}

#[test]
fn the_open_time_is_over_exactly_at_recovery_timeout() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)));
    fail_times(&b.breaker, 1);
    b.clock.advance(std::time::Duration::from_nanos(29_999_999_999));
    let refused = b.breaker.try_acquire().expect_err("open");
    assert_eq!(refused.retry_after().map(|left| left.as_nanos()), Some(1));
    assert_eq!((refused.reason(), refused.state(), refused.name()), (Reason::Open, State::Open, "quotes"));
    b.clock.advance(std::time::Duration::from_nanos(1));
    assert_eq!(b.breaker.state(), State::HalfOpen);
    assert!(b.breaker.can_execute());
    assert!(succeed(&b.breaker));
}

#[test]
fn looking_at_it_begins_no_half_open_episode() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)).half_open_timeout(secs(60)));
    let lines = listen(&b.registry);
    fail_times(&b.breaker, 1);
    heard(&lines);
    // Far beyond the half-open timeout: without a trial call there is no episode to time out.
    for _ in 0..20 {
        b.clock.advance(secs(30));
        assert_eq!(b.breaker.state(), State::HalfOpen);
        assert_eq!(b.breaker.status().half_open.expect("half-open").time_left, None);
    }
    assert_eq!(heard(&lines), Vec::<String>::new());
    assert!(succeed(&b.breaker));
    assert_eq!(heard(&lines), ["circuit 'quotes': open -> half_open (open time over)"]);
}

#[test]
fn closes_after_enough_successful_trials() {
    let b = bench(Config::builder().failure_threshold(1).half_open_max_calls(3).success_threshold(2));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(60));
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::HalfOpen);
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    assert_eq!(b.breaker.status().consecutive_failures, 0);
}

#[test]
fn the_first_failed_trial_opens_it_again_for_the_full_time() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(40));
    succeed_times(&b.breaker, 1);
    fail_times(&b.breaker, 1);
    let status = b.breaker.status();
    assert_eq!((status.state, status.retry_after), (State::Open, Some(secs(30))));
    assert_eq!(status.last_transition.expect("it moved").cause, Cause::TrialFailed);
    assert_eq!((status.totals.trips, status.totals.transitions.half_open_to_open), (1, 1));
}

#[test]
fn admits_no_more_trials_than_allowed_whatever_becomes_of_them() {
    let b = bench(Config::builder().failure_threshold(1).half_open_max_calls(2).success_threshold(2));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(60));
    let first = b.breaker.try_acquire().expect("a trial");
    let second = b.breaker.try_acquire().expect("a trial");
    let refused = b.breaker.try_acquire().expect_err("full");
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::HalfOpenFull, None));
    first.success();
    // A trial that succeeded keeps its place; one that was neutral gives it back.
    assert!(!b.breaker.can_execute());
    second.ignore();
    assert!(b.breaker.can_execute());
    drop(b.breaker.try_acquire().expect("the place came back"));
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    assert_law(&b.breaker, 6);
}

#[test]
fn half_open_without_a_verdict_is_open_again_in_a_new_episode() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)).half_open_max_calls(1));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(30));
    let hanging = b.breaker.try_acquire().expect("a trial");
    b.clock.advance(secs(59));
    assert_eq!(b.breaker.state(), State::HalfOpen);
    b.clock.advance(secs(1));
    assert_eq!(b.breaker.state(), State::Open);
    // Opened again when the time was over, not when somebody looked.
    b.clock.advance(secs(10));
    assert_eq!(b.breaker.status().retry_after, Some(secs(20)));
    b.clock.advance(secs(20));
    assert!(succeed(&b.breaker));
    assert_eq!(b.breaker.state(), State::Closed);
    hanging.failure();
    assert_eq!(b.breaker.state(), State::Closed);
    assert_eq!(b.breaker.status().totals.late, 1);
}

#[test]
fn a_circuit_with_few_calls_closes_because_each_good_trial_begins_the_time_again() {
    let b = bench(Config::builder());
    fail_times(&b.breaker, 5);
    b.clock.advance(secs(60));
    for _ in 0..3 {
        assert!(succeed(&b.breaker));
        b.clock.advance(secs(59));
    }
    assert_eq!((b.breaker.state(), b.breaker.status().totals.rejections.total()), (State::Closed, 0));
}

#[test]
fn a_trial_that_ends_after_its_episode_is_late() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)).success_threshold(1));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(30));
    let slow = b.breaker.try_acquire().expect("a trial");
    b.clock.advance(secs(60));
    slow.success();
    assert_eq!((b.breaker.state(), b.breaker.status().totals.late), (State::Open, 1));
}

#[test]
fn a_trial_that_is_leaked_cannot_block_the_breaker() {
    let b = bench(Config::builder().failure_threshold(1).half_open_max_calls(1).half_open_timeout(secs(5)));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(60));
    std::mem::forget(b.breaker.try_acquire());
    assert!(!b.breaker.can_execute());
    b.clock.advance(secs(5 + 60));
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
}

#[test]
fn the_open_time_grows_and_starts_again_on_close() {
    let settings = Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1);
    let b = bench(settings.multiplier(2.0).max_recovery_timeout(secs(60)));
    fail_times(&b.breaker, 1);
    for seconds in [10, 20, 40, 60, 60] {
        assert_eq!(b.breaker.status().retry_after, Some(secs(seconds)));
        b.clock.advance(secs(seconds));
        fail_times(&b.breaker, 1);
    }
    b.clock.advance(secs(60));
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.status().reopened, 0);
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.status().retry_after, Some(secs(10)));
}

#[test]
fn jitter_spreads_the_open_time_within_its_share() {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(10)).jitter(0.2));
        fail_times(&b.breaker, 1);
        let wait = b.breaker.status().retry_after.expect("open");
        assert!((secs(8)..=secs(12)).contains(&wait), "{wait:?}");
        seen.insert(wait);
    }
    assert!(seen.len() > 25, "only {} different open times", seen.len());
}

#[test]
fn open_times_that_do_not_fit_last_for_ever() {
    let settings = Config::builder().failure_threshold(1).recovery_timeout(std::time::Duration::MAX);
    let b = bench(settings.multiplier(1e9).jitter(0.5));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(u64::MAX / 4_000_000_000));
    assert!(!b.breaker.can_execute());
}

#[test]
fn a_clock_that_steps_back_does_no_harm() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)).half_open_max_calls(1));
    fail_times(&b.breaker, 1);
    b.clock.set(secs(900));
    assert!(!fail(&b.breaker));
    assert_eq!(b.breaker.status().time_in_state, secs(0));
    b.clock.set(secs(1030));
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
}

#[test]
fn manual_moves_are_transitions_and_a_move_to_where_it_is_is_none() {
    let b = bench(Config::builder());
    let lines = listen(&b.registry);
    b.breaker.open();
    b.breaker.open();
    b.breaker.half_open();
    b.breaker.half_open();
    b.breaker.close();
    b.breaker.close();
    assert_eq!(
        heard(&lines),
        [
            "circuit 'quotes': closed -> open (by hand)",
            "circuit 'quotes': open -> half_open (by hand)",
            "circuit 'quotes': half_open -> closed (by hand)"
        ]
    );
    b.breaker.open_for(secs(7));
    assert_eq!(b.breaker.status().retry_after, Some(secs(7)));
    b.breaker.open_for(secs(9));
    assert_eq!(b.breaker.status().retry_after, Some(secs(9)));
}

#[test]
fn record_without_a_permit_counts_as_a_call_that_began_and_ended_now() {
    let b = bench(Config::builder().failure_threshold(2).half_open_max_calls(1));
    b.breaker.record_failure();
    b.breaker.record_success();
    b.breaker.record_failure();
    b.breaker.record_failure();
    assert_eq!(b.breaker.state(), State::Open);
    b.breaker.record_success();
    assert_eq!((b.breaker.state(), b.breaker.status().totals.late), (State::Open, 1));
    b.clock.advance(secs(60));
    b.breaker.record_success();
    assert_eq!(b.breaker.state(), State::Closed);
    assert_law(&b.breaker, 6);
}
