//! What instances make of their fleet, stepped by hand.

use std::time::Duration;

use breakerbox::shared::{Beat, Fleet, Proposal, SharedStore, Verdict};
use breakerbox::{Cause, Config, Event, Mode, Source, State};

use crate::rig::{INTERVAL, Instance, NAME, Rig, WAIT, config, secs};

const OPEN: State = State::Open;
const CLOSED: State = State::Closed;

#[test]
fn enough_votes_open_all_and_the_status_tells_how() {
    let rig = Rig::new(4, config(1));
    rig.trip(&[0]);
    rig.round();
    assert_eq!(rig.states(), [OPEN, CLOSED, CLOSED, CLOSED]);
    let store = rig.instances[0].store();
    assert_eq!((store.store, store.source, store.epoch), ("memory", Source::Local, Some(0)));
    let votes = store.votes.expect("it is shared");
    assert_eq!((votes.given, votes.needed, store.degraded), (1, 2, None));
    assert!(store.synced.is_some());

    rig.trip(&[1]);
    rig.round();
    assert_eq!(rig.states(), [OPEN; 4]);
    let sources: Vec<Source> = rig.instances.iter().map(|instance| instance.store().source).collect();
    assert_eq!(sources, [Source::Local, Source::Local, Source::Remote, Source::Remote]);
    assert!(rig.instances.iter().all(|instance| instance.store().epoch == Some(rig.view().epoch)));
    assert_eq!(rig.instances[2].breaker.status().retry_after, Some(WAIT));
}

#[test]
fn what_others_found_is_told_as_such_and_what_is_known_is_not_told_again() {
    let rig = Rig::new(2, config(1));
    rig.trip(&[0]);
    rig.round();
    rig.round();
    let cause = |instance: usize| {
        let heard = rig.instances[instance].events.lock().expect("no test panics here").clone();
        let moves = heard
            .iter()
            .filter_map(|event| if let Event::Transition(moved) = event { Some(moved.cause) } else { None });
        moves.collect::<Vec<_>>()
    };
    assert_eq!((cause(0), cause(1)), (vec![Cause::FailureThreshold], vec![Cause::Remote]));
}

#[test]
fn trials_are_rationed_over_the_fleet_and_their_successes_add_up() {
    let rig = Rig::new(4, config(3));
    rig.trip(&[0, 1]);
    rig.pass(WAIT);
    let trials: Vec<_> = rig.instances.iter().map(Instance::trial).collect();
    assert_eq!(trials.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, true, false]);
    let mut trials = trials.into_iter().flatten();
    for state in [State::HalfOpen, State::HalfOpen, CLOSED] {
        trials.next().expect("three were let in").success();
        rig.round();
        assert_eq!(rig.view().state, state);
    }
    rig.round();
    assert_eq!(rig.states(), [CLOSED; 4]);
    assert!(rig.instances.iter().all(|instance| instance.call().is_some()));
}

#[test]
fn one_instance_alone_can_close_the_fleet() {
    let rig = Rig::new(4, config(3));
    rig.trip(&[0, 1]);
    rig.pass(WAIT);
    let mut calls = 0;
    while rig.view().state != CLOSED {
        calls += 1;
        assert!(calls < 12, "it is stuck: {:?}", rig.view());
        if let Some(permit) = rig.instances[3].call() {
            permit.success();
        }
        rig.pass(INTERVAL);
    }
    assert_eq!(rig.place.granted("3"), 3);
    rig.round();
    assert_eq!(rig.states(), [CLOSED; 4]);
}

#[test]
fn a_failed_trial_opens_all_again_for_the_next_step_of_the_backoff() {
    let config = Config::builder().failure_threshold(3).recovery_timeout(WAIT).half_open_max_calls(1).multiplier(2.0);
    let rig = Rig::new(2, config.build().expect("the settings are good"));
    rig.trip(&[0]);
    rig.pass(WAIT);
    rig.instances[1].trial().expect("the open time is over").failure();
    rig.instances[1].fleet.sync();
    rig.round();
    for instance in &rig.instances {
        let status = instance.breaker.status();
        assert_eq!((status.state, status.reopened, status.retry_after), (OPEN, 1, Some(2 * WAIT)));
    }
}

#[test]
fn an_instance_that_has_closed_again_votes_no_more() {
    let rig = Rig::new(4, config(1));
    rig.trip(&[0]);
    assert_eq!(rig.view().votes, 1);
    rig.clocks(WAIT);
    rig.instances[0].call().expect("nobody rations what it does alone").success();
    rig.instances[0].fleet.sync();
    assert_eq!((rig.view().votes, rig.states()[0]), (0, CLOSED));
    rig.round();
    rig.trip(&[1]);
    assert_eq!(rig.view().state, CLOSED);
}

