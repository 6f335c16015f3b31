//! One breaker that cannot be used, and others that go on.

use std::time::Duration;

use breakerbox::State;
use breakerbox::shared::{Counts, Order, SharedStore, Verdict};

use crate::server::Server;
use crate::support::{LONG, beat, command, propose, sync, trip, try_sync};

#[test]
fn a_breaker_that_cannot_be_used_is_an_error_of_its_own() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let spoil: [(&str, &[&str], &str); 5] = [
        ("newer", &["HSET", "cb1:{default:newer}:s", "v", "2"], "newer"),
        ("foreign", &["SET", "cb1:{default:foreign}:s", "mine"], "WRONGTYPE"),
        ("leases", &["SET", "cb1:{default:leases}:p", "mine"], "WRONGTYPE"),
        ("damaged", &["HSET", "cb1:{default:damaged}:s", "state", "ajar"], "damaged"),
        ("ahead", &["HSET", "cb1:{default:ahead}:s", "epoch", "9000000000000000"], "more than a day ahead"),
    ];
    for (_, words, _) in spoil {
        server.tell::<redis::Value>(words);
    }
    let names = ["well", "newer", "foreign", "fine", "leases", "damaged", "ahead", "last"];
    let beats = names.map(beat);
    // The second time the server knows the script.
    for _ in 0..2 {
        let views = store.sync("i", &beats).expect("the store answers");
        for (name, view) in names.iter().zip(views) {
            let Some((_, _, says)) = spoil.iter().find(|(spoiled, ..)| spoiled == name) else {
                assert!(view.is_ok(), "{name}: {view:?}");
                continue;
            };
            let error = view.expect_err(name);
            assert!(error.is_of_breaker() && error.to_string().contains(says), "{name}: {error}");
            assert!(error.to_string().contains(&format!("breaker '{name}'")), "{error}");
        }
    }
    assert_eq!(propose(&mut store, "i", "last", 0, &trip(LONG, 1)).verdict, Verdict::Applied);
    assert_eq!(server.tell::<String>(&["GET", "circuit_breaker:last:state"]), "open");
    // What is damaged is repaired by hand, and what is somebody else's is left alone.
    for (name, words, _) in spoil {
        let reset = store.propose("i", name, 0, &command(Order::Reset));
        let is_repaired = matches!(name, "damaged" | "ahead");
        assert_eq!(reset.is_ok(), is_repaired, "{name}: {reset:?}");
        assert_eq!(try_sync(&mut store, "i", name).is_ok(), is_repaired, "{name}");
        if words[0] == "SET" {
            assert_eq!(server.tell::<String>(&["GET", words[1]]), "mine");
        }
    }
    // An error of the server is one of all.
    server.tell::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(!store.sync("i", &beats).expect_err("it is a replica").is_of_breaker());
}

#[test]
fn what_else_is_kept_under_the_keys_of_counts_survives_an_order() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    for kind in ["w", "h"] {
        let name = format!("b{kind}");
        let key = format!("cb1:{{default:{name}}}:{kind}");
        server.tell::<()>(&["SET", &key, "mine"]);
        let error = store.propose("i", &name, 0, &command(Order::Reset)).expect_err("it is not ours");
        assert!(error.is_of_breaker() && error.to_string().contains("WRONGTYPE"), "{error}");
        assert_eq!(server.tell::<String>(&["GET", &key]), "mine");
    }
}

#[test]
fn counts_that_are_none_are_dropped() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let now: Vec<u64> = server.tell(&["TIME"]);
    let window = LONG.as_micros() as u64;
    let begun = now[0] * 1_000_000 - (now[0] * 1_000_000) % (window / 10);
    for (number, value) in ["abc", "1.5", "-3", "99999999999999999999", "nan", ""].into_iter().enumerate() {
        let name = format!("b{number}");
        server.tell::<()>(&["HSET", &format!("cb1:{{default:{name}}}:w"), &format!("{begun}f"), value]);
        let mut counted = beat(&name);
        let mut counts = Counts::default();
        (counts.serial, counts.failures, counts.window, counts.failure_threshold) = (1, 2, LONG, Some(4));
        (counts.quorum, counts.wait) = (1, LONG);
        counted.counts = Some(counts);
        let states = [1, 2].map(|serial| {
            counted.counts.as_mut().expect("they are there").serial = serial;
            store.sync("i", std::slice::from_ref(&counted)).expect("it answers").remove(0).expect("it is used").state
        });
        assert_eq!(states, [State::Closed, State::Open], "{value}");
    }
}

#[test]
fn a_name_of_an_operator_that_is_no_text_is_read_as_far_as_it_is() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let script = "redis.call('HSET', KEYS[1], 'v', '1', 'by', 'a' .. string.char(255) .. 'b')";
    server.tell::<()>(&["EVAL", script, "1", "cb1:{default:b}:s"]);
    assert_eq!(sync(&mut store, "i", "b").by.as_deref(), Some("a\u{fffd}b"));
}

/// What a key has of its own history when the clock of its server was ahead, and is right again.
#[test]
fn a_clock_that_was_days_ahead_and_is_right_again_stops_nothing() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    let order = propose(&mut store, "i", "b", 0, &command(Order::OpenFor(Duration::from_secs(100)))).view;
    let days = 3 * 24 * 3600 * 1_000_000_u64;
    let key = "cb1:{default:b}:s";
    for field in ["epoch", "made", "latest", "until", "ordered"] {
        let value: u64 = server.tell(&["HGET", key, field]);
        server.tell::<()>(&["HSET", key, field, &(value + days).to_string()]);
    }
    let seen = sync(&mut store, "i", "b");
    assert_eq!((seen.epoch, seen.state), (order.epoch + days, State::Open));
    assert!((40..=100).contains(&seen.left.as_secs()), "{seen:?}");
    // Twice, so that the clock has not stepped back any more.
    let mut last = sync(&mut store, "i", "b").epoch;
    for order in [Order::Reset, Order::OpenFor(LONG), Order::Reset] {
        let answer = propose(&mut store, "other", "b", last, &command(order));
        assert_eq!((answer.verdict, answer.view.epoch), (Verdict::Applied, last + 1));
        last = answer.view.epoch;
    }
    assert_eq!(propose(&mut store, "i", "b", last, &trip(LONG, 1)).view.epoch, last + 1);
    assert_eq!(sync(&mut store, "i", "b").state, State::Open);
}
