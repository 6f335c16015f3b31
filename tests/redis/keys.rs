//! What lies in Redis: under which keys, for how long, and in which words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use breakerbox::shared::{Counts, Order, Proposal, SharedStore, Verdict};
use breakerbox::{Mode, RedisStore, State};

use crate::server::{Server, patient};
use crate::support::{LONG, beat, command, half_open, lease, propose, report, sync, trip, try_sync, until};

const HOUR: i64 = 3_600_000;

#[test]
fn whatever_a_breaker_is_named_it_has_keys_of_its_own() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let long = "ü".repeat(64);
    let names = ["{", "}", "{}", "%7B", "a:b", "a::b", "a b", "*", "?", "[a]", "'\"\\", "\u{1F980}", "}:s", &long];
    let beats: Vec<_> = names.iter().map(|name| beat(name)).collect();
    assert_eq!(store.sync("i", &beats).expect("it answers").len(), names.len());
    for (number, name) in names.iter().enumerate() {
        let wait = LONG + Duration::from_secs(1000 * number as u64);
        assert_eq!(propose(&mut store, "i", name, 0, &trip(wait, 1)).verdict, Verdict::Applied, "{name}");
    }
    let views = store.sync("i", &beats).expect("it answers");
    for (number, view) in views.into_iter().enumerate() {
        let view = view.expect("it can be used");
        assert_eq!(view.left.as_secs() / 1000, number as u64, "{} of {view:?}", names[number]);
    }
}

#[test]
fn namespaces_do_not_meet() {
    let Some(server) = Server::start() else { return };
    let mut stores = ["default", "shop", "{x}", "a:b", ""].map(|namespace| server.store().namespace(namespace));
    for store in &mut stores {
        assert_eq!(sync(store, "i", "b").epoch, 0);
        propose(store, "i", "b", 0, &trip(LONG, 1));
    }
    assert_eq!(server.tell::<String>(&["GET", "circuit_breaker:b:state"]), "open");
    assert_eq!(server.tell::<String>(&["GET", "circuit_breaker:shop:b:state"]), "open");
}

#[test]
fn keys_go_after_their_time_and_orders_stay() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let left = |key: &str| server.tell::<i64>(&["PTTL", key]);
    let in_an_hour = |key: &str| (HOUR - 60_000..=HOUR + 1_100_000).contains(&left(key));
    sync(&mut store, "i", "b");
    assert!(in_an_hour("cb1:{default:b}:i") && in_an_hour("cb1:{default:b}:s"));
    let open = propose(&mut store, "i", "b", 0, &trip(LONG, 1));
    // Beyond the open time.
    assert!(left("cb1:{default:b}:s") > HOUR + 900_000);
    let forced = propose(&mut store, "i", "b", open.view.epoch, &command(Order::Mode(Mode::ForcedOpen)));
    sync(&mut store, "i", "b");
    assert_eq!(left("cb1:{default:b}:s"), -1);
    propose(&mut store, "i", "b", forced.view.epoch, &command(Order::Reset));
    assert!(in_an_hour("cb1:{default:b}:s"));
    let mut short = server.store().ttl(Duration::from_secs(120));
    sync(&mut short, "i", "other");
    assert!((60_000..=120_000).contains(&left("cb1:{default:other}:s")));
    let mut counted = beat("counted");
    let mut counts = Counts::default();
    (counts.failures, counts.successes, counts.window, counts.serial) = (1, 1, LONG, 1);
    counted.counts = Some(counts);
    counted.lives = Duration::ZERO;
    store.sync("dead", std::slice::from_ref(&counted)).expect("it answers");
    counted.lives = LONG;
    store.sync("i", &[counted]).expect("it answers");
    // Of one that has gone nothing is kept.
    assert_eq!(server.tell::<Vec<String>>(&["HKEYS", "cb1:{default:counted}:h"]), ["i"]);
    sync(&mut store, "other", "voted");
    sync(&mut store, "another", "voted");
    sync(&mut store, "i", "voted");
    propose(&mut store, "i", "voted", 0, &trip(LONG, 9));
    half_open(&mut store, "i", "tried", 2);
    let keys: Vec<String> = server.tell(&["KEYS", "*"]);
    for kind in ["s", "w", "v", "f", "i", "p", "h"] {
        assert!(keys.iter().any(|key| key.ends_with(&format!("}}:{kind}"))), "no {kind} in {keys:?}");
    }
    for key in keys {
        assert!(left(&key) > 0, "{key} never goes");
    }
}

