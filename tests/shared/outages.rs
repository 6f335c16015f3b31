//! What instances do while their store is away, and what of it the fleet hears when it is back. Stepped by hand.

use breakerbox::shared::{Fleet, FleetCounts};
use breakerbox::{Config, Mode, State};

use crate::faulty::Way;
use crate::rig::{INTERVAL, Instance, Rig, WAIT, config, secs};

const OPEN: State = State::Open;
const CLOSED: State = State::Closed;

#[test]
fn an_order_given_while_the_store_is_away_is_done_when_it_is_back() {
    let rig = Rig::new(2, config(1));
    rig.place.set(Way::Cut);
    rig.instances[0].breaker.by("ada").force_open();
    rig.instances[0].breaker.by("bob").disable();
    rig.pass(INTERVAL);
    assert_eq!(rig.instances[1].breaker.mode(), Mode::Auto);
    rig.place.set(Way::Free);
    rig.pass(INTERVAL);
    rig.pass(INTERVAL);
    assert_eq!(rig.view().mode, Mode::Disabled, "the last one");
    assert_eq!(rig.instances[1].breaker.mode(), Mode::Disabled);
}

#[test]
fn an_outage_of_the_store_is_told_once_and_so_is_its_end() {
    let rig = Rig::new(2, config(1));
    rig.place.set_of("0", Way::Lost);
    (0..5).for_each(|_| rig.pass(INTERVAL));
    let status = rig.instances[0].store();
    assert_eq!(status.degraded.as_deref(), Some("the store did not answer in time"));
    assert_eq!(rig.instances[1].store().degraded, None);
    let errors = rig.instances[0].registry.store_errors();
    let count = |op| errors.iter().find(|errors| errors.op == op).map(|errors| (errors.store, errors.count));
    assert_eq!((count("sync"), count("panic")), (Some(("memory", 5)), Some(("memory", 0))));
    rig.place.set_of("0", Way::Free);
    (0..3).for_each(|_| rig.pass(INTERVAL));
    assert_eq!(rig.instances[0].store().degraded, None);
    let told = rig.instances[0].told();
    let of_store: Vec<&String> = told.iter().filter(|line| line.starts_with("memory store")).collect();
    assert_eq!(
        of_store,
        [
            "memory store: degraded, breakers work in memory (the store did not answer in time)",
            "memory store: recovered"
        ]
    );
}

#[test]
fn without_its_store_each_instance_tries_by_itself_and_the_fleet_hears_of_it_later() {
    let rig = Rig::new(2, config(1));
    rig.trip(&[0]);
    rig.round();
    rig.place.set(Way::Cut);
    rig.pass(WAIT);
    rig.instances[1].call().expect("its open time is over").success();
    assert_eq!(rig.states()[1], CLOSED);
    rig.place.set(Way::Free);
    rig.pass(INTERVAL);
    rig.pass(INTERVAL);
    rig.round();
    assert_eq!((rig.view().state, rig.states()), (CLOSED, vec![CLOSED; 2]));
}

#[test]
fn what_was_tried_too_early_by_the_clock_of_the_store_does_not_close_it() {
    let rig = Rig::new(2, config(1));
    rig.trip(&[0]);
    rig.round();
    rig.place.set(Way::Cut);
    rig.round();
    // Only the clock of the instance says that the time is over.
    rig.instances[1].clock.advance(WAIT);
    rig.instances[1].call().expect("its open time is over").success();
    rig.place.set(Way::Free);
    rig.round();
    rig.round();
    assert_eq!((rig.view().state, rig.states()), (OPEN, vec![OPEN; 2]));
}

#[test]
fn after_an_outage_votes_wait_until_all_are_back() {
    let rig = Rig::new(4, config(1));
    rig.place.set(Way::Cut);
    rig.place.flush();
    rig.trip(&[0]);
    rig.place.set(Way::Free);
    // The first one to be back would be half of the fleet.
    (0..3).for_each(|_| rig.instances[0].fleet.sync());
    assert_eq!((rig.view().votes, rig.view().needed), (0, 1));
    (0..3).for_each(|_| rig.round());
    assert_eq!((rig.view().state, rig.view().votes, rig.view().needed), (CLOSED, 1, 2));
}

#[test]
fn an_instance_that_never_comes_back_is_not_waited_for() {
    let rig = Rig::new(4, config(1));
    rig.place.set(Way::Cut);
    rig.place.flush();
    rig.trip(&[0]);
    rig.place.set(Way::Free);
    for number in 1..4 {
        rig.place.set_of(&number.to_string(), Way::Cut);
    }
    rig.round();
    rig.pass(INTERVAL);
    assert_eq!(rig.view().state, OPEN);
}

