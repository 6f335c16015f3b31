//! Servers that lose everything, stand still, die, or become others.

use std::time::{Duration, Instant};

use breakerbox::shared::{Order, Proposal, SharedStore, Verdict};
use breakerbox::{Mode, RedisStore, State};

use crate::proxy::Proxy;
use crate::server::{RESPONSE, Server, patient};
use crate::support::{LONG, beat, command, half_open, lease, propose, report, sync, trip, try_sync, until};

#[test]
fn epochs_grow_through_the_loss_of_all_keys() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let before = propose(&mut store, "i", "b", 0, &trip(LONG, 1)).view;
    server.tell::<()>(&["FLUSHALL"]);
    let lost = sync(&mut store, "i", "b");
    assert_eq!((lost.epoch, lost.state), (0, State::Closed));
    let after = propose(&mut store, "i", "b", 0, &trip(LONG, 1)).view;
    assert!(after.epoch > before.epoch);
    // What was decided on the lost epoch is stale.
    assert_eq!(propose(&mut store, "i", "b", before.epoch, &lease(1, 1)).verdict, Verdict::Stale);
}

#[test]
fn a_lost_key_is_seeded_by_the_highest_epoch() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let old = propose(&mut store, "i", "b", 0, &trip(LONG, 1)).view;
    let new = propose(&mut store, "i", "b", 0, &command(Order::Mode(Mode::ForcedOpen))).view;
    assert_eq!(new.by.as_deref(), Some("ada"));
    server.tell::<()>(&["FLUSHALL"]);
    // One who knows less comes first, one who knows more second, and both say it twice.
    for (view, verdict) in [
        (&old, Verdict::Applied),
        (&old, Verdict::Stale),
        (&new, Verdict::Applied),
        (&new, Verdict::Stale),
        (&old, Verdict::Stale),
    ] {
        assert_eq!(propose(&mut store, "i", "b", 0, &Proposal::Reseed(view.clone())).verdict, verdict);
    }
    let seeded = sync(&mut store, "i", "b");
    assert_eq!(
        (seeded.epoch, seeded.state, seeded.mode, &seeded.by),
        (new.epoch, State::Open, Mode::ForcedOpen, &new.by)
    );
    assert!(seeded.left > LONG / 2 && seeded.left <= LONG);
    // Closed is knowledge as well.
    let closed = propose(&mut store, "i", "b", 0, &command(Order::Reset)).view;
    server.tell::<()>(&["FLUSHALL"]);
    propose(&mut store, "i", "b", 0, &Proposal::Reseed(new));
    assert_eq!(propose(&mut store, "i", "b", 0, &Proposal::Reseed(closed)).view.state, State::Closed);
}

#[test]
fn scripts_that_were_forgotten_are_sent_again() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let many: Vec<_> = (0..300).map(|number| beat(&format!("b{number}"))).collect();
    let epoch = half_open(&mut store, "i", "b0", 5).view.epoch;
    for done in 1..4 {
        server.tell::<()>(&["SCRIPT", "FLUSH"]);
        let views = store.sync("i", &many).expect("it answers");
        assert_eq!((views.len(), views[0].as_ref().expect("it can be used").epoch), (300, epoch));
        server.tell::<()>(&["SCRIPT", "FLUSH"]);
        assert_eq!(propose(&mut store, "i", "b0", epoch, &report(vec![], 1, 0, 5)).view.successes, done);
    }
}

#[test]
fn what_was_asked_of_a_stopped_server_may_be_done_when_it_goes_on() {
    let Some(server) = Server::start() else { return };
    let response = Duration::from_millis(300);
    let mut store = server.store().response_timeout(response).connect_timeout(response);
    // The server knows the script.
    propose(&mut store, "i", "b", 0, &Proposal::Withdraw);
    server.stop();
    let began = Instant::now();
    let error = store.propose("i", "b", 0, &trip(LONG, 1)).expect_err("it stands still").to_string();
    assert!(error.contains("may have been done"), "{error}");
    assert!(began.elapsed() < RESPONSE, "{:?}", began.elapsed());
    // Connections are still taken, by the system.
    try_sync(&mut store, "i", "b").expect_err("it stands still");
    server.go_on();
    until("it answers", || try_sync(&mut store, "i", "b").is_ok());
    let view = sync(&mut store, "i", "b");
    assert_eq!(view.state, State::Open);
    assert_eq!(propose(&mut store, "i", "b", 0, &trip(LONG, 1)).verdict, Verdict::Stale);
}

