//! Server-sent events: a snapshot, what happens, what changes, and what was missed.

use std::time::{Duration, Instant};

use breakerbox::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::schema::check_named;
use crate::support::{PATIENCE, Rig, TOKEN, with_token};

/// A reader of a stream.
pub(crate) struct Sse {
    response: reqwest::Response,
    buffer: String,
    /// Lines that are no event: the retry time, signs of life.
    pub(crate) others: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SseEvent {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Sse {
    pub(crate) async fn open(url: &str, last_id: Option<&str>) -> Sse {
        let request = reqwest::Client::new().request(Method::GET, url);
        let response = last_id.into_iter().fold(request, |request, id| request.header("last-event-id", id));
        let response = response.send().await.unwrap();
        assert_eq!(response.status(), 200, "{:?}", response.headers());
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Sse { response, buffer: String::new(), others: Vec::new() }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                match parse(&block) {
                    Some(event) => return Some(event),
                    None => self.others.push(block),
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("the stream goes on");
            self.buffer.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// The next event of this name; others are passed over.
    pub(crate) async fn find(&mut self, name: &str) -> SseEvent {
        let found = async {
            loop {
                let event = self.next().await.unwrap();
                if event.name == name {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("there is no {name}"))
    }
}

fn parse(block: &str) -> Option<SseEvent> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).unwrap();
    let event = SseEvent { name: field("event")?.to_owned(), id: field("id").map(str::to_owned), data };
    for breaker in event.data["circuit_breakers"].as_array().into_iter().flatten() {
        check_named(breaker, "Breaker");
    }
    if event.data.get("summary").is_some() {
        check_named(&event.data["summary"], "Health");
        check_named(&json!({ "alerts": event.data["alerts"] }), "Alerts");
    }
    Some(event)
}

impl Rig {
    pub(crate) async fn events(&self, last_id: Option<&str>) -> Sse {
        Sse::open(&self.url("/circuit-breakers/events"), last_id).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_with_a_snapshot_and_tells_what_happens() {
    let rig = Rig::new(with_token().service("shop")).await;
    rig.breaker("quotes");
    let mut reader = rig.events(None).await;
    let snapshot = reader.next().await.unwrap();
    assert_eq!(reader.others, ["retry: 2000"]);
    assert_eq!(snapshot.name, "snapshot");
    assert_eq!(snapshot.data["circuit_breakers"][0]["name"], "quotes");
    assert_eq!(snapshot.data["summary"]["service"], "shop");
    assert_eq!(snapshot.data["alerts"], json!([]));
    assert!(snapshot.data["history"].is_object() && snapshot.id.is_some());

    rig.open("payments");
    let registered = reader.find("registered").await;
    assert_eq!(registered.data["breaker"], "payments");
    let transition = reader.find("transition").await;
    let data = &transition.data;
    assert_eq!((&data["from"], &data["to"], &data["by"]), (&json!("closed"), &json!("open"), &json!(null)));
    assert_eq!((&data["reason"], &data["retry_after"]), (&json!("failure_threshold"), &json!(60.0)));
    assert_eq!(data["message"], "circuit 'payments': closed -> open (5 consecutive failures)");
    assert!(data["at"].as_str().unwrap().ends_with('Z') && data["generation"].is_u64());
    let stats = reader.find("stats").await;
    assert_eq!(stats.id, None);
    assert_eq!(stats.data["circuit_breakers"].as_array().unwrap().len(), 1, "only what has changed");
    assert_eq!(stats.data["circuit_breakers"][0]["name"], "payments");
    assert_eq!(stats.data["summary"]["open_breakers"], json!(["payments"]));
    assert_eq!(stats.data["removed"], json!([]));

    rig.post("/circuit-breakers/payments/force-open").await.ok();
    let mode = reader.find("mode").await.data;
    assert_eq!((&mode["from"], &mode["to"], &mode["by"]), (&json!("auto"), &json!("forced_open"), &json!("admin")));
    rig.put("/circuit-breakers/payments/config", "{\"failure_threshold\":3}").await.ok();
    let config = reader.find("config").await.data;
    assert_eq!(config["changes"], json!([{ "key": "failure_threshold", "before": 5, "after": 3 }]));
    rig.post("/circuit-breakers/payments/reset").await.ok();
    assert_eq!(reader.find("reset").await.data["by"], "admin");
    rig.registry.remove("payments");
    assert_eq!(reader.find("removed").await.data["breaker"], "payments");
    loop {
        let stats = reader.find("stats").await;
        if stats.data["removed"] == json!(["payments"]) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_measures_tells_when_it_would_open() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes").metrics_only();
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    for _ in 0..5 {
        rig.breaker("quotes").record_failure();
    }
    assert_eq!(reader.find("would_open").await.data["reason"], "failure_threshold");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_told_without_its_value() {
    let variables = [("CIRCUIT_BREAKER__QUOTES__MINIMUM_CALLS".into(), "4711".into())];
    let registry = breakerbox::Registry::with_environment(variables);
    let rig = Rig::serve(registry.clone(), breakerbox::admin::router(&registry, with_token()), "").await;
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    for calls in [3, 4] {
        let config = Config::builder().failure_threshold(calls);
        registry.get_or_insert("quotes", config).unwrap();
    }
    // The value of a variable that was mistaken for a setting may be anything, a secret too.
    let warning = reader.find("warning").await.data;
    assert_eq!(warning["variable"], "CIRCUIT_BREAKER__QUOTES__MINIMUM_CALLS");
    assert!(warning["message"].as_str().unwrap().contains("`window_size`"), "{warning}");
    assert!(!warning.to_string().contains("4711"), "{warning}");
    assert_eq!(reader.find("conflict").await.data["key"], "failure_threshold");
    let stats = reader.find("stats").await;
    let conflict = &stats.data["circuit_breakers"][0]["conflicts"][0];
    assert_eq!((&conflict["key"], &conflict["kept"]), (&json!("failure_threshold"), &json!("3")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_breaker_can_be_read_alone() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes");
    rig.breaker("a/b");
    let mut reader = Sse::open(&rig.url("/circuit-breakers/a%2Fb/events"), None).await;
    let snapshot = reader.next().await.unwrap();
    let told: Vec<_> = snapshot.data["circuit_breakers"].as_array().unwrap().iter().map(|view| &view["name"]).collect();
    assert_eq!(told, ["a/b"]);
    rig.open("quotes");
    rig.open("a/b");
    assert_eq!(reader.next().await.unwrap().data["breaker"], "a/b");
    let stats = reader.find("stats").await;
    assert_eq!(stats.data["circuit_breakers"].as_array().unwrap().len(), 1);
    rig.open("quotes").reset();
    rig.registry.remove("a/b");
    assert_eq!(reader.next().await.unwrap().name, "removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_within_two_seconds() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("quotes");
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    for calls in 1..=3_u64 {
        let begun = Instant::now();
        breaker.record_success();
        let stats = reader.find("stats").await;
        assert_eq!(stats.data["circuit_breakers"][0]["totals"]["successes"], calls);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_while_nothing_but_time_passes() {
    let rig = Rig::new(with_token()).await;
    rig.open("quotes");
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    for _ in 0..3 {
        rig.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    rig.breaker("marker");
    assert_eq!(reader.next().await.unwrap().name, "registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_gets_what_was_missed_once() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("quotes");
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    let mut seen = Vec::new();
    let mut id = None;
    for round in 0..5_u64 {
        for _ in 0..10 {
            breaker.open();
            breaker.close();
        }
        // Some are read, the rest is missed.
        for _ in 0..3 {
            let event = reader.find("transition").await;
            seen.push(event.data["generation"].as_u64().unwrap());
            id = event.id;
        }
        drop(reader);
        breaker.open();
        breaker.close();
        reader = rig.events(id.as_deref()).await;
        loop {
            let event = reader.next().await.unwrap();
            match event.name.as_str() {
                "transition" => seen.push(event.data["generation"].as_u64().unwrap()),
                "snapshot" => {
                    assert_eq!(event.data["circuit_breakers"][0]["totals"]["trips"], (round + 1) * 11);
                    break;
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(seen.len() as u64, (round + 1) * 22);
    }
    assert!(seen.windows(2).all(|pair| pair[0] + 1 == pair[1]), "none lost, none twice: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_after_the_sample_of_others_is_told_once_too() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("quotes");
    let mut other = rig.events(None).await;
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    for _ in 0..2 {
        breaker.open();
        breaker.close();
    }
    let first = reader.find("transition").await;
    drop(reader);
    // A sample has just been taken; what follows is not in it.
    other.find("stats").await;
    breaker.open();
    breaker.close();
    let mut reader = rig.events(first.id.as_deref()).await;
    let mut told = vec![first.data["generation"].as_u64().unwrap()];
    let mut is_ordered = false;
    loop {
        let event = reader.next().await.unwrap();
        match event.name.as_str() {
            "transition" => told.push(event.data["generation"].as_u64().unwrap()),
            "mode" => break,
            _ => {}
        }
        if told.len() >= 6 && !is_ordered {
            is_ordered = true;
            breaker.force_open();
        }
    }
    assert_eq!(told.len(), 6);
    assert!(told.windows(2).all(|pair| pair[0] + 1 == pair[1]), "none lost, none twice: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_too_old_gets_lagged_and_a_snapshot_and_an_unknown_one_the_snapshot() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("quotes");
    let first = rig.events(None).await.find("snapshot").await.id.unwrap();
    let run = first.split('-').next().unwrap();
    for _ in 0..200 {
        breaker.open();
        breaker.close();
    }
    // A second has passed, so that the snapshot is a new one.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    // 256 are kept; the id is of this run, so how many are missing can be told.
    let mut reader = rig.events(Some(&first)).await;
    let lagged = reader.next().await.unwrap();
    let seen: u64 = first.split_once('-').unwrap().1.parse().unwrap();
    assert_eq!((lagged.name.as_str(), lagged.data), ("lagged", json!({ "missed": 401 - seen })));
    let snapshot = reader.next().await.unwrap();
    assert_eq!((snapshot.name.as_str(), snapshot.id), ("snapshot", Some(format!("{run}-401"))));
    let unknown = [format!("{run}-99999"), "0-1".to_owned(), format!("{run}-"), "x".repeat(999)];
    for id in unknown.iter().map(String::as_str).chain(["-1", "nonsense"]) {
        let mut reader = rig.events(Some(id)).await;
        let snapshot = reader.next().await.unwrap();
        assert_eq!((snapshot.name.as_str(), snapshot.id), ("snapshot", Some(format!("{run}-401"))), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_stream_needs_the_token() {
    let rig = Rig::new(with_token().protect_reads()).await;
    rig.breaker("quotes");
    let request = rig.request(Method::GET, "/circuit-breakers/events").bearer_auth(TOKEN);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut reader = Sse { response, buffer: String::new(), others: Vec::new() };
    assert_eq!(reader.next().await.unwrap().name, "snapshot");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_name_stays_one_line_of_data() {
    let rig = Rig::new(with_token()).await;
    let name = "</script><img src=x onerror=alert(1)>\u{2028}data: \"\\";
    assert!(rig.registry.get_or_insert("a\nevent: snapshot\ndata: {}", Config::default()).is_err());
    let mut reader = rig.events(None).await;
    reader.find("snapshot").await;
    rig.breaker(name).force_open();
    assert_eq!(reader.find("mode").await.data["breaker"], name);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_new_gets_the_totals_of_the_last_two_minutes() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("quotes");
    let mut first = rig.events(None).await;
    first.find("snapshot").await;
    for _ in 0..2 {
        breaker.record_success();
        first.find("stats").await;
    }
    let history = rig.events(None).await.find("snapshot").await.data["history"].clone();
    let points = history["quotes"].as_array().unwrap();
    let successes: Vec<u64> = points.iter().map(|point| point[1].as_u64().unwrap()).collect();
    assert!(successes.starts_with(&[0]) && successes.ends_with(&[2]), "{history}");
    assert!(points.windows(2).all(|pair| pair[0][0].as_f64() < pair[1][0].as_f64()), "{history}");
}
