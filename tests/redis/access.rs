//! A user with the rights that `RedisStore` lists, and no others.

use std::time::Duration;

use breakerbox::RedisStore;
use breakerbox::shared::{Counts, Nudge, Order, Proposal, SharedStore, Verdict};
use breakerbox::{Mode, State};

use crate::server::{PATIENCE, Server, patient};
use crate::support::{LONG, beat, command, half_open, propose, report, sync, trip, try_sync, until};

/// The words of the documentation, as they stand there.
fn documented() -> Vec<String> {
    let text = include_str!("../../runtime/src/redis/mod.rs");
    let block = text.split("ACL SETUSER").nth(1).and_then(|rest| rest.split("```").next()).expect("it is documented");
    let words = block.split_whitespace().filter(|word| *word != "///").map(str::to_owned);
    words.collect()
}

#[test]
fn the_documented_rights_are_enough_for_the_whole_cycle() {
    let Some(server) = Server::start() else { return };
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER").arg(documented()).arg("+select").exec(&mut server.connection()).expect("the rights are known");
    let url = |database| format!("redis://fleet:secret@127.0.0.1:{}/{database}", server.port);
    let connect = |database| patient(RedisStore::connect(url(database)).expect("the URL is good"));
    for database in [0, 1] {
        let (mut store, mut other) = (connect(database), connect(database));
        let (sender, heard) = std::sync::mpsc::channel();
        let sender = std::sync::Mutex::new(sender);
        other.listen(Nudge::new(move |name| {
            let _ = sender.lock().expect("nobody panics").send(name.map(str::to_owned));
        }));
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(None));

        let mut counted = beat("counted");
        let mut counts = Counts::default();
        (counts.failures, counts.successes, counts.window, counts.quorum) = (3, 1, LONG, 1);
        (counts.failure_threshold, counts.wait) = (Some(6), LONG);
        counted.counts = Some(counts);
        let states = [1, 1, 2].map(|serial| {
            counted.counts.as_mut().expect("they are there").serial = serial;
            store
                .sync("i", std::slice::from_ref(&counted))
                .expect("it answers")
                .remove(0)
                .expect("it can be used")
                .state
        });
        assert_eq!(states, [State::Closed, State::Closed, State::Open]);
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(Some("counted".into())));

        sync(&mut store, "j", "b");
        sync(&mut store, "k", "b");
        sync(&mut store, "i", "b");
        assert_eq!(propose(&mut store, "i", "b", 0, &trip(LONG, 3)).verdict, Verdict::Voted);
        assert_eq!(propose(&mut store, "i", "b", 0, &Proposal::Withdraw).verdict, Verdict::Applied);
        let tried = half_open(&mut store, "i", "b", 2);
        let Verdict::Granted(leases) = tried.verdict else { panic!("{tried:?}") };
        assert_eq!(propose(&mut store, "i", "b", tried.view.epoch, &report(leases, 2, 0, 2)).view.state, State::Closed);
        for order in [Order::Mode(Mode::ForcedOpen), Order::OpenFor(Duration::ZERO), Order::Reset] {
            propose(&mut store, "i", "b", 0, &command(order));
        }
        let mut view = sync(&mut store, "i", "b");
        view.epoch += 1;
        assert_eq!(propose(&mut store, "i", "b", 0, &Proposal::Reseed(view)).verdict, Verdict::Applied);
        // As if the clock had stepped back.
        server.tell::<()>(&["HSET", "cb1:{default:b}:s", "latest", "4000000000000000"]);
        sync(&mut store, "i", "b");
        store.leave("i", &["b".into()]);
    }
    let log: Vec<redis::Value> = server.tell(&["ACL", "LOG"]);
    assert!(log.is_empty(), "refused: {log:?}");
    assert_eq!(server.tell::<String>(&["GET", "circuit_breaker:b:state"]), "closed");
}

#[test]
fn who_may_not_subscribe_polls() {
    let Some(server) = Server::start() else { return };
    let words = documented().into_iter().filter(|word| word != "+subscribe");
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER").arg(words.collect::<Vec<_>>()).exec(&mut server.connection()).expect("the rights are known");
    let url = format!("redis://fleet:secret@127.0.0.1:{}", server.port);
    let mut store = patient(RedisStore::connect(url).expect("the URL is good"));
    let (sender, heard) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    store.listen(Nudge::new(move |_| {
        let _ = sender.lock().expect("nobody panics").send(());
    }));
    let log = || server.tell::<Vec<redis::Value>>(&["ACL", "LOG"]);
    until("it has been refused", || !log().is_empty());
    sync(&mut store, "i", "b");
    assert!(!store.is_listening() && heard.try_recv().is_err());
}

#[test]
fn a_right_that_is_missing_is_named() {
    let Some(server) = Server::start() else { return };
    let words = documented().into_iter().filter(|word| word != "+evalsha");
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER").arg(words.collect::<Vec<_>>()).exec(&mut server.connection()).expect("the rights are known");
    let url = format!("redis://fleet:secret@127.0.0.1:{}", server.port);
    let error = try_sync(&mut patient(RedisStore::connect(url).expect("the URL is good")), "i", "b");
    let error = error.expect_err("it may not").to_string();
    assert!(error.contains("NOPERM") && error.contains("rights that RedisStore lists"), "{error}");
    assert!(!error.contains("secret"));
}
