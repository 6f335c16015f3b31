//! A network that delays, loses, cuts and tears.

use std::sync::Arc;
use std::time::{Duration, Instant};

use breakerbox::shared::{SharedStore, Verdict};
use breakerbox::{RedisStore, State};

use crate::proxy::{Line, Proxy};
use crate::server::{RESPONSE, Server, patient};
use crate::support::{LONG, beat, half_open, propose, report, sync, trip, try_sync};

fn through(proxy: &Proxy) -> RedisStore {
    patient(RedisStore::connect(proxy.url()).expect("the URL is good"))
}

#[test]
fn what_is_torn_or_cut_is_an_error_and_the_next_try_connects_again() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::before(server.port);
    let mut store = through(&proxy);
    for line in (0..40).step_by(3).map(Line::Torn).chain([Line::Cut]) {
        sync(&mut store, "i", "b");
        let before = proxy.connections();
        proxy.set(line);
        try_sync(&mut store, "i", "b").expect_err(&format!("{line:?}"));
        assert!(proxy.connections() <= before + 1, "{line:?}: it has connected more than once");
        proxy.set(Line::Good);
        sync(&mut store, "i", "b");
    }
}

#[test]
fn what_may_have_been_done_is_not_done_again() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::before(server.port);
    let (mut store, mut other) = (through(&proxy), server.store());
    let epoch = half_open(&mut store, "i", "b", 5).view.epoch;
    for (done, line) in [(1, Line::Torn(0)), (2, Line::Torn(7))] {
        proxy.set(line);
        store.propose("i", "b", epoch, &report(vec![], 1, 0, 5)).expect_err("the answer is lost");
        proxy.set(Line::Good);
        // The next one is torn as well, and not the first word of a connection.
        assert_eq!(sync(&mut store, "i", "b").successes, done, "{line:?}");
    }
    // What was never sent was never done.
    proxy.set(Line::Cut);
    store.propose("i", "b", epoch, &report(vec![], 1, 0, 5)).expect_err("it is cut");
    proxy.set(Line::Good);
    assert_eq!(sync(&mut other, "other", "b").successes, 2);
    let last = propose(&mut store, "i", "b", epoch, &report(vec![], 1, 0, 3));
    assert_eq!((last.verdict, last.view.state), (Verdict::Applied, State::Closed));
}

#[test]
fn a_silent_or_slow_server_is_waited_for_so_long_and_no_longer() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::before(server.port);
    let response = Duration::from_millis(300);
    let mut store = through(&proxy).connect_timeout(response).response_timeout(response);
    let many: Vec<_> = (0..500).map(|number| beat(&format!("b{number}"))).collect();
    let mut direct = server.store();
    direct.sync("i", &many).expect("it answers");
    let slow = [Line::Slow(Duration::from_secs(3)), Line::Drip(Duration::from_millis(100))];
    for line in [Line::Silent].into_iter().chain(slow) {
        proxy.set(Line::Good);
        crate::support::until("it answers", || try_sync(&mut store, "i", "b").is_ok());
        proxy.set(line);
        let began = Instant::now();
        let error = store.sync("i", &many).expect_err("it does not answer in time").to_string();
        assert!(began.elapsed() < RESPONSE, "{line:?}: {:?}", began.elapsed());
        assert!(error.contains("no answer in time") && error.contains("may have been done"), "{error}");
        // Nor for one that takes a connection and says nothing. A short answer drips in time.
        let began = Instant::now();
        let answer = try_sync(&mut store, "i", "b");
        assert!(answer.is_err() || matches!(line, Line::Drip(_)), "{line:?}");
        assert!(began.elapsed() < RESPONSE, "{line:?}: {:?}", began.elapsed());
    }
}

#[test]
fn the_end_does_not_wait_for_a_silent_server() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::before(server.port);
    let mut store = through(&proxy);
    let breakers: Vec<Arc<str>> = (0..500).map(|number| format!("b{number}").into()).collect();
    sync(&mut store, "i", "b1");
    proxy.set(Line::Silent);
    let began = Instant::now();
    store.leave("i", &breakers);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    proxy.set(Line::Good);
    sync(&mut store, "i", "b1");
    store.leave("i", &breakers);
    assert_eq!(server.tell::<u32>(&["EXISTS", "cb1:{default:b1}:i"]), 0);
}

#[test]
fn a_late_answer_is_not_taken_for_another() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::before(server.port);
    let mut store = through(&proxy).response_timeout(Duration::from_millis(300));
    propose(&mut store, "i", "open", 0, &trip(LONG, 1));
    sync(&mut store, "i", "closed");
    proxy.set(Line::Slow(Duration::from_millis(700)));
    assert!(try_sync(&mut store, "i", "open").is_err());
    proxy.set(Line::Good);
    let mut answers = 0;
    crate::support::until("it has answered often", || {
        if let Ok(view) = try_sync(&mut store, "i", "closed") {
            assert_eq!(view.state, State::Closed);
            answers += 1;
        }
        std::thread::sleep(Duration::from_millis(20));
        answers == 50
    });
}

#[test]
fn a_server_that_is_away_costs_a_moment_and_nothing_else() {
    let port = crate::server::free_port();
    let mut store = RedisStore::connect(format!("redis://127.0.0.1:{port}")).expect("the URL is good");
    for _ in 0..3 {
        let began = Instant::now();
        let error = try_sync(&mut store, "i", "b").expect_err("nobody is there").to_string();
        assert!(error.contains("nothing listens there") && error.contains(&port.to_string()), "{error}");
        assert!(began.elapsed() < RESPONSE);
    }
    let began = Instant::now();
    store.leave("i", &["b".into()]);
    assert!(began.elapsed() < Duration::from_secs(1));
    // An address that nobody answers for (RFC 5737).
    let mut store = RedisStore::connect("redis://192.0.2.1").expect("the URL is good");
    let began = Instant::now();
    try_sync(&mut store, "i", "b").expect_err("nobody is there");
    assert!(began.elapsed() < RESPONSE, "{:?}", began.elapsed());
}
