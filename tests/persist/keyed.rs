//! The state of breakers of keys, in files.

use std::time::Duration;

use breakerbox::{Config, FileStore, KeyedCircuitBreaker, ManualClock, Registry, State};

const SOON: Duration = Duration::from_secs(60);

fn family(registry: &Registry, keys: u32) -> KeyedCircuitBreaker {
    registry.keyed("fetch", Config::builder().failure_threshold(1).max_keys(keys)).expect("good settings")
}

#[test]
fn an_open_key_is_open_after_a_restart_whatever_it_is_called() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "k".repeat(100_000);
    let keys = ["api.example.com", "", "*", "a\nb", "../../etc/passwd", &long, "ü"];
    {
        let registry = Registry::new();
        registry.attach(FileStore::open(folder.path())).expect("the first");
        let fetch = family(&registry, 100);
        for key in keys {
            fetch.get(key).record_failure();
        }
        fetch.get(&format!("{long}!")).record_success();
        assert!(registry.flush(SOON));
    }
    let registry = Registry::new();
    registry.attach(FileStore::open(folder.path())).expect("the first");
    let fetch = family(&registry, 100);
    for key in keys {
        assert_eq!(fetch.get(key).state(), State::Open, "{key}");
    }
    assert_eq!(fetch.get(&format!("{long}!")).state(), State::Closed);
    assert_eq!(fetch.get("other").state(), State::Closed);
}

#[test]
fn files_of_keys_that_have_left_are_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    registry.attach(FileStore::open(folder.path())).expect("the first");
    let fetch = family(&registry, 5);
    for key in 0..100 {
        fetch.get_display(&key).record_failure();
        clock.advance(Duration::from_secs(300));
    }
    fetch.get("one more").record_failure();
    assert!(registry.flush(SOON));
    let files = std::fs::read_dir(folder.path()).expect("readable").flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().ends_with(".cbs")).count();
    assert!((1..=5).contains(&files), "{files} files of {} keys", fetch.len());
    assert!(registry.store_errors().iter().all(|errors| errors.count == 0), "{:?}", registry.store_errors());
}

#[test]
fn what_is_held_after_it_has_left_writes_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let registry = Registry::with_clock(ManualClock::new());
    registry.attach(FileStore::open(folder.path())).expect("the first");
    let fetch = family(&registry, 2);
    let held: Vec<_> = (0..50).map(|key| fetch.get_display(&key)).collect();
    let left: Vec<_> = held.iter().filter(|breaker| registry.get(breaker.name()).is_none()).collect();
    assert!(!left.is_empty());
    for breaker in left {
        breaker.record_failure();
        assert_eq!(breaker.state(), State::Open, "whoever holds it goes on with it");
    }
    assert!(registry.flush(SOON));
    let files = std::fs::read_dir(folder.path()).expect("readable").flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().ends_with(".cbs")).count();
    assert_eq!(files, 0);
}