#[test]
fn a_killed_server_is_an_error_until_it_is_back() {
    let Some(mut server) = Server::start() else { return };
    let mut store = server.store();
    let before = propose(&mut store, "i", "b", 0, &trip(LONG, 1)).view;
    server.kill();
    for _ in 0..3 {
        try_sync(&mut store, "i", "b").expect_err("it is dead");
    }
    server.start_again(&[]);
    assert_eq!(sync(&mut store, "i", "b").epoch, 0);
    assert_eq!(propose(&mut store, "i", "b", 0, &Proposal::Reseed(before.clone())).view.epoch, before.epoch);
}

#[test]
fn a_server_that_pauses_or_sleeps_is_a_slow_one() {
    let Some(server) = Server::start() else { return };
    let response = Duration::from_millis(300);
    let mut store = server.store().response_timeout(response).connect_timeout(response);
    let mut admin = server.connection();
    sync(&mut store, "i", "b");
    redis::cmd("CLIENT").arg("PAUSE").arg(1500).arg("ALL").exec(&mut admin).expect("it pauses");
    assert!(try_sync(&mut store, "i", "b").is_err());
    until("it answers", || try_sync(&mut store, "i", "b").is_ok());
    std::thread::scope(|scope| {
        scope.spawn(|| redis::cmd("DEBUG").arg("SLEEP").arg(1.5).exec(&mut admin).expect("it sleeps"));
        until("it does not answer", || try_sync(&mut store, "i", "b").is_err());
        until("it answers", || try_sync(&mut store, "i", "b").is_ok());
    });
}

#[test]
fn a_replica_refuses_and_serves_once_it_is_promoted() {
    let (Some(master), Some(replica)) = (Server::start(), Server::start()) else { return };
    let (mut store, mut other) = (master.store(), replica.store());
    let open = propose(&mut store, "i", "b", 0, &trip(LONG, 1)).view;
    replica.tell::<()>(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
    until("it is a replica", || replica.tell::<String>(&["INFO", "replication"]).contains("master_link_status:up"));
    for _ in 0..2 {
        let error = try_sync(&mut other, "i", "b").expect_err("it is a replica").to_string();
        assert!(error.contains("it is a replica") && error.contains("READONLY"), "{error}");
    }
    replica.tell::<()>(&["REPLICAOF", "NO", "ONE"]);
    let view = sync(&mut other, "i", "b");
    assert_eq!((view.epoch, view.state), (open.epoch, State::Open));
}

#[test]
fn a_name_that_leads_to_another_server_is_followed_once_the_old_one_is_a_replica() {
    let (Some(old), Some(new)) = (Server::start(), Server::start()) else { return };
    let proxy = Proxy::before(old.port);
    let mut store = patient(RedisStore::connect(proxy.url()).expect("the URL is good"));
    let open = propose(&mut store, "i", "b", 0, &trip(LONG, 1)).view;
    let up = |server: &Server| server.tell::<String>(&["INFO", "replication"]).contains("master_link_status:up");
    new.tell::<()>(&["REPLICAOF", "127.0.0.1", &old.port.to_string()]);
    until("it is a replica", || up(&new));
    new.tell::<()>(&["REPLICAOF", "NO", "ONE"]);
    old.tell::<()>(&["REPLICAOF", "127.0.0.1", &new.port.to_string()]);
    proxy.lead_to(new.port);
    // The old connection still leads to the old server.
    let error = try_sync(&mut store, "i", "b").expect_err("it is a replica").to_string();
    assert!(error.contains("READONLY"), "{error}");
    assert_eq!(sync(&mut store, "i", "b").epoch, open.epoch);
}
