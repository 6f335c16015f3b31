//! What the command says of a store that fails, and of one that works.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use breakerbox::admin::{AdminConfig, Client};
use breakerbox::{Config, FileStore, ManualClock, Registry};
use serde_json::Value as Json;

use crate::command::{eventually, run};
use crate::real::{Real, registry};
use crate::watching::Watch;

/// Longer than anything may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A place for a folder, gone when it is dropped.
pub(crate) struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("breakerbox-cli-{name}-{}", std::process::id()));
        Place(place)
    }

    /// Makes way for the folder.
    pub(crate) fn mend(&self) {
        fs::remove_file(&self.0).expect("the file is there");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        let _ = fs::remove_file(&self.0);
    }
}

/// A store that cannot work: a file stands where its folder would be.
pub(crate) fn broken(name: &str, registry: &Registry) -> (Place, FileStore) {
    let place = Place::new(name);
    fs::write(&place.0, "no folder").unwrap();
    let store = FileStore::open(&place.0);
    registry.attach(&store).unwrap();
    (place, store)
}

/// The lines of what was said, with single spaces.
fn lines(said: &str) -> Vec<String> {
    said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn show_tells_how_a_state_is_kept_and_what_is_wrong() {
    let registry = registry(&["open-a"]);
    let real = Real::start(&registry, AdminConfig::new());
    let none = lines(&run(&real.url(), &["show", "open-a"]).out);
    assert!(!none.iter().any(|line| line.starts_with("store ")), "{none:#?}");

    let (place, store) = broken("show", &registry);
    let said = lines(&run(&real.url(), &["show", "open-a"]).out);
    assert!(said.contains(&"store file, local, not synced yet".to_owned()), "{said:#?}");
    let name = place.0.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(said.iter().any(|line| line.starts_with("degraded ") && line.contains(&name)), "{said:#?}");
    let json: Json = serde_json::from_str(&run(&real.url(), &["--json", "show", "open-a"]).out).unwrap();
    assert_eq!((&json["store"]["store"], &json["store"]["epoch"]), (&Json::from("file"), &Json::Null));

    place.mend();
    registry.get("open-a").unwrap().force_open();
    assert!(store.flush(LONG));
    let said = lines(&run(&real.url(), &["show", "open-a"]).out);
    assert!(said.iter().any(|line| line.starts_with("store file, local, synced 20")), "{said:#?}");
    assert!(!said.iter().any(|line| line.starts_with("degraded ")), "{said:#?}");
}

#[test]
fn health_tells_of_a_store_that_fails_and_it_is_no_bad_news() {
    let registry = registry(&["a"]);
    let real = Real::start(&registry, AdminConfig::new());
    let (place, store) = broken("health", &registry);
    let done = run(&real.url(), &["health"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.ends_with("\n  store: file, degraded\n"), "{}", done.out);
    place.mend();
    registry.get("a").unwrap().metrics_only();
    assert!(store.flush(LONG));
    assert!(run(&real.url(), &["health"]).out.ends_with("\n  store: file, ok\n"));
}

#[test]
fn watch_tells_when_a_store_fails_and_works_again() {
    let registry = registry(&["a", "b"]);
    let real = Real::start(&registry, AdminConfig::new());
    let watch = Watch::start(&real.url(), &["b"]);
    eventually("how things stand", || watch.has("0 open"));
    let (place, store) = broken("watch", &registry);
    eventually("it fails", || watch.has("Z file store: degraded, breakers work in memory ("));
    place.mend();
    registry.get("a").unwrap().force_open();
    assert!(store.flush(LONG));
    eventually("it works", || watch.has("Z file store: recovered"));
}

#[test]
fn watch_begins_with_what_is_wrong_with_the_store() {
    let registry = registry(&["a", "open-b"]);
    let (_place, _store) = broken("watch-late", &registry);
    let real = Real::start(&registry, AdminConfig::new());
    let watch = Watch::start(&real.url(), &[]);
    eventually("it fails", || watch.has("  the file store is degraded, breakers work in memory: "));
    eventually("the rest", || watch.has("  open-b is open"));
}

#[test]
fn an_alert_about_the_store_is_about_no_breaker() {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    registry.get_or_insert("a", Config::default()).unwrap();
    let real = Real::start(&registry, AdminConfig::new());
    let (_place, _store) = broken("alerts", &registry);
    assert_eq!(run(&real.url(), &["alerts"]).code, 0);
    clock.advance(Duration::from_secs(61));
    let done = run(&real.url(), &["alerts"]);
    let alert = lines(&done.out).pop().unwrap();
    assert_eq!(done.code, 1);
    assert!(alert.starts_with("warning CircuitBreakerStoreDegraded - "), "{alert}");
    assert!(alert.contains("the file store has been degraded for 1m: "), "{alert}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_reads_how_a_state_is_kept() {
    let registry = registry(&["a"]);
    let real = Real::start(&registry, AdminConfig::new());
    let client = Client::new(&real.url()).unwrap();
    assert_eq!(client.get("a").await.unwrap().store, None);
    assert_eq!(client.health().await.unwrap().store, None);
    let (_place, _store) = broken("client", &registry);
    let view = client.get("a").await.unwrap().store.unwrap();
    assert_eq!((view.store.as_ref(), view.source.as_ref(), view.epoch), ("file", "local", None));
    assert!(view.degraded.is_some());
    let health = client.health().await.unwrap();
    assert_eq!((health.status.as_ref(), health.store.unwrap().degraded), ("ok", true));
}