#[test]
fn an_instance_that_stays_open_alone_keeps_its_vote() {
    let rig = Rig::new(4, config(1));
    rig.trip(&[0]);
    for _ in 0..5 {
        rig.pass(WAIT);
        rig.instances[0].call().expect("nobody rations what it does alone").failure();
        rig.instances[0].fleet.sync();
        assert_eq!(rig.view().votes, 1);
    }
    rig.trip(&[1]);
    assert_eq!(rig.view().state, OPEN);
}

#[test]
fn an_order_is_done_once_here_and_on_all_others_in_the_name_of_who_gave_it() {
    let rig = Rig::new(3, config(1));
    rig.trip(&[0, 1]);
    rig.round();
    rig.instances.iter().for_each(|instance| drop(instance.told()));
    rig.instances[2].breaker.by("ada").reset();
    rig.instances[2].fleet.sync();
    rig.round();
    assert_eq!(rig.states(), [CLOSED; 3]);
    let resets = |lines: Vec<String>| lines.iter().filter(|line| line.contains("reset")).count();
    let lines: Vec<Vec<String>> = rig.instances.iter().map(Instance::told).collect();
    assert!(lines[0].iter().all(|line| line.contains("by ada")), "{lines:?}");
    assert_eq!(resets(lines[2].clone()), 2, "the move and the order: {lines:?}");
    assert_eq!(rig.instances[0].store().source, Source::Remote);

    rig.instances[0].breaker.by("ada").force_open();
    rig.instances[0].fleet.sync();
    rig.round();
    assert!(rig.instances.iter().all(|instance| instance.breaker.mode() == Mode::ForcedOpen));
    let told = rig.instances[1].told();
    assert!(told.iter().any(|line| line == "circuit 'quotes': mode auto -> forced_open by ada"), "{told:?}");
}

#[test]
fn a_reset_of_a_closed_fleet_forgets_the_failures_of_all() {
    let rig = Rig::new(2, config(1));
    (0..2).for_each(|_| rig.instances[1].breaker.record_failure());
    rig.instances[0].breaker.reset();
    rig.instances[0].fleet.sync();
    rig.round();
    rig.instances[1].breaker.record_failure();
    assert_eq!(rig.instances[1].breaker.status().consecutive_failures, 1);
}

#[test]
fn a_breaker_that_is_made_later_takes_up_what_the_fleet_knows() {
    let rig = Rig::new(2, config(1));
    let late = rig.instances[0].registry.get_or_insert("late", config(1)).expect("the name is good");
    late.open();
    rig.instances[0].fleet.sync();
    let same = rig.instances[1].registry.get_or_insert("late", config(1)).expect("the name is good");
    assert_eq!(same.state(), CLOSED);
    assert!(rig.instances[1].fleet.ready(Duration::ZERO));
    assert_eq!(same.state(), OPEN);
}

#[test]
fn a_breaker_that_leaves_its_registry_works_by_itself() {
    let rig = Rig::new(2, config(1));
    rig.trip(&[0]);
    rig.round();
    let removed = rig.instances[1].registry.remove(NAME).expect("it is there");
    rig.pass(WAIT);
    assert!(removed.try_acquire().is_ok(), "nobody would grant it a trial");
    // Another one of its name is of the fleet again.
    let next = rig.instances[1].registry.get_or_insert(NAME, config(1)).expect("the name is good");
    rig.round();
    assert_eq!(next.state(), State::HalfOpen);
    assert!(next.try_acquire().is_err());
}

#[test]
fn a_hostile_open_time_is_not_believed_unless_an_operator_gave_it() {
    let rig = Rig::new(2, config(1));
    let mut store = rig.place.store.clone();
    let trip = Proposal::Trip { wait: secs(1_000_000), quorum: 1, lasts: secs(60) };
    assert_eq!(store.propose("someone", NAME, 0, &trip).expect("it is in memory").verdict, Verdict::Applied);
    rig.round();
    assert_eq!(rig.instances[0].breaker.status().retry_after, Some(10 * WAIT));
    rig.pass(10 * WAIT + secs(1));
    assert!(rig.instances[0].trial().is_some());

    rig.instances[0].breaker.open_for(secs(1_000_000));
    rig.instances[0].fleet.sync();
    rig.round();
    assert_eq!(rig.instances[1].breaker.status().retry_after, Some(secs(1_000_000)));
}

