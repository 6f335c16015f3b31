//! Counting over a fleet, on the store in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use breakerbox::shared::{Counts, Order};
use breakerbox::{Mode, State};

use crate::store::{Fleet, WAIT, secs};

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// What an instance hands in, once more with each call.
fn counts(failures: u64, successes: u64) -> Counts {
    let mut counts = Counts::default();
    (counts.serial, counts.failures, counts.successes) = (SERIAL.fetch_add(1, Ordering::Relaxed), failures, successes);
    (counts.window, counts.quorum, counts.wait) = (secs(60), 3, WAIT);
    (counts.failure_threshold, counts.minimum_calls) = (Some(5), 10);
    counts
}

#[test]
fn what_is_handed_in_twice_counts_once() {
    let mut fleet = Fleet::new(1);
    let three = counts(3, 0);
    assert_eq!(fleet.count(0, &three).state, State::Closed);
    assert_eq!(fleet.count(0, &three).state, State::Closed, "the answer was lost");
    assert_eq!(fleet.count(0, &counts(2, 0)).state, State::Open);
}

// dist-count-001
#[test]
fn instances_with_one_failure_each_open_the_fleet_together() {
    let mut fleet = Fleet::new(5);
    for instance in 0..4 {
        assert_eq!(fleet.count(instance, &counts(1, 0)).state, State::Closed);
    }
    let open = fleet.count(4, &counts(1, 0));
    assert_eq!((open.state, open.left, open.reopened), (State::Open, WAIT, 0));
}

#[test]
fn one_instance_with_many_failures_opens_only_itself() {
    let mut fleet = Fleet::new(5);
    assert_eq!(fleet.count(0, &counts(100, 0)).state, State::Closed);
    assert_eq!(fleet.count(1, &counts(1, 0)).state, State::Closed);
    // What was seen longer ago than the window is forgotten, and so is who saw it.
    fleet.clock.advance(secs(61));
    assert_eq!(fleet.count(2, &counts(4, 0)).state, State::Closed);
    assert_eq!(fleet.count(3, &counts(1, 0)).state, State::Closed, "two of five have seen failures");
    assert_eq!(fleet.count(4, &counts(1, 0)).state, State::Open);
}

#[test]
fn counts_of_the_window_are_a_sum_of_sliding_buckets() {
    let mut fleet = Fleet::new(1);
    // At an edge of the buckets, which are six seconds long.
    fleet.clock.set(Duration::from_micros(102_000_000_000 - 1));
    fleet.sync(0);
    assert_eq!(fleet.count(0, &counts(4, 0)).state, State::Closed);
    fleet.clock.advance(secs(59));
    let mut later = Fleet { store: fleet.store.clone(), clock: fleet.clock.clone(), lives: fleet.lives };
    assert_eq!(later.count(0, &counts(1, 0)).state, State::Open, "the first bucket is in the window");

    let mut fleet = Fleet::new(1);
    fleet.clock.set(Duration::from_micros(102_000_000_000 - 1));
    fleet.count(0, &counts(4, 0));
    fleet.clock.advance(secs(60));
    assert_eq!(fleet.count(0, &counts(1, 0)).state, State::Closed, "it has left the window");
}

#[test]
fn a_rate_of_the_fleet_waits_for_its_minimum_of_calls() {
    let mut fleet = Fleet::new(2);
    let rate = |failures, successes| {
        let mut counts = counts(failures, successes);
        (counts.failure_threshold, counts.failure_rate_threshold) = (None, Some(0.5));
        counts
    };
    assert_eq!(fleet.count(0, &rate(5, 0)).state, State::Closed);
    assert_eq!(fleet.count(1, &rate(0, 4)).state, State::Closed);
    assert_eq!(fleet.count(1, &rate(0, 1)).state, State::Open, "five of ten");
}

#[test]
fn counts_of_another_epoch_and_under_an_order_are_dropped() {
    let mut fleet = Fleet::new(1);
    let reset = fleet.command(Order::Reset);
    assert_eq!(fleet.count(0, &counts(100, 0)).state, State::Closed, "they are of epoch 0");
    let mut now = counts(100, 0);
    now.on = fleet.command(Order::Mode(Mode::MetricsOnly)).epoch;
    assert_eq!(fleet.count(0, &now).state, State::Closed);
    assert!(now.on > reset.epoch);
}
