//! What the API tells of a store that fails, that works again, and whose files are damaged.

use std::time::{Duration, Instant};

use breakerbox::{Config, FileStore, Registry, State};
use serde_json::{Value, json};

use crate::broken::Broken;
use crate::fleet::Pair;
use crate::schema::check_named;
use crate::stream::Sse;
use crate::support::{PATIENCE, Rig, with_token};

/// A view until its store is so.
async fn until(rig: &Rig, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let view = rig.get("/circuit-breakers/quotes").await.ok();
        if is_so(&view["store"]) {
            return view["store"].clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not so: {view}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_there_is_none() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes");
    assert_eq!(rig.get("/circuit-breakers/quotes").await.ok()["store"], Value::Null);
    assert_eq!(rig.get("/health").await.ok().get("store"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_tells_how_its_state_is_kept() {
    let rig = Rig::new(with_token()).await;
    let broken = Broken::attach(&rig.registry);
    rig.breaker("quotes").force_open();
    let view = rig.get("/circuit-breakers/quotes").await.ok();
    check_named(&view, "Breaker");
    let store = &view["store"];
    assert_eq!((&store["store"], &store["source"]), (&json!("file"), &json!("local")));
    assert_eq!((&store["epoch"], &store["votes"]), (&Value::Null, &Value::Null), "it is not shared");
    assert!(store["degraded"].as_str().unwrap().contains("states"), "{store}");
    let stats = rig.get("/api/v1/circuit-breakers/stats/quotes").await.ok();
    assert_eq!(stats["store"], *store);

    broken.mend();
    let store = until(&rig, "it is mended", |store| store["degraded"].is_null()).await;
    assert!(store["synced"].as_str().unwrap().ends_with('Z'), "{store}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_restored_says_so() {
    let folder = tempfile::tempdir().unwrap();
    {
        // The process before.
        let registry = Registry::new();
        registry.attach(FileStore::open(folder.path())).unwrap();
        registry.get_or_insert("quotes", Config::default()).unwrap().open();
    }
    let rig = Rig::new(with_token()).await;
    rig.registry.attach(FileStore::open(folder.path())).unwrap();
    rig.breaker("quotes");
    let view = rig.get("/circuit-breakers/quotes").await.ok();
    assert_eq!((&view["state"], &view["store"]["source"]), (&json!("open"), &json!("restored")));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_of_the_store_and_stays_ok() {
    let rig = Rig::new(with_token().protect_reads()).await;
    let broken = Broken::attach(&rig.registry);
    rig.breaker("quotes");
    let health = rig.get("/health?strict=true").await;
    // No token is needed here, so there is no path and no address.
    let degraded = json!({ "store": "file", "degraded": true });
    assert_eq!((&health.ok()["status"], &health.ok()["store"]), (&json!("ok"), &degraded));
    rig.registry.get("quotes").unwrap().metrics_only();
    broken.mend();
    assert_eq!(rig.get("/health").await.ok()["store"], json!({ "store": "file", "degraded": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_an_alert() {
    let rig = Rig::new(with_token()).await;
    let _broken = Broken::attach(&rig.registry);
    rig.breaker("quotes");
    assert_eq!(rig.get("/alerts").await.ok(), json!({ "alerts": [] }));
    rig.clock.advance(Duration::from_secs(61));
    let alert = &rig.get("/alerts").await.ok()["alerts"][0];
    assert_eq!((&alert["name"], &alert["breaker"]), (&json!("CircuitBreakerStoreDegraded"), &Value::Null));
    // It is about each of them.
    rig.breaker("mail");
    let mut reader = Sse::open(&rig.url("/circuit-breakers/mail/events"), None).await;
    let snapshot = reader.find("snapshot").await;
    assert_eq!(snapshot.data["alerts"][0]["name"], "CircuitBreakerStoreDegraded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_tells_when_the_store_fails_and_works_again() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes");
    let mut all = rig.events(None).await;
    let mut one = Sse::open(&rig.url("/circuit-breakers/quotes/events"), None).await;
    assert_eq!(all.find("snapshot").await.data["circuit_breakers"][0]["store"], Value::Null);
    one.find("snapshot").await;

    let broken = Broken::attach(&rig.registry);
    for reader in [&mut all, &mut one] {
        let data = reader.find("store_degraded").await.data;
        assert_eq!((&data["breaker"], &data["store"]), (&Value::Null, &json!("file")));
        let problem = data["problem"].as_str().unwrap();
        assert_eq!(data["message"], format!("file store: degraded, breakers work in memory ({problem})"));
        // What the breakers tell of it follows within a second.
        let stats = reader.find("stats").await.data;
        assert_eq!(stats["circuit_breakers"][0]["store"]["degraded"], problem);
        assert_eq!(stats["summary"]["store"], json!({ "store": "file", "degraded": true }));
    }

    rig.registry.get("quotes").unwrap().force_open();
    broken.mend();
    for reader in [&mut all, &mut one] {
        assert_eq!(reader.find("store_recovered").await.data["message"], "file store: recovered");
        loop {
            let stats = reader.find("stats").await.data;
            if stats["circuit_breakers"][0]["store"]["degraded"].is_null() {
                assert_eq!(stats["summary"]["store"]["degraded"], false);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_is_told_with_its_breaker() {
    let rig = Rig::new(with_token()).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("quotes.cbs"), "no state").unwrap();
    rig.registry.attach(FileStore::open(folder.path())).unwrap();
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    rig.breaker("quotes");
    let data = reader.find("state_unusable").await.data;
    assert_eq!((&data["breaker"], &data["store"]), (&json!("quotes"), &json!("file")));
    assert!(data["problem"].as_str().unwrap().contains("quotes.cbs"), "{data}");
    assert_eq!(rig.get("/circuit-breakers/quotes").await.ok()["store"]["degraded"], Value::Null, "it is set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_fleet_told_is_an_event_of_its_own_kind() {
    let rig = Rig::new(with_token()).await;
    let mut pair = Pair::new(&rig.registry);
    let mut reader = rig.events(None).await;
    let snapshot = reader.find("snapshot").await.data;
    let store = &snapshot["circuit_breakers"][0]["store"];
    assert_eq!((&store["store"], &store["epoch"], &store["degraded"]), (&json!("memory"), &json!(0), &Value::Null));

    pair.elsewhere.quotes.record_failure();
    pair.until("it is open here", |pair| pair.here.quotes.state() == State::Open);
    let told = reader.find("remote_transition").await.data;
    assert_eq!((&told["from"], &told["to"], &told["reason"]), (&json!("closed"), &json!("open"), &json!("remote")));
    assert_eq!(told["message"], "circuit 'quotes': closed -> open (told by the fleet)");
    let view = rig.get("/circuit-breakers/quotes").await.ok();
    check_named(&view, "Breaker");
    assert_eq!((&view["store"]["source"], &view["last_transition"]["reason"]), (&json!("remote"), &json!("remote")));
    assert!(view["store"]["epoch"].as_u64() > Some(0) && view["store"]["votes"]["needed"] == 1, "{view}");

    pair.elsewhere.quotes.by("alice").reset();
    pair.until("it is closed here", |pair| pair.here.quotes.state() == State::Closed);
    assert_eq!(reader.find("remote_transition").await.data["by"], "alice");
    // What is decided here is none.
    pair.here.quotes.record_failure();
    assert_eq!(reader.find("transition").await.data["reason"], "failure_threshold");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_fleet_was_asked_again_is_no_news() {
    let rig = Rig::new(with_token()).await;
    let mut pair = Pair::new(&rig.registry);
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    let first = rig.get("/circuit-breakers/quotes").await.ok()["store"]["synced"].clone();
    let (begun, mut told) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(5) {
        pair.round();
        if let Ok(event) = tokio::time::timeout(Duration::from_millis(100), reader.next()).await {
            assert_eq!(event.unwrap().name, "stats");
            told += 1;
        }
    }
    assert_ne!(rig.get("/circuit-breakers/quotes").await.ok()["store"]["synced"], first, "it was asked");
    assert!(told <= 1, "{told} times in five seconds, each ten are enough");
}
