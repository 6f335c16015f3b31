//! Instances that ask at the same moment.

use std::sync::Barrier;
use std::time::Duration;

use breakerbox::shared::{Answer, Proposal, SharedStore, Verdict};
use breakerbox::{RedisStore, State};

use crate::server::Server;
use crate::support::{LONG, granted, half_open, lease, propose, report, sync, trip};

const INSTANCES: usize = 8;

/// Has all instances, each with a connection of its own, propose at once.
fn race(stores: &mut [RedisStore], breaker: &str, on: u64, what: &Proposal) -> Vec<Answer> {
    let barrier = Barrier::new(stores.len());
    std::thread::scope(|scope| {
        let racer = |(number, store)| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                propose(store, &format!("i{number}"), breaker, on, what)
            })
        };
        let racers: Vec<_> = stores.iter_mut().enumerate().map(racer).collect();
        racers.into_iter().map(|racer| racer.join().expect("it answers")).collect()
    })
}

fn count(answers: &[Answer], verdict: &Verdict) -> usize {
    answers.iter().filter(|answer| answer.verdict == *verdict).count()
}

#[test]
fn of_racing_trips_one_is_applied() {
    let Some(server) = Server::start() else { return };
    let mut stores: Vec<RedisStore> = (0..INSTANCES).map(|_| server.store()).collect();
    for round in 0..30 {
        let breaker = format!("b{round}");
        for (number, store) in stores.iter_mut().enumerate() {
            assert_eq!(sync(store, &format!("i{number}"), &breaker).needed, (number as u32 + 1).div_ceil(2));
        }
        let quorum = 1 + round % 3;
        let answers = race(&mut stores, &breaker, 0, &trip(LONG, quorum));
        assert_eq!(count(&answers, &Verdict::Applied), 1, "{answers:?}");
        assert_eq!(count(&answers, &Verdict::Voted), quorum as usize - 1, "{answers:?}");
        assert_eq!(count(&answers, &Verdict::Stale), INSTANCES - quorum as usize, "{answers:?}");
        let views: Vec<_> = stores.iter_mut().map(|store| sync(store, "i0", &breaker)).collect();
        assert!(views.iter().all(|view| view.state == State::Open && view.epoch == views[0].epoch), "{views:?}");
    }
}

#[test]
fn racing_instances_get_no_more_leases_than_places() {
    let Some(server) = Server::start() else { return };
    let mut stores: Vec<RedisStore> = (0..INSTANCES).map(|_| server.store()).collect();
    for round in 0..30 {
        let breaker = format!("b{round}");
        let open = propose(&mut stores[0], "i0", &breaker, 0, &trip(Duration::ZERO, 1));
        // Who comes second is stale, as the first has made it half-open: it asks again on the new epoch.
        let answers = race(&mut stores, &breaker, open.view.epoch, &lease(3, 2));
        assert_eq!(answers.iter().filter(|answer| matches!(answer.verdict, Verdict::Granted(_))).count(), 1);
        let first: usize =
            answers.iter().filter(|answer| answer.verdict != Verdict::Stale).map(|a| granted(a).len()).sum();
        let epoch = sync(&mut stores[0], "i0", &breaker).epoch;
        let answers = race(&mut stores, &breaker, epoch, &lease(3, 2));
        let more: Vec<u64> = answers.iter().flat_map(granted).collect();
        assert_eq!((first, more.len()), (2, 1), "{answers:?}");
    }
}

#[test]
fn successes_of_several_instances_close_the_circuit_once() {
    let Some(server) = Server::start() else { return };
    let mut stores: Vec<RedisStore> = (0..INSTANCES).map(|_| server.store()).collect();
    for round in 0..30 {
        let breaker = format!("b{round}");
        let half_open = half_open(&mut stores[0], "i0", &breaker, INSTANCES as u32);
        assert_eq!(granted(&half_open).len(), INSTANCES);
        let answers = race(&mut stores, &breaker, half_open.view.epoch, &report(vec![], 1, 0, 4));
        assert_eq!(count(&answers, &Verdict::Applied), 4, "{answers:?}");
        assert_eq!(count(&answers, &Verdict::Stale), INSTANCES - 4, "{answers:?}");
        let closed = sync(&mut stores[0], "i0", &breaker);
        assert_eq!((closed.state, closed.successes), (State::Closed, 0));
    }
}

#[test]
fn a_lease_that_is_not_reported_comes_back() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let lasts = Duration::from_millis(300);
    let open = propose(&mut store, "a", "b", 0, &trip(Duration::ZERO, 1));
    let short = Proposal::Lease { waited: Duration::ZERO, wait: LONG, places: 2, want: 2, lasts };
    let first = propose(&mut store, "a", "b", open.view.epoch, &short);
    assert_eq!(granted(&first).len(), 2);
    let epoch = first.view.epoch;
    crate::support::until("a place is free", || {
        let again = granted(&propose(&mut store, "z", "b", epoch, &lease(2, 1)));
        assert!(again.iter().all(|lease| !granted(&first).contains(lease)));
        !again.is_empty()
    });
    // A lease that is over releases nobody else's place.
    propose(&mut store, "a", "b", epoch, &report(granted(&first), 0, 0, 2));
    assert_eq!(granted(&propose(&mut store, "z", "b", epoch, &lease(2, 9))).len(), 1);
    store.leave("a", &["b".into()]);
}

#[test]
fn trial_calls_that_succeeded_have_used_their_places() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let tried = half_open(&mut store, "i", "b", 3);
    let (leases, epoch) = (granted(&tried), tried.view.epoch);
    assert_eq!(leases.len(), 3);
    propose(&mut store, "i", "b", epoch, &report(leases[..2].to_vec(), 1, 0, 3));
    // One is under way, one has succeeded, and one has given its place back.
    assert_eq!(granted(&propose(&mut store, "i", "b", epoch, &lease(3, 9))).len(), 1);
    assert_eq!(granted(&propose(&mut store, "i", "b", epoch, &lease(3, 9))).len(), 0);
}

#[test]
fn a_vote_that_is_taken_back_does_not_count() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    for instance in ["a", "b", "c", "d"] {
        sync(&mut store, instance, "x");
    }
    assert_eq!(propose(&mut store, "a", "x", 0, &trip(LONG, 3)).verdict, Verdict::Voted);
    let view = propose(&mut store, "a", "x", 0, &Proposal::Withdraw).view;
    assert_eq!((view.votes, view.needed), (0, 2));
    assert_eq!(propose(&mut store, "b", "x", 0, &trip(LONG, 3)).verdict, Verdict::Voted);
    // Who leaves takes its vote with it.
    store.leave("b", &["x".into()]);
    assert_eq!(propose(&mut store, "c", "x", 0, &trip(LONG, 3)).verdict, Verdict::Voted);
    assert_eq!(propose(&mut store, "d", "x", 0, &trip(LONG, 3)).verdict, Verdict::Applied);
}

#[test]
fn however_many_trial_calls_are_wanted_the_server_is_not_kept_busy() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let open = propose(&mut store, "i", "b", 0, &trip(Duration::ZERO, 1));
    let answer = propose(&mut store, "i", "b", open.view.epoch, &lease(u32::MAX, u32::MAX));
    assert_eq!(granted(&answer).len(), 1000);
    assert_eq!(granted(&propose(&mut store, "i", "b", answer.view.epoch, &lease(1500, u32::MAX))).len(), 500);
}
