//! What a server may refuse: each is an error that says what to do.

use std::time::Duration;

use breakerbox::shared::Order;
use breakerbox::{RedisStore, State};

use crate::server::{Server, patient};
use crate::support::{LONG, command, propose, sync, trip, try_sync, until};

#[track_caller]
fn refused(store: &mut RedisStore, says: &[&str]) {
    let error = try_sync(store, "i", "b").expect_err("it is refused");
    for word in says {
        assert!(error.to_string().contains(word), "{error} lacks {word}");
    }
    assert!(!format!("{error} {error:?} {store:?}").contains("secret"), "{error:?} {store:?}");
}

fn store(url: &str) -> RedisStore {
    patient(RedisStore::connect(url).expect("the URL is good"))
}

#[test]
fn wrong_credentials_and_databases_are_named_and_not_shown() {
    let Some(server) = Server::start_with(&["--requirepass", "right"]) else { return };
    let at = format!("127.0.0.1:{}", server.port);
    refused(&mut store(&format!("redis://{at}")), &[&at, "NOAUTH", "put user and password into the URL"]);
    refused(&mut store(&format!("redis://:secret@{at}")), &[&at, "no such user and password", "correct the URL"]);
    refused(&mut store(&format!("redis://nobody:secret@{at}")), &[&at, "no such user and password"]);
    refused(&mut store(&format!("redis://:right@{at}/99")), &[&at, "no such database"]);
    sync(&mut store(&format!("redis://:right@{at}/3")), "i", "b");
}

#[test]
fn a_key_of_another_kind_is_left_alone() {
    let Some(server) = Server::start() else { return };
    server.tell::<()>(&["SET", "cb1:{default:b}:s", "mine"]);
    refused(&mut server.store(), &["WRONGTYPE", "another namespace"]);
    assert_eq!(server.tell::<String>(&["GET", "cb1:{default:b}:s"]), "mine");
    sync(&mut server.store().namespace("shop"), "i", "b");
}

#[test]
fn a_server_without_memory_still_agrees() {
    let Some(server) = Server::start() else { return };
    let mut store = server.store();
    propose(&mut store, "i", "b", 0, &trip(LONG, 1));
    server.tell::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    // A script that first takes away may write what it has to.
    let reset = propose(&mut store, "i", "b", 0, &command(Order::Reset));
    assert_eq!(propose(&mut store, "i", "b", reset.view.epoch, &trip(LONG, 1)).view.state, State::Open);
    assert_eq!(sync(&mut server.store(), "other", "another").state, State::Closed);
    // Nobody decides by the plain key: it lags behind.
    let (plain, key) = (|| server.tell::<String>(&["GET", "circuit_breaker:b:state"]), "circuit_breaker:another:state");
    assert_eq!((plain(), server.tell::<Option<String>>(&["GET", key])), ("open".to_owned(), None));
    let kept = propose(&mut store, "i", "b", 0, &command(Order::Reset)).view;
    assert_eq!(plain(), "open");
    server.tell::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    propose(&mut store, "i", "b", kept.epoch, &trip(LONG, 1));
    propose(&mut store, "i", "b", 0, &command(Order::Reset));
    assert_eq!(plain(), "closed");
}

#[test]
fn a_server_that_is_busy_or_loading_is_named() {
    let Some(mut server) = Server::start() else { return };
    server.tell::<()>(&["CONFIG", "SET", "busy-reply-threshold", "10"]);
    let mut store = server.store();
    sync(&mut store, "i", "b");
    let mut busy = server.connection();
    busy.set_read_timeout(Some(Duration::from_millis(100))).expect("it can be set");
    redis::cmd("EVAL").arg("while true do end").arg(0).exec(&mut busy).expect_err("it never ends");
    refused(&mut store, &["BUSY", "SCRIPT KILL"]);
    server.tell::<()>(&["SCRIPT", "KILL"]);
    until("it has ended it", || try_sync(&mut store, "i", "b").is_ok());
    // Some keys of which each takes a while to load.
    for key in 0..40 {
        server.tell::<()>(&["SET", &format!("key{key}"), &"x".repeat(4096)]);
    }
    server.tell::<()>(&["SAVE"]);
    assert!(server.path().join("dump.rdb").exists());
    server.kill();
    server.start_again(&["--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024"]);
    until("it says so", || try_sync(&mut store, "i", "b").is_err_and(|error| error.to_string().contains("LOADING")));
    until("it has loaded", || try_sync(&mut store, "i", "b").is_ok());
}

#[test]
fn a_server_that_cannot_save_is_named() {
    let Some(server) = Server::start_with(&["--save", "3600 1"]) else { return };
    let mut store = server.store();
    propose(&mut store, "i", "b", 0, &trip(LONG, 1));
    // A folder stands where the file would.
    std::fs::create_dir(server.path().join("dump.rdb")).expect("a folder");
    std::fs::write(server.path().join("dump.rdb/x"), "").expect("a file");
    server.tell::<()>(&["BGSAVE"]);
    until("it has failed", || server.tell::<String>(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err"));
    refused(&mut store, &["MISCONF", "look into its log"]);
}

#[test]
fn a_host_that_does_not_exist_is_named() {
    refused(&mut store("redis://nobody.invalid"), &["nobody.invalid", "correct the URL"]);
}

#[test]
fn what_is_no_redis_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    refused(&mut store(&format!("redis://127.0.0.1:{port}")), &["does not speak the protocol of Redis"]);
}
