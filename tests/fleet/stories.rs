//! What a fleet goes through, one story each.

use std::thread;
use std::time::{Duration, Instant};

use crate::fleet::{AGREEMENT, Fleet};
use crate::part::{RECOVERY_TIMEOUT, SYNC_INTERVAL, TRIALS};

const INSTANCES: usize = 4;
/// Enough for many calls, and for the machine to do other things.
const LONG: Duration = Duration::from_secs(30);

fn both(story: impl Fn(Fleet)) {
    story(Fleet::with_folder(INSTANCES));
    if let Some(fleet) = Fleet::with_redis(INSTANCES) {
        story(fleet);
    }
}

/// Waits for calls that arrive at the backend.
fn until_calls(fleet: &Fleet, more: usize) {
    let (before, start) = (fleet.backend.calls(), Instant::now());
    while fleet.backend.calls() < before + more {
        assert!(start.elapsed() < LONG, "{} calls of {more}", fleet.backend.calls() - before);
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_fleet_opens_and_closes_together_and_admits_its_trials_alone() {
    both(|mut fleet| {
        until_calls(&fleet, 40);
        fleet.backend.set_down(true);
        fleet.none_closed(LONG);
        fleet.until_agreed();
        // Two open times and their trials; every epoch is a half-open episode of its own.
        thread::sleep(RECOVERY_TIMEOUT * 2 + SYNC_INTERVAL * 4);
        fleet.backend.set_down(false);
        fleet.all_closed(LONG);
        fleet.until_agreed();
        let trials = fleet.backend.trials();
        assert!(trials.len() > 1, "{trials:?}");
        assert!(trials.values().all(|trials| *trials <= TRIALS), "{trials:?}");
        assert_eq!(trials.values().last(), Some(&TRIALS), "the episode that closed it: {trials:?}");
        assert!(fleet.backend.most_trials_under_way() <= TRIALS);
        until_calls(&fleet, 40);
    });
}

#[test]
fn one_sick_node_opens_itself_alone() {
    let Some(mut fleet) = Fleet::with_redis(INSTANCES) else { return };
    until_calls(&fleet, 40);
    fleet.instances[0].does("pause 100000");
    thread::sleep(Duration::from_millis(200));
    fleet.instances[0].does("fail 3");
    assert_eq!(fleet.instances[0].ask().state, "open");
    thread::sleep(SYNC_INTERVAL * 4);
    let answers = fleet.ask();
    assert!(answers[1..].iter().all(|answer| answer.state == "closed"), "{answers:#?}");
    assert_ne!(answers[0].state, "closed");
    // A second one is a quorum of four.
    fleet.instances[1].does("pause 100000");
    thread::sleep(Duration::from_millis(200));
    fleet.instances[1].does("fail 3");
    fleet.none_closed(LONG);
}

#[test]
fn an_order_reaches_the_fleet_and_those_that_come_later() {
    both(|mut fleet| {
        fleet.instances[0].does("order force_open");
        fleet.until(AGREEMENT, "forced open", |answer| answer.mode == "forced_open" && answer.state == "open");
        // Whoever gave the order dies, and another one starts.
        fleet.instances.remove(0).kill();
        fleet.add();
        let last = fleet.instances.last().unwrap();
        assert_eq!(last.hears("ready"), "true");
        fleet.until(AGREEMENT, "forced open", |answer| answer.mode == "forced_open");
        fleet.instances[1].does("order reset");
        fleet.all_closed(AGREEMENT);
        until_calls(&fleet, 40);
    });
}

#[test]
fn redis_that_loses_all_while_open_is_told_again() {
    let Some(mut fleet) = Fleet::with_redis(INSTANCES) else { return };
    fleet.instances[0].does("order open");
    fleet.none_closed(LONG);
    fleet.until_agreed();
    fleet.redis().kill();
    fleet.until(LONG, "degraded", |answer| answer.is_degraded);
    fleet.none_closed(Duration::ZERO);
    fleet.redis().restart();
    fleet.until(LONG, "in touch", |answer| !answer.is_degraded);
    fleet.until_agreed();
    fleet.none_closed(Duration::ZERO);
    fleet.redis().flush();
    thread::sleep(SYNC_INTERVAL * 3);
    fleet.until_agreed();
    fleet.none_closed(Duration::ZERO);
}

#[test]
fn without_redis_every_instance_works_by_itself() {
    let Some(mut fleet) = Fleet::with_redis(INSTANCES) else { return };
    until_calls(&fleet, 40);
    fleet.redis().kill();
    until_calls(&fleet, 40);
    fleet.backend.set_down(true);
    fleet.none_closed(LONG);
    fleet.backend.set_down(false);
    fleet.all_closed(LONG);
    until_calls(&fleet, 40);
    // What it finds when it comes back is that all are well.
    fleet.redis().restart();
    fleet.until(LONG, "in touch", |answer| !answer.is_degraded);
    fleet.until_agreed();
    fleet.all_closed(LONG);
}

#[test]
fn an_instance_that_was_stopped_through_an_episode_learns_what_came_of_it() {
    both(|mut fleet| {
        until_calls(&fleet, 40);
        fleet.instances[0].stop();
        fleet.backend.set_down(true);
        let mut stopped = fleet.instances.remove(0);
        fleet.none_closed(LONG);
        fleet.backend.set_down(false);
        fleet.all_closed(LONG);
        stopped.go_on();
        let _ = stopped.ask();
        fleet.instances.push(stopped);
        fleet.until_agreed();
        fleet.all_closed(LONG);
    });
}