#[test]
fn an_order_that_comes_late_does_not_undo_a_younger_one() {
    let rig = Rig::new(2, config(1));
    rig.place.set_of("0", Way::Cut);
    rig.instances[0].breaker.by("ada").force_open();
    rig.pass(INTERVAL);
    rig.instances[1].breaker.by("bob").disable();
    rig.pass(INTERVAL);
    rig.place.set_of("0", Way::Free);
    (0..3).for_each(|_| rig.pass(INTERVAL));
    assert_eq!(rig.view().mode, Mode::Disabled);
    assert_eq!(rig.instances[0].breaker.mode(), Mode::Disabled);
}

#[test]
fn a_clock_of_the_store_that_was_days_ahead_stops_nobody() {
    let rig = Rig::new(2, config(1));
    rig.place.clock.advance(secs(2 * 86_400));
    rig.instances[0].breaker.open();
    rig.instances[0].fleet.sync();
    let now = breakerbox::Clock::now(&rig.place.clock);
    rig.place.clock.set(now.saturating_sub(secs(2 * 86_400)));
    rig.round();
    assert_eq!(rig.states(), [OPEN; 2]);
    rig.instances[1].breaker.reset();
    (0..3).for_each(|_| rig.round());
    assert_eq!(rig.instances[0].agrees(&rig.view()), Ok(()));
    assert_eq!(rig.states(), [CLOSED; 2]);
}

#[test]
fn what_was_counted_long_ago_is_not_handed_in() {
    let counts = |fleet: Fleet| fleet.quorum(1).counts(FleetCounts::new(secs(10)).failure_threshold(2));
    let many = Config::builder().failure_threshold(100).build().expect("the settings are good");
    let rig = Rig::with(2, many, counts);
    rig.place.set(Way::Cut);
    rig.instances.iter().for_each(|instance| instance.breaker.record_failure());
    rig.round();
    (0..11).for_each(|_| rig.pass(INTERVAL));
    rig.place.set(Way::Free);
    (0..3).for_each(|_| rig.pass(INTERVAL));
    assert_eq!(rig.view().state, CLOSED);
}

#[test]
fn what_all_have_counted_opens_all() {
    let counts = |fleet: Fleet| fleet.counts(FleetCounts::new(secs(60)).failure_threshold(8));
    let many = Config::builder().failure_threshold(100).recovery_timeout(WAIT).build().expect("the settings are good");
    let rig = Rig::with(4, many, counts);
    let fail = |instance: usize| rig.instances[instance].breaker.record_failure();
    (0..3).for_each(|_| fail(0));
    rig.pass(INTERVAL);
    // What the answer was lost to is handed in again, and counts once.
    (0..3).for_each(|_| fail(1));
    rig.place.set_of("1", Way::Lost);
    rig.pass(INTERVAL);
    rig.place.set_of("1", Way::Free);
    (0..3).for_each(|_| rig.pass(INTERVAL));
    fail(2);
    rig.pass(INTERVAL);
    assert_eq!(rig.states(), [CLOSED; 4], "seven of eight");
    fail(2);
    rig.pass(INTERVAL);
    rig.round();
    assert_eq!(rig.states(), [OPEN; 4]);
    assert_eq!(rig.instances[0].breaker.status().retry_after, Some(WAIT));
}

#[test]
fn after_an_outage_trials_are_rationed_again() {
    for is_lost in [false, true] {
        let rig = Rig::new(3, config(1));
        rig.trip(&[0, 1]);
        rig.round();
        rig.place.set(Way::Cut);
        rig.pass(INTERVAL);
        if is_lost {
            rig.place.flush();
        }
        rig.place.set(Way::Free);
        rig.pass(INTERVAL);
        rig.pass(INTERVAL);
        rig.pass(WAIT);
        assert!(rig.instances.iter().all(|instance| instance.call().is_none()), "nobody has granted one");
        let trials: Vec<_> = rig.instances.iter().filter_map(Instance::trial).collect();
        assert_eq!(trials.len(), 1);
    }
}

#[test]
fn trials_that_began_without_the_store_are_the_last_ones_when_it_is_back() {
    let rig = Rig::new(2, config(2));
    rig.trip(&[0]);
    rig.round();
    rig.place.set(Way::Cut);
    rig.pass(WAIT);
    let trial = rig.instances[1].call().expect("nobody rations it");
    rig.place.set(Way::Free);
    rig.round();
    assert!(rig.instances[1].call().is_none(), "there is a place by its settings, but it is not granted");
    // Its place does not come back: what is let in now was granted.
    drop(trial);
    rig.round();
    let trials: Vec<_> = (0..9).filter_map(|_| rig.instances[1].call()).collect();
    assert_eq!((trials.len(), rig.place.granted("1")), (2, 2));
}