#[test]
fn the_plain_key_tells_the_state_for_an_hour() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let told = || server.tell::<String>(&["GET", "circuit_breaker:a::b:state"]);
    sync(&mut store, "i", "a::b");
    assert_eq!(told(), "closed");
    propose(&mut store, "i", "a::b", 0, &trip(LONG, 1));
    assert_eq!(told(), "open");
    let left: i64 = server.tell(&["PTTL", "circuit_breaker:a::b:state"]);
    assert!((HOUR - 60_000..=HOUR).contains(&left), "{left}");
    for mode in [Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly] {
        propose(&mut store, "i", "a::b", 0, &command(Order::Mode(mode)));
        assert_eq!(told(), mode.as_str());
    }
    propose(&mut store, "i", "a::b", 0, &command(Order::Reset));
    assert_eq!(told(), "closed");
    half_open(&mut store, "i", "a::b", 1);
    assert_eq!(told(), "half_open");
    // Nothing is written where nothing has changed.
    let written = || {
        let stats: String = server.tell(&["INFO", "commandstats"]);
        stats.lines().find(|line| line.starts_with("cmdstat_set:")).map(str::to_owned)
    };
    let before = written();
    sync(&mut store, "i", "a::b");
    assert_eq!(written(), before);
    // Somebody else has written it, or it is lost: another instance tells again with its first look.
    server.tell::<()>(&["DEL", "circuit_breaker:a::b:state"]);
    sync(&mut server.store(), "other", "a::b");
    assert_eq!(told(), "half_open");
}

#[test]
fn a_newer_version_is_an_error_that_leaves_the_data_as_it_is() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    server.tell::<()>(&["HSET", "cb1:{default:b}:s", "v", "2", "epoch", "7", "state", "ajar"]);
    let before: redis::Value = server.tell(&["HGETALL", "cb1:{default:b}:s"]);
    let orders = [trip(LONG, 1), Proposal::Withdraw, lease(1, 1), report(vec![], 1, 0, 1), command(Order::Reset)];
    for what in orders {
        let error = store.propose("i", "b", 7, &what).expect_err("it is newer");
        assert!(error.is_of_breaker());
        let error = error.to_string();
        assert!(error.contains("breaker 'b'") && error.contains("newer") && error.contains("update"), "{error}");
    }
    assert!(try_sync(&mut store, "i", "b").is_err());
    assert_eq!(server.tell::<redis::Value>(&["HGETALL", "cb1:{default:b}:s"]), before);
    assert_eq!(server.tell::<i64>(&["PTTL", "cb1:{default:b}:s"]), -1);
    assert_eq!(server.tell::<Vec<String>>(&["KEYS", "*"]), ["cb1:{default:b}:s"]);
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros()
}

