//! Snapshots and status: what they show of a breaker, and what a breaker takes up from them.

use breakerbox::{Config, Mode, Preset, Snapshot, State};

use crate::support::{bench, fail_times, heard, listen, millis, secs, succeed, succeed_times};

fn closed() -> Snapshot {
    Snapshot::new(State::Closed, Mode::Auto, 0, secs(0), 0)
}

#[test]
fn a_snapshot_of_a_closed_circuit_closes_an_open_one() {
    let b = bench(Config::builder().failure_threshold(1));
    fail_times(&b.breaker, 1);
    let lines = listen(&b.registry);
    b.breaker.restore(&closed());
    assert_eq!(b.breaker.state(), State::Closed);
    assert_eq!(heard(&lines), ["circuit 'quotes': open -> closed (restored)"]);
}

#[test]
fn a_closed_circuit_that_is_restored_closed_begins_anew_without_a_transition() {
    let b = bench(Config::builder().failure_threshold(3).failure_rate_threshold(0.5));
    let lines = listen(&b.registry);
    let under_way = b.permit();
    fail_times(&b.breaker, 2);
    b.breaker.restore(&closed());
    assert_eq!(heard(&lines), Vec::<String>::new());
    under_way.failure();
    let status = b.breaker.status();
    assert_eq!((status.consecutive_failures, status.totals.late), (0, 1));
    assert_eq!(status.window.map(|window| window.calls), Some(0));
    assert_eq!(status.last_transition, None);
}

// The word has 48 bits for the episode.
#[test]
fn a_restored_generation_leaves_room_for_those_to_come() {
    let b = bench(Config::builder());
    b.breaker.restore(&Snapshot::new(State::Open, Mode::Auto, u64::MAX, secs(1), 0));
    let generation = b.breaker.status().generation;
    assert!((1 << 40..1 << 48).contains(&generation), "{generation}");
}

#[test]
fn a_status_shows_rates_as_shares_from_the_minimum_on() {
    let b = bench(Config::builder().failure_rate_threshold(0.9).slow_call_duration(secs(1)).minimum_calls(4));
    fail_times(&b.breaker, 1);
    succeed_times(&b.breaker, 1);
    let slow = b.permit();
    b.advance(secs(2));
    slow.failure();
    assert_eq!((b.window().failure_rate, b.window().slow_call_rate), (None, None));
    succeed_times(&b.breaker, 1);
    assert_eq!((b.window().failure_rate, b.window().slow_call_rate), (Some(0.5), Some(0.25)));
}

#[test]
fn a_status_shows_the_half_open_episode_only_while_it_decides() {
    let b = bench(Config::builder().half_open_max_calls(3).success_threshold(2).half_open_timeout(secs(40)));
    b.breaker.half_open();
    let _trial = b.permit();
    succeed_times(&b.breaker, 1);
    b.advance(secs(15));
    let episode = b.breaker.status().half_open.expect("half-open");
    assert_eq!((episode.max_calls, episode.success_threshold), (3, 2));
    assert_eq!((episode.in_flight, episode.successes, episode.time_left), (1, 1, Some(secs(25))));
    b.breaker.metrics_only();
    assert_eq!(b.breaker.status().half_open, None);
    b.breaker.auto();
    assert!(b.breaker.status().half_open.is_some());
}

#[test]
fn a_status_tells_when_the_last_call_failed_if_one_did() {
    let b = bench(Config::builder());
    assert!(succeed(&b.breaker));
    assert_eq!(b.breaker.status().last_failure, None);
    fail_times(&b.breaker, 1);
    b.advance(secs(3600));
    let failed = b.breaker.status().last_failure.expect("one failed");
    let ago = failed.elapsed().expect("in the past");
    assert!(ago >= secs(3600) && ago < secs(3600 + 600), "{ago:?}");
}

#[test]
fn a_status_tells_the_preset() {
    assert_eq!(bench(Config::builder()).breaker.status().preset, None);
    assert_eq!(bench(Config::builder().preset(Preset::Kafka)).breaker.status().preset, Some(Preset::Kafka));
}

#[test]
fn the_time_in_a_state_goes_on_when_the_clock_is_exchanged() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)));
    fail_times(&b.breaker, 1);
    b.advance(secs(10));
    let later = breakerbox::ManualClock::new();
    later.set(secs(5000));
    b.registry.set_clock(later.clone());
    later.advance(millis(500));
    let status = b.breaker.status();
    assert_eq!((status.time_in_state, status.retry_after), (millis(10_500), Some(millis(19_500))));
}

#[test]
fn a_call_that_began_by_another_clock_is_late() {
    let b = bench(Config::builder());
    let under_way = b.permit();
    b.breaker.set_clock(b.clock.clone());
    under_way.success();
    assert_eq!((b.totals().successes, b.totals().late), (0, 1));
}
