//! `watch` into a pipe: a line for each event, and nothing lost when the server goes and comes back.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use breakerbox::admin::AdminConfig;
use serde_json::Value as Json;

use crate::breaker::{snapshot, transition};
use crate::command::{command, end, eventually, run};
use crate::fake::{Act, Fake, problem, stream};
use crate::real::{Real, registry, trip};

/// A watcher and what it has said so far.
pub(crate) struct Watch {
    child: Child,
    out: Arc<Mutex<Vec<String>>>,
    err: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    pub(crate) fn start(url: &str, arguments: &[&str]) -> Watch {
        let arguments = [&["watch"], arguments].concat();
        let mut child = command(url, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("built");
        let out = lines(child.stdout.take().expect("piped"));
        let err = lines(child.stderr.take().expect("piped"));
        Watch { child, out, err }
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        count(&self.out, text) > 0
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            into.lock().expect("no panic").push(line);
        }
    });
    lines
}

fn count(lines: &Mutex<Vec<String>>, text: &str) -> usize {
    lines.lock().expect("no panic").iter().filter(|line| line.contains(text)).count()
}

#[test]
fn a_line_tells_how_things_stand_and_one_each_thing_that_happens() {
    let registry = registry(&["open-a", "b"]);
    let real = Real::start(&registry, AdminConfig::new());
    let watch = Watch::start(&real.url(), &[]);
    eventually("how things stand", || watch.has("2 circuit breakers: 1 open, 0 half_open, 1 closed"));
    eventually("what is open", || watch.has("  open-a is open, next trial in "));
    trip(&registry.get("b").unwrap());
    eventually("a transition", || watch.has("Z circuit 'b': closed -> open (5 consecutive failures)"));
    registry.get("b").unwrap().by("alice").force_open();
    eventually("who did it", || watch.has("alice"));
    assert!(!watch.out.lock().unwrap().iter().any(|line| line.contains('\u{1b}')));
}

#[test]
fn one_breaker_can_be_watched_alone() {
    let registry = registry(&["a", "b"]);
    let real = Real::start(&registry, AdminConfig::new());
    let watch = Watch::start(&real.url(), &["b", "--json"]);
    eventually("a snapshot", || watch.has("\"event\":\"snapshot\""));
    trip(&registry.get("a").unwrap());
    trip(&registry.get("b").unwrap());
    eventually("its transition", || watch.has("\"event\":\"transition\""));
    for line in watch.out.lock().unwrap().iter() {
        let event: Json = serde_json::from_str(line).unwrap();
        assert!(event["data"]["breaker"].as_str() != Some("a"), "{line}");
        assert!(line.starts_with("{\"event\":"), "{line}");
    }
    assert_eq!(run(&real.url(), &["watch", "c"]).code, 3);
}

#[test]
fn a_server_that_goes_away_and_comes_back_is_told_and_followed() {
    let registry = registry(&["a"]);
    let real = Real::start(&registry, AdminConfig::new());
    let (address, url) = (real.address, real.url());
    let watch = Watch::start(&url, &[]);
    eventually("it stands", || watch.has("1 circuit breaker: 0 open"));
    drop(real);
    eventually("the loss is told", || count(&watch.err, "connection lost, trying again: ") > 0);
    let _again = Real::start_at(address, &registry, AdminConfig::new());
    eventually("it is back", || count(&watch.err, "connected again") > 0);
    trip(&registry.get("a").unwrap());
    eventually("events come", || watch.has("circuit 'a': closed -> open"));
}

#[test]
fn events_that_were_missed_are_told_once() {
    let fake = Fake::by_turn(|turn| match turn {
        0 => vec![stream(&format!("retry: 100\n\n{}{}", snapshot("r-0", &[]), transition("r-1", "a")))],
        _ => vec![stream(&format!("{}{}", transition("r-2", "a"), snapshot("r-2", &["a"]))), Act::Hang],
    });
    let watch = Watch::start(&fake.url(), &[]);
    eventually("the end of the second snapshot", || watch.has("  a is open, next trial in 21s"));
    let order: Vec<String> = watch.out.lock().unwrap().iter().filter(|line| line.contains("event")).cloned().collect();
    assert_eq!(order, ["2026-11-21T00:41:53Z event r-1", "2026-11-21T00:41:53Z event r-2"]);
}

#[test]
fn a_watch_that_cannot_begin_or_go_on_ends_with_its_code() {
    assert_eq!(run("http://127.0.0.1:1", &["watch"]).code, 5);
    let fake = Fake::by_turn(|turn| match turn {
        0 => vec![stream(&format!("retry: 50\n\n{}", snapshot("r-0", &[])))],
        _ => problem("401 Unauthorized", r#"{"detail":"the token has changed"}"#),
    });
    let mut watch = Watch::start(&fake.url(), &[]);
    assert_eq!(end(&mut watch.child), 4);
    eventually("why", || count(&watch.err, "the token has changed") > 0);
}

#[test]
fn a_reader_who_leaves_ends_the_watch_at_the_next_event() {
    let registry = registry(&["a"]);
    let real = Real::start(&registry, AdminConfig::new());
    let mut child = command(&real.url(), &["watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("1 circuit breaker"), "{first}");
    trip(&registry.get("a").unwrap());
    assert_eq!(end(&mut child), 0);
}