#[test]
fn an_epoch_from_the_far_future_is_an_error_until_an_operator_resets() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let day = 24 * 3600 * 1_000_000;
    for (field, value) in [
        ("epoch", (now() + day + 60_000_000).to_string()),
        ("epoch", "1e300".into()),
        ("epoch", "1.5".into()),
        ("epoch", "nan".into()),
        ("epoch", "-1".into()),
        ("epoch", "x".into()),
        ("state", "ajar".into()),
        ("mode", "odd".into()),
        ("until", "inf".into()),
        ("latest", "later".into()),
        ("reopened", "5000000000".into()),
        ("successes", "4294967296".into()),
        ("made", "-1".into()),
        ("ordered", "soon".into()),
        ("v", String::new()),
    ] {
        server.tell::<()>(&["HSET", "cb1:{default:b}:s", "v", "1", field, &value]);
        for what in [trip(LONG, 1), lease(1, 1), Proposal::Reseed(sync(&mut store, "i", "another"))] {
            let error = store.propose("i", "b", 0, &what).expect_err("it is damaged");
            assert!(error.is_of_breaker());
            let error = error.to_string();
            assert!(error.contains("breaker 'b'") && error.contains("reset the breaker"), "{error}");
        }
        assert!(try_sync(&mut store, "i", "b").is_err(), "{field} {value}");
        let reset = propose(&mut store, "i", "b", 0, &command(Order::Reset));
        assert_eq!((reset.verdict, reset.view.state), (Verdict::Applied, State::Closed));
        let epoch = u128::from(reset.view.epoch);
        assert!(epoch.abs_diff(now()) < 600_000_000, "{epoch} is not now");
        assert_eq!(sync(&mut store, "i", "b").epoch, reset.view.epoch);
    }
    // Less than a day is a clock that was wrong.
    let ahead = now() + day - 600_000_000;
    server.tell::<()>(&["HSET", "cb1:{default:b}:s", "epoch", &ahead.to_string()]);
    let answer = propose(&mut store, "i", "b", ahead as u64, &trip(LONG, 1));
    assert_eq!((answer.verdict, u128::from(answer.view.epoch)), (Verdict::Applied, ahead + 1));
}

#[test]
fn a_clock_that_steps_back_lets_everything_go_on_from_where_it_was() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    sync(&mut store, "i", "b");
    let open = propose(&mut store, "i", "b", 0, &trip(Duration::from_secs(100), 1));
    // As if the clock had been an hour ahead until now.
    let step = |value: &str| -> u64 { value.parse::<u64>().expect("a number") + 3_600_000_000 };
    let key = "cb1:{default:b}:s";
    for field in ["latest", "until"] {
        let value: String = server.tell(&["HGET", key, field]);
        server.tell::<()>(&["HSET", key, field, &step(&value).to_string()]);
    }
    server.tell::<()>(&["ZINCRBY", "cb1:{default:b}:i", "3600000000", "i"]);
    let view = sync(&mut store, "other", "b");
    assert_eq!((view.state, view.epoch, view.needed), (State::Open, open.view.epoch, 1));
    assert!((40..=100).contains(&view.left.as_secs()), "{view:?}");
    let ends: f64 = server.tell(&["ZSCORE", "cb1:{default:b}:i", "i"]);
    assert!(ends < (now() + 1_100_000_000) as f64, "it lives an hour too long");
    // Where the clock of the server keeps it open, that of an instance does not.
    let waited = Duration::from_secs(101);
    let asked =
        Proposal::Lease { waited, wait: Duration::from_secs(100), places: 1, want: 1, lasts: LONG, held: vec![] };
    let answer = propose(&mut store, "i", "b", open.view.epoch, &asked);
    assert_eq!((answer.view.state, matches!(answer.verdict, Verdict::Granted(_))), (State::HalfOpen, true));
}

#[test]
fn a_unix_socket_and_another_database_serve_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("s").display().to_string();
    let Some(server) = Server::start_with(&["--unixsocket", &socket]) else { return };
    let mut store = patient(RedisStore::connect(format!("unix://{socket}?db=3")).expect("the URL is good"));
    // It comes after the port.
    until("there is a socket", || try_sync(&mut store, "i", "b").is_ok());
    propose(&mut store, "i", "b", 0, &trip(LONG, 1));
    let mut same = patient(RedisStore::connect(format!("{}/3", server.url())).expect("the URL is good"));
    assert_eq!(sync(&mut same, "i", "b").state, State::Open);
    assert_eq!(sync(&mut server.store(), "i", "b").epoch, 0);
}