#[test]
fn the_end_of_a_registry_takes_its_vote_and_its_trials_along() {
    let mut rig = Rig::new(3, config(1));
    rig.trip(&[0]);
    assert_eq!((rig.view().votes, rig.view().needed), (1, 2));
    let registry = breakerbox::Registry::with_clock(rig.instances[0].clock.clone());
    let fleet = Fleet::new(rig.place.connect("x")).clock(rig.instances[0].clock.clone()).stepped();
    registry.attach(&fleet).expect("neither has another");
    let breaker = registry.get_or_insert(NAME, config(1)).expect("the name is good");
    fleet.sync();
    rig.clocks(INTERVAL);
    (0..3).for_each(|_| breaker.record_failure());
    fleet.sync();
    assert_eq!(rig.view().state, OPEN);
    rig.pass(WAIT);
    assert!(breaker.try_acquire().is_err());
    fleet.sync();
    assert_eq!(rig.place.granted("x"), 1);
    assert!(rig.instances[1].trial().is_none());
    drop((breaker, registry, fleet));
    rig.pass(INTERVAL);
    assert!(rig.instances.remove(1).trial().is_some(), "its trial is free at once");
}

#[test]
fn half_open_by_hand_is_half_open_for_all_with_rationed_trials() {
    let rig = Rig::new(3, config(1));
    rig.trip(&[0, 1]);
    rig.instances[2].breaker.half_open();
    assert!(rig.instances[2].call().is_none(), "the trial has to be granted");
    rig.instances[2].fleet.sync();
    rig.round();
    assert_eq!(rig.states(), [State::HalfOpen; 3]);
    let trials = rig.instances.iter().filter_map(Instance::trial).count();
    assert_eq!(trials, 1);
}

#[test]
fn a_vote_by_someone_who_is_gone_does_not_keep_the_fleet_from_its_quorum() {
    let rig = Rig::new(1, config(1));
    let mut store = rig.place.store.clone();
    for ghost in 0..9 {
        store.sync(&format!("ghost{ghost}"), &[Beat::new(NAME, secs(3))]).expect("it is in memory");
    }
    rig.trip(&[0]);
    assert_eq!((rig.view().state, rig.view().needed), (CLOSED, 5));
    rig.pass(secs(4));
    assert_eq!(rig.view().needed, 1);
    // The vote is repeated with the next episode; alone it opens the fleet.
    rig.pass(WAIT);
    rig.instances[0].call().expect("its open time is over").failure();
    rig.round();
    assert_eq!(rig.view().state, OPEN);
}

#[test]
fn a_trial_of_an_earlier_episode_of_the_fleet_counts_for_nothing() {
    let rig = Rig::new(4, config(2));
    rig.trip(&[0, 1]);
    rig.pass(WAIT);
    let slow = rig.instances[0].trial().expect("its open time is over");
    rig.instances[1].trial().expect("there are two places").failure();
    rig.instances[1].fleet.sync();
    // The first one hears of nothing until the fleet is half-open again.
    rig.clocks(WAIT);
    rig.instances[1].fleet.sync();
    let next = rig.instances[1].trial().expect("its open time is over");
    rig.instances[0].fleet.sync();
    slow.success();
    rig.instances[0].fleet.sync();
    assert_eq!((rig.view().state, rig.view().successes), (State::HalfOpen, 0));
    assert_eq!(rig.instances[0].breaker.status().totals.late, 1);
    next.success();
}

#[test]
fn an_instance_that_opens_again_before_it_could_say_that_it_closed_stays_open() {
    let rig = Rig::new(2, config(1));
    rig.trip(&[0]);
    rig.pass(WAIT);
    rig.instances[0].trial().expect("its open time is over").success();
    rig.instances[0].fail();
    rig.instances.iter().for_each(|instance| drop(instance.told()));
    let before = rig.view().epoch;
    for _ in 0..3 {
        rig.instances[0].fleet.sync();
        assert_eq!(rig.states()[0], OPEN);
    }
    assert_eq!(rig.view().state, OPEN, "it has voted, and the two need one vote");
    assert!(rig.view().epoch > before + 1, "closed, and open again");
    assert_eq!(rig.instances[0].told(), Vec::<String>::new(), "it knew of both");
}

#[test]
fn what_a_breaker_said_before_it_left_its_registry_is_heard() {
    let rig = Rig::new(4, config(1));
    rig.trip(&[0]);
    assert_eq!(rig.view().votes, 1);
    rig.instances[0].registry.remove(NAME);
    rig.round();
    assert_eq!(rig.view().votes, 0);

    rig.instances[1].breaker.disable();
    rig.instances[1].registry.remove(NAME);
    rig.round();
    assert_eq!(rig.view().mode, Mode::Disabled);
}
