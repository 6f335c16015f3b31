//! What a store hears of the changes of others.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use breakerbox::RedisStore;
use breakerbox::shared::{Nudge, Order, Proposal, SharedStore, Verdict};

use crate::proxy::{Line, Proxy};
use crate::server::{PATIENCE, Server, patient};
use crate::support::{LONG, command, half_open, propose, report, sync, trip, until};

/// Has a store listen; what it hears is the name of a breaker, or none when all are to be read.
fn listen(store: &mut RedisStore) -> Receiver<Option<String>> {
    let (sender, heard) = channel();
    let sender = std::sync::Mutex::new(sender);
    store.listen(Nudge::new(move |name| {
        let _ = sender.lock().expect("nobody panics").send(name.map(str::to_owned));
    }));
    heard
}

fn next(heard: &Receiver<Option<String>>) -> Option<String> {
    heard.recv_timeout(PATIENCE).expect("it hears something")
}

#[test]
fn a_change_is_heard_by_the_others_at_once() {
    let Some(server) = Server::start() else { return };
    let (mut one, mut other) = (server.store(), server.store());
    sync(&mut one, "one", "x");
    let heard = listen(&mut one);
    assert_eq!(next(&heard), None);
    for name in ["quotes", "a {b} %ü", "\"'\\"] {
        let open = propose(&mut other, "other", name, 0, &trip(Duration::ZERO, 1));
        assert_eq!(next(&heard).as_deref(), Some(name));
        let ordered = propose(&mut other, "other", name, open.view.epoch, &command(Order::Reset));
        assert_eq!(next(&heard).as_deref(), Some(name));
        // Its own changes, votes, and trial calls that change nothing are nothing to hear of.
        propose(&mut one, "one", name, ordered.view.epoch, &command(Order::OpenFor(LONG)));
    }
    let half_open = half_open(&mut other, "other", "last", 3);
    assert_eq!([next(&heard), next(&heard)], [Some("last".into()), Some("last".into())]);
    propose(&mut other, "other", "last", half_open.view.epoch, &report(vec![], 1, 0, 3));
    sync(&mut other, "third", "votes");
    sync(&mut other, "fourth", "votes");
    sync(&mut other, "fifth", "votes");
    assert_eq!(propose(&mut other, "third", "votes", 0, &trip(LONG, 3)).verdict, Verdict::Voted);
    propose(&mut other, "third", "votes", 0, &Proposal::Withdraw);
    propose(&mut other, "other", "end", 0, &trip(LONG, 1));
    assert_eq!(next(&heard).as_deref(), Some("end"));
    // Another namespace is another fleet.
    propose(&mut server.store().namespace("shop"), "other", "quotes", 0, &trip(LONG, 1));
    assert!(heard.recv_timeout(Duration::from_millis(300)).is_err());
}

#[test]
fn a_lost_subscription_is_made_again_and_all_is_read() {
    let Some(mut server) = Server::start() else { return };
    let (mut one, mut other) = (server.store(), server.store());
    sync(&mut one, "one", "x");
    let heard = listen(&mut one);
    assert_eq!(next(&heard), None);
    assert_eq!(server.tell::<i64>(&["CLIENT", "KILL", "TYPE", "pubsub"]), 1);
    assert_eq!(next(&heard), None);
    // The other connection was not touched.
    sync(&mut one, "one", "x");
    server.kill();
    server.start_again(&[]);
    assert_eq!(next(&heard), None);
    until("it answers", || other.sync("other", &[]).is_ok() && crate::support::try_sync(&mut other, "o", "x").is_ok());
    propose(&mut other, "other", "quotes", 0, &trip(LONG, 1));
    assert_eq!(next(&heard).as_deref(), Some("quotes"));
}

#[test]
fn a_connection_that_has_gone_silent_is_noticed() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::before(server.port);
    let mut store = patient(RedisStore::connect(proxy.url()).expect("the URL is good"));
    assert!(!store.is_listening());
    let heard = listen(&mut store);
    assert_eq!(next(&heard), None);
    assert!(store.is_listening());
    // Nobody hangs up: only who asks finds out.
    proxy.set(Line::Silent);
    let before = proxy.connections();
    until("it connects again", || proxy.connections() > before);
    assert!(!store.is_listening());
    proxy.set(Line::Good);
    assert_eq!(next(&heard), None);
    // It goes on without a word for longer than it waits for one.
    let before = proxy.connections();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(proxy.connections(), before);
    propose(&mut server.store(), "other", "quotes", 0, &trip(LONG, 1));
    until("it hears of it", || heard.try_iter().any(|name| name.as_deref() == Some("quotes")));
}

#[test]
fn the_thread_ends_with_the_store() {
    let Some(server) = Server::start() else { return };
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        tasks.map(name).filter(|name| name.starts_with("breakerbox-redi")).count()
    };
    let away = format!("redis://127.0.0.1:{}", crate::server::free_port());
    // At rest, at the first connection, between two tries, and where nobody answers (RFC 5737).
    for (url, rest) in [(server.url(), 300), (server.url(), 0), (away, 500), ("redis://192.0.2.1".into(), 100)] {
        let mut store = patient(RedisStore::connect(&url).expect("the URL is good"));
        let heard = listen(&mut store);
        until("the thread runs", || threads() > 0);
        std::thread::sleep(Duration::from_millis(rest));
        let began = Instant::now();
        drop(store);
        assert!(began.elapsed() < Duration::from_secs(1), "{url}: {:?}", began.elapsed());
        println!("{url}: ended after {:?}", began.elapsed());
        // What it was given is dropped at the end of the thread.
        until("it has ended", || {
            loop {
                match heard.try_recv() {
                    Ok(_) => {}
                    Err(error) => break error == std::sync::mpsc::TryRecvError::Disconnected,
                }
            }
        });
    }
}
