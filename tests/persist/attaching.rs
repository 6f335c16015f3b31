//! When and how a store comes to a registry.

use std::fs;
use std::time::Duration;

use breakerbox::{Config, FileStore, Registry, State};

use crate::support::{LONG, Process, file, folder, kept, once, secs};

#[test]
fn a_breaker_that_has_not_moved_takes_up_what_is_kept_when_a_store_comes_late() {
    let folder = folder();
    once(folder.path(), |process| process.quotes().open_for(secs(600)));
    let registry = Registry::new();
    let quotes = registry.get_or_insert("quotes", Config::default()).expect("valid");
    quotes.record_success();
    quotes.record_failure();
    registry.attach(FileStore::open(folder.path())).expect("the first");
    assert_eq!(quotes.state(), State::Open);
}

#[test]
fn a_breaker_that_has_moved_keeps_its_state_which_is_written() {
    let folder = folder();
    once(folder.path(), |process| process.quotes().open_for(secs(600)));
    let registry = Registry::new();
    let quotes = registry.get_or_insert("quotes", Config::default()).expect("valid");
    quotes.open();
    quotes.close();
    let store = FileStore::open(folder.path());
    registry.attach(&store).expect("the first");
    assert_eq!(quotes.state(), State::Closed);
    assert!(store.flush(LONG));
    assert_eq!(kept(&file(folder.path()))["state"], "closed");
}

#[test]
fn a_registry_has_one_store_and_a_store_one_registry() {
    let folder = folder();
    let (registry, store) = (Registry::new(), FileStore::open(folder.path()));
    registry.attach(&store).expect("the first");
    let again = registry.attach(FileStore::open(folder.path())).expect_err("the second");
    assert_eq!(again.to_string(), "the registry has a store already: attach one store to one registry");
    let elsewhere = Registry::new().attach(&store).expect_err("the second");
    assert_eq!(elsewhere.to_string(), "the store has a registry already: attach one store to one registry");
}

#[test]
fn a_registry_that_ends_writes_what_is_left_and_frees_the_folder() {
    let folder = folder();
    for round in 1..20 {
        let process = Process::start_alone(folder.path());
        let left = process.quotes().status().retry_after;
        assert_eq!(left.map_or(0, |left| left.as_secs_f64().ceil() as u64) / 1000, round - 1);
        // No pause and no flush between the last two.
        process.quotes().close();
        process.quotes().open_for(secs(round * 1000 + 500));
        let heard = process.heard();
        assert!(!heard.iter().any(|line| line.contains("file store")), "round {round}: {heard:?}");
    }
}

#[test]
fn a_breaker_that_comes_back_after_it_was_removed_takes_up_its_state() {
    let folder = folder();
    let process = Process::start_alone(folder.path());
    process.quotes().open_for(secs(600));
    // Whether it is written by now or not.
    process.registry.remove("quotes");
    assert_eq!(process.quotes().state(), State::Open);
}

#[test]
fn an_instance_has_a_folder_within() {
    let folder = folder();
    let store = FileStore::open(folder.path()).instance("../worker 1");
    assert_eq!(store.folder(), folder.path().join("%2e%2e%2fworker%201"));
    let (one, other) = (Registry::new(), Registry::new());
    one.attach(FileStore::open(folder.path()).instance("1")).expect("the first");
    let second = FileStore::open(folder.path()).instance("2");
    other.attach(&second).expect("the first");
    other.get_or_insert("quotes", Config::default()).expect("valid").open();
    assert!(second.flush(LONG));
    assert_eq!(one.get_or_insert("quotes", Config::default()).expect("valid").state(), State::Closed);
}

#[test]
fn variables_attach_a_store_or_tell_why_not() {
    let folder = folder();
    let states = folder.path().join("states");
    let with = |variables: &[(&str, &str)]| {
        Registry::with_environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    };
    let dir = ("CIRCUIT_BREAKER_STATE_DIR", states.to_str().expect("a plain path"));
    for text in ["false", "0", ""] {
        let registry = with(&[("CIRCUIT_BREAKER_PERSISTENT", text), dir]);
        assert_eq!((registry.store_errors().len(), registry.warnings().len()), (0, 0));
    }
    assert_eq!((with(&[dir]).store_errors().len(), states.exists()), (0, false));
    let problems = |variables: &[(&str, &str)]| -> Vec<String> {
        with(variables).warnings().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        problems(&[("CIRCUIT_BREAKER_PERSISTENT", "perhaps"), dir]),
        ["CIRCUIT_BREAKER_PERSISTENT=perhaps is ignored: it must be `true` or `false`"]
    );
    assert_eq!(
        problems(&[("CIRCUIT_BREAKER_PERSISTENT", "true")]),
        [
            "CIRCUIT_BREAKER_PERSISTENT=true is ignored: state has nowhere to go: set CIRCUIT_BREAKER_STATE_DIR to a folder too"
        ]
    );
    let registry = with(&[("CIRCUIT_BREAKER_PERSISTENT", "TRUE"), dir]);
    registry.get_or_insert("quotes", Config::default()).expect("valid").open_for(secs(600));
    assert!(registry.flush(secs(60)) && Registry::new().flush(Duration::ZERO));
    assert!(file(&states).exists());
    drop(registry);
    let registry = with(&[("CIRCUIT_BREAKER_PERSISTENT", "1"), dir]);
    assert_eq!(registry.get_or_insert("quotes", Config::default()).expect("valid").state(), State::Open);
}

#[test]
fn nothing_is_touched_before_a_store_is_attached() {
    let folder = folder();
    let store = FileStore::open(folder.path().join("later"));
    assert!(store.flush(Duration::ZERO));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[cfg(feature = "observe")]
#[test]
fn a_scrape_tells_what_the_store_failed_at() {
    let folder = folder();
    fs::write(file(folder.path()), "damaged").expect("a file to write");
    let process = Process::start_alone(folder.path());
    let render = || breakerbox::observe::Prometheus::new(&process.registry).respond(None).body;
    process.quotes();
    let page = render();
    let lines: Vec<_> = page.lines().filter(|line| line.starts_with("circuit_breaker_store_errors_total")).collect();
    assert_eq!(
        lines,
        [
            r#"circuit_breaker_store_errors_total{store="file",op="read"} 1"#,
            r#"circuit_breaker_store_errors_total{store="file",op="write"} 0"#,
            r#"circuit_breaker_store_errors_total{store="file",op="queue"} 0"#,
        ]
    );
    assert!(!breakerbox::observe::Prometheus::new(&Registry::new()).respond(None).body.contains("store_errors"));
}
