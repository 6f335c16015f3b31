//! Breakers on the system's clock: a coarse reading stands in for the precise one where it may.

use std::time::Duration;

use breakerbox::{Clock, Config, ConfigBuilder, Reason, Registry, State, SystemClock};

use crate::support::{fail_times, secs};

fn on_the_systems_clock(settings: ConfigBuilder) -> breakerbox::CircuitBreaker {
    Registry::new().get_or_insert("quotes", settings).expect("valid")
}

/// Waits for what the precise clock brings; gives up after many looks.
fn wait_for(is_so: impl Fn() -> bool) {
    for _ in 0..100_000_000_u64 {
        if is_so() {
            return;
        }
    }
    panic!("time stands still");
}

#[test]
fn the_systems_clock_goes_on_and_nearly_as_the_standard_librarys() {
    let (ours, theirs) = (SystemClock.now(), std::time::Instant::now());
    wait_for(|| SystemClock.now() > ours + Duration::from_millis(2));
    let (ours, theirs) = (SystemClock.now().saturating_sub(ours), theirs.elapsed());
    assert!(ours <= theirs + Duration::from_millis(1) && theirs <= ours + secs(60), "{ours:?} and {theirs:?}");
}

// The coarse clock shows less than the precise one: by it the open time would not be over yet.
#[test]
fn whoever_reads_half_open_gets_a_trial_at_once() {
    for nanos in [1, 1_000, 1_000_000] {
        let open_time = Duration::from_nanos(nanos);
        let breaker = on_the_systems_clock(Config::builder().failure_threshold(1).recovery_timeout(open_time));
        for _ in 0..20 {
            fail_times(&breaker, 1);
            wait_for(|| breaker.state() == State::HalfOpen);
            assert!(breaker.try_acquire().is_ok(), "read as half-open, and refused");
            breaker.reset();
        }
    }
}

#[test]
fn a_refusal_far_from_the_end_of_the_open_time_tells_what_is_left() {
    let breaker = on_the_systems_clock(Config::builder().failure_threshold(1).recovery_timeout(secs(3600)));
    fail_times(&breaker, 1);
    let left = breaker.try_acquire().expect_err("open").retry_after().expect("an open time");
    assert!(left > secs(3000) && left <= secs(3600) + Duration::from_millis(20), "{left:?}");
}

// The word of a first episode on the system's clock has no bit set at all.
#[test]
fn a_result_of_the_first_episode_is_late_in_the_second() {
    let breaker = on_the_systems_clock(Config::builder());
    let under_way: Vec<_> = (0..4).filter_map(|_| breaker.try_acquire().ok()).collect();
    breaker.open();
    breaker.reset();
    for (index, permit) in under_way.into_iter().enumerate() {
        if index % 2 == 0 { permit.failure() } else { permit.success() }
    }
    let totals = breaker.status().totals;
    assert_eq!((totals.successes, totals.failures, totals.late), (0, 0, 4));
}

#[test]
fn a_trial_place_that_came_back_is_free_at_once() {
    let breaker = on_the_systems_clock(Config::builder().half_open_max_calls(1));
    breaker.half_open();
    for _ in 0..3 {
        let trial = breaker.try_acquire().expect("a free place");
        assert_eq!(breaker.try_acquire().expect_err("taken").reason(), Reason::HalfOpenFull);
        drop(trial);
    }
}
