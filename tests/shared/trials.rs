//! Trials of a fleet, stepped by hand: with few calls, of processes that stand still, and answers that are lost.

use std::time::Duration;

use breakerbox::{Config, State};

use crate::faulty::Way;
use crate::rig::{INTERVAL, Rig, WAIT, config, secs};

const STEP: Duration = Duration::from_millis(50);

/// Each instance gets one call in that time, which succeeds. Returns when all are closed after opening.
fn closed_after(instances: usize, apart: Duration, longest: Duration) -> Option<Duration> {
    let rig = Rig::new(instances, config(1));
    rig.trip(&(0..instances).collect::<Vec<_>>());
    rig.round();
    assert_eq!(rig.view().state, State::Open);
    let (apart, interval) = (apart.as_millis(), INTERVAL.as_millis());
    let mut passed = Duration::ZERO;
    while passed < longest {
        rig.clocks(STEP);
        passed += STEP;
        let now = passed.as_millis();
        if now.is_multiple_of(interval) {
            rig.round();
        }
        for (number, instance) in rig.instances.iter().enumerate() {
            let first = apart * number as u128 / instances as u128 / STEP.as_millis() * STEP.as_millis();
            if (now + apart - first).is_multiple_of(apart) {
                instance.call().into_iter().for_each(breakerbox::Permit::success);
                // What it notes wakes the thread.
                instance.fleet.sync();
            }
        }
        if rig.states().iter().all(|state| *state == State::Closed) {
            return Some(passed);
        }
    }
    None
}

#[test]
fn a_circuit_with_few_calls_closes() {
    for apart in [300, 1000, 2000, 3000, 5000, 10_000, 60_000, 300_000, 600_000] {
        let apart = Duration::from_millis(apart);
        for instances in [1, 2, 5] {
            let calls = if instances == 1 { 2 } else { 3 };
            let longest = WAIT + calls * apart + calls * INTERVAL;
            let closed = closed_after(instances, apart, longest);
            assert!(closed.is_some(), "{instances} with a call each {apart:?} are not closed after {longest:?}");
        }
    }
}

#[test]
fn trials_that_do_not_end_are_no_more_than_there_are_places() {
    for places in [1, 2, 3] {
        for apart in [1, 3, 7] {
            let rig = Rig::new(5, config(places));
            rig.trip(&[0, 1, 2, 3, 4]);
            rig.pass(WAIT);
            let mut trials = Vec::new();
            for second in 0..200 {
                rig.pass(INTERVAL);
                let due = rig.instances.iter().enumerate().filter(|(number, _)| (second + number) % apart == 0);
                for (_, instance) in due {
                    trials.extend(instance.call());
                    instance.fleet.sync();
                }
            }
            assert_eq!(trials.len(), places as usize, "a call each {apart} s");
        }
    }
}

#[test]
fn an_instance_that_is_not_called_any_more_gives_its_trial_back() {
    let rig = Rig::new(2, config(1));
    rig.trip(&[0]);
    rig.pass(WAIT);
    // The call that asks for it is the last one.
    assert!(rig.instances[0].call().is_none());
    rig.instances[0].fleet.sync();
    assert_eq!(rig.place.granted("0"), 1);
    assert!(rig.instances[1].trial().is_none());
    let mut passed = Duration::ZERO;
    let trial = loop {
        rig.pass(INTERVAL);
        passed += INTERVAL;
        if let Some(trial) = rig.instances[1].call() {
            break trial;
        }
        assert!(passed <= 2 * WAIT + 5 * INTERVAL, "the call before was {WAIT:?} ago when it asked");
    };
    assert!(rig.instances[0].call().is_none(), "it is not its own any more");
    trial.success();
}

/// With trials that may take five seconds.
fn short(trials: u32) -> Config {
    let config = Config::builder().failure_threshold(3).recovery_timeout(WAIT).half_open_max_calls(trials);
    config.half_open_timeout(secs(5)).build().expect("the settings are good")
}

#[test]
fn a_process_that_stood_still_makes_no_trial_by_an_old_grant() {
    let rig = Rig::new(2, short(1));
    rig.trip(&[0]);
    rig.pass(WAIT);
    assert!(rig.instances[0].call().is_none());
    rig.instances[0].fleet.sync();
    assert_eq!(rig.place.granted("0"), 1);
    // The first one stands still.
    let mut trial = None;
    for _ in 0..20 {
        rig.clocks(INTERVAL);
        trial = trial.or_else(|| rig.instances[1].call());
        rig.instances[1].fleet.sync();
        if trial.is_some() {
            break;
        }
    }
    let trial = trial.expect("the lease of the other is over");
    assert!(rig.instances[0].call().is_none(), "its call is faster than its thread");
    trial.success();
    rig.instances[1].fleet.sync();
    assert_eq!(rig.view().state, State::Closed);
}

#[test]
fn a_place_beside_a_trial_is_over_with_its_grant_too() {
    let rig = Rig::new(1, config(2));
    rig.trip(&[0]);
    rig.pass(WAIT);
    let first = rig.instances[0].trial().expect("its open time is over");
    assert_eq!(rig.place.granted("0"), 2, "it is alone");
    rig.clocks(secs(60));
    assert!(rig.instances[0].call().is_none(), "the second place was not renewed");
    rig.instances[0].fleet.sync();
    let second = rig.instances[0].call().expect("it was asked for again");
    assert!(rig.instances[0].call().is_none());
    first.success();
    second.success();
    assert_eq!(rig.states(), [State::Closed]);
}

#[test]
fn trials_whose_grant_was_lost_on_the_way_are_granted_again() {
    let rig = Rig::new(2, config(1));
    rig.trip(&[0]);
    rig.pass(WAIT);
    rig.round();
    assert!(rig.instances[0].call().is_none());
    rig.place.set_of("0", Way::Lost);
    rig.instances[0].fleet.sync();
    rig.place.set_of("0", Way::Free);
    for _ in 0..3 {
        rig.pass(INTERVAL);
    }
    assert!(rig.instances[0].trial().is_some(), "the lease would hold for an hour");
}
