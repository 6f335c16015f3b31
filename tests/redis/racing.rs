//! Instances that ask at the same moment.

use std::sync::Barrier;
use std::time::Duration;

use breakerbox::shared::{Answer, Proposal, SharedStore, Verdict};
use breakerbox::{RedisStore, State};

use crate::server::Server;
use crate::support::{LONG, granted, half_open, lease, lease_more, propose, report, sync, trip};

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
        let first: Vec<u64> =
            answers.iter().filter(|answer| answer.verdict != Verdict::Stale).flat_map(granted).collect();
        let epoch = sync(&mut stores[0], "i0", &breaker).epoch;
        let answers = race(&mut stores, &breaker, epoch, &lease_more(3, 2, first.clone()));
        let more: Vec<u64> = answers.iter().flat_map(granted).collect();
        assert_eq!((first.len(), more.len()), (2, 1), "{answers:?}");
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
    let short = Proposal::Lease { waited: Duration::ZERO, wait: LONG, places: 2, want: 2, lasts, held: vec![] };
    let first = propose(&mut store, "a", "b", open.view.epoch, &short);
    assert_eq!(granted(&first).len(), 2);
    let epoch = first.view.epoch;
    let mut again = Vec::new();
    crate::support::until("a place is free", || {
        again = granted(&propose(&mut store, "z", "b", epoch, &lease(2, 1)));
        assert!(again.iter().all(|lease| !granted(&first).contains(lease)));
        !again.is_empty()
    });
    // A lease that is over releases nobody else's place.
    propose(&mut store, "a", "b", epoch, &report(granted(&first), 0, 0, 2));
    assert_eq!(granted(&propose(&mut store, "z", "b", epoch, &lease_more(2, 9, again))).len(), 1);
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
    let held = leases[2..].to_vec();
    let more = granted(&propose(&mut store, "i", "b", epoch, &lease_more(3, 9, held.clone())));
    assert_eq!(more.len(), 1);
    let all = [held, more].concat();
    assert_eq!(granted(&propose(&mut store, "i", "b", epoch, &lease_more(3, 9, all))).len(), 0);
}

#[test]
fn an_instance_ends_its_own_leases_only() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let tried = half_open(&mut store, "i", "b", 2);
    let (leases, epoch) = (granted(&tried), tried.view.epoch);
    // Neither names those of the other.
    assert_eq!(propose(&mut store, "other", "b", epoch, &report(leases.clone(), 2, 0, 2)).view.successes, 0);
    assert_eq!(granted(&propose(&mut store, "other", "b", epoch, &lease(2, 2))), [0_u64; 0]);
    // The answer was lost: it has the second, and did not hear of the first.
    let again = granted(&propose(&mut store, "i", "b", epoch, &lease_more(2, 2, leases[1..].to_vec())));
    assert_eq!((again.len(), again.contains(&leases[0])), (1, false));
    assert_eq!(propose(&mut store, "i", "b", epoch, &report(leases, 2, 0, 2)).view.successes, 1);
}

#[test]
fn a_success_lets_the_other_leases_of_its_instance_hold_longer() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let open = propose(&mut store, "i", "b", 0, &trip(Duration::ZERO, 1));
    let lasts = Duration::from_secs(100);
    let short = Proposal::Lease { waited: Duration::ZERO, wait: LONG, places: 4, want: 2, lasts, held: vec![] };
    let tried = propose(&mut store, "i", "b", open.view.epoch, &short);
    let (mine, epoch) = (granted(&tried), tried.view.epoch);
    let others = granted(&propose(&mut store, "other", "b", epoch, &short));
    let ends = |lease: u64, instance: &str| {
        let member = format!("{lease} {instance}");
        server.tell::<f64>(&["ZSCORE", "cb1:{default:b}:p", &member])
    };
    let before = (ends(mine[1], "i"), ends(others[0], "other"));
    let report = |leases: &[u64], successes, lasts| {
        let leases = leases.to_vec();
        Proposal::Report { leases, successes, failures: 0, close_at: 4, wait: LONG, lasts }
    };
    propose(&mut store, "i", "b", epoch, &report(&[], 0, LONG));
    propose(&mut store, "i", "b", epoch, &report(&mine[..1], 1, Duration::from_secs(1)));
    assert_eq!((ends(mine[1], "i"), ends(others[0], "other")), before, "without a success, and never sooner");
    propose(&mut store, "i", "b", epoch, &report(&mine[..1], 1, LONG));
    assert!(ends(mine[1], "i") - before.0 > 800e6);
    assert_eq!(ends(others[0], "other"), before.1);
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
    let more = lease_more(1500, u32::MAX, granted(&answer));
    assert_eq!(granted(&propose(&mut store, "i", "b", answer.view.epoch, &more)).len(), 500);
}
