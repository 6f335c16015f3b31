//! What the routes tell.

use std::time::Duration;

use breakerbox::{Config, Key, Preset, State};
use reqwest::Method;
use serde_json::json;

use crate::schema::check_named;
use crate::support::{Rig, with_token};

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_is_told_in_full() {
    let rig = Rig::new(with_token()).await;
    let config = Config::builder().preset(Preset::Redis).failure_rate_threshold(0.5).minimum_calls(2);
    let breaker = rig.registry.get_or_insert("payments", config).unwrap();
    breaker.record_success();
    breaker.record_failure();
    assert!(breaker.try_acquire().is_err());
    rig.clock.advance(Duration::from_millis(1_500));

    let view = rig.get("/circuit-breakers/payments").await.ok();
    check_named(&view, "Breaker");
    assert_eq!(view["name"], "payments");
    assert_eq!((&view["state"], &view["mode"], &view["preset"]), (&json!("open"), &json!("auto"), &json!("redis")));
    assert_eq!((&view["time_in_state"], &view["time_in_current_state"]), (&json!(1.5), &json!(1.5)));
    assert_eq!((&view["retry_after"], &view["recovery_in_seconds"]), (&json!(13.5), &json!(13.5)));
    assert_eq!(view["window"]["failure_ratio"], 0.5);
    assert_eq!(view["totals"]["rejections_by_reason"], json!({ "open": 1, "half_open_full": 0, "forced_open": 0 }));
    assert_eq!(view["totals"]["requests_by_state"]["open"], 1);
    assert_eq!(view["totals"]["transitions"]["closed_to_open"], 1);
    assert_eq!(view["total_calls"], view["totals"]["requests"]);
    assert_eq!(view["last_transition"]["reason"], "failure_rate_threshold");
    assert_eq!(view["config"]["failure_rate_threshold"], 0.5);
    assert_eq!(view["config"]["timeout"], json!(null));
    assert_eq!(view["origins"]["recovery_timeout"], "preset");
    assert_eq!(view["origins"]["minimum_calls"], "code");
    assert_eq!(view["location"]["file"], file!());
    let since = view["since"].as_str().unwrap();
    assert!(since.ends_with('Z') && since.len() == "2026-11-21T00:41:53.120Z".len(), "{since}");
    assert_eq!(view["last_failure"], view["last_failure_time"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_episodes_are_told() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.open("quotes");
    rig.clock.advance(Duration::from_secs(60));
    let trial = breaker.try_acquire().unwrap();
    breaker.record_success();
    let view = rig.get("/circuit-breakers/quotes").await.ok();
    assert_eq!(view["state"], "half_open");
    let episode = json!({ "max_calls": 3, "in_flight": 1, "successes": 1, "success_threshold": 3, "time_left": 60.0 });
    assert_eq!((&view["half_open"], &view["success_count"]), (&episode, &json!(1)));
    assert_eq!(view["recovery_success_rate"], json!(null));
    trial.success();
    breaker.record_success();
    let view = rig.get("/circuit-breakers/quotes").await.ok();
    assert_eq!((&view["state"], &view["recovery_success_rate"]), (&json!("closed"), &json!(1.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_sorted_and_filtered() {
    let rig = Rig::new(with_token()).await;
    for name in ["c", "a", "b"] {
        rig.breaker(name);
    }
    rig.open("b");
    let names = |list: serde_json::Value| -> Vec<String> {
        let breakers = list["circuit_breakers"].as_array().unwrap().clone();
        breakers.iter().map(|breaker| breaker["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(rig.get("/circuit-breakers").await.ok()), ["a", "b", "c"]);
    assert_eq!(names(rig.get("/circuit-breakers?state=open").await.ok()), ["b"]);
    assert_eq!(names(rig.get("/api/v1/circuit-breakers/stats?state=closed").await.ok()), ["a", "c"]);
    assert_eq!(names(rig.get("/circuit-breakers?state=half_open&other=1").await.ok()), [""; 0]);
    for query in ["state=opened", "state=", "state=Open"] {
        let detail = rig.get(&format!("/circuit-breakers?{query}")).await.problem(400);
        assert!(detail.contains("write closed, open or half_open"), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_is_not_found_and_creates_nothing() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("payments");
    for path in ["", "/state", "/events"] {
        let detail = rig.get(&format!("/circuit-breakers/paymnts{path}")).await.problem(404);
        assert_eq!(detail, "no circuit breaker named 'paymnts'");
    }
    assert_eq!(rig.registry.all().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_what_is_open() {
    let rig = Rig::new(with_token().service("shop")).await;
    rig.breaker("quotes");
    let health = rig.get("/health?strict=true").await;
    assert_eq!(health.ok()["status"], "ok");
    rig.open("payments");
    let expected = json!({ "status": "degraded", "service": "shop", "total": 2, "closed": 1, "open": 1,
                           "half_open": 0, "open_breakers": ["payments"] });
    assert_eq!(rig.get("/health").await.ok(), expected);
    assert_eq!(rig.get("/health?strict=false").await.ok(), expected);
    let strict = rig.get("/health?strict=true").await;
    assert_eq!((strict.status, strict.json()), (503, expected));
    for query in ["strict", "strict=", "strict=1"] {
        assert_eq!(rig.get(&format!("/health?{query}")).await.status, 503, "{query}");
    }
    assert_eq!(rig.get("/health?strict=0").await.status, 200);
    assert!(rig.get("/health?strict=yes").await.problem(400).contains("`true` or `false`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_is_an_aligned_table() {
    let rig = Rig::new(with_token()).await;
    rig.open("payments");
    rig.breaker("größe").force_open();
    rig.breaker("a closed one").disable();
    let config = Config::builder().failure_threshold(None).failure_rate_threshold(0.5).minimum_calls(2);
    let rated = rig.registry.get_or_insert("a rated one", config).unwrap();
    for _ in 0..3 {
        rated.record_success();
    }
    rated.record_failure();
    rig.clock.advance(Duration::from_secs(12));
    let table = rig.send(rig.request(Method::GET, "/circuit-breakers").header("accept", "text/plain")).await;
    let expected = "\
NAME          STATE        FOR  NEXT TRIAL  IN A ROW     RATE  CALLS  FAILED  REFUSED
größe         forced open  12s           -       0/5        -      0       0        0
payments      open         12s      in 48s       5/5        -      5       5        0
a closed one  disabled     12s           -       0/5        -      0       0        0
a rated one   closed       12s           -         -  25%/50%      4       1        0
";
    assert_eq!((table.status, table.text.as_str()), (200, expected));
    let filtered = rig.request(Method::GET, "/circuit-breakers?state=closed").header("accept", "text/plain");
    assert_eq!(rig.send(filtered).await.text.lines().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_in_the_table_can_steer_a_terminal_or_turn_text_around() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("a\u{202e}b\u{2066}c\u{2028}d\u{2069}e\u{301}支\\");
    let table = rig.send(rig.request(Method::GET, "/circuit-breakers").header("accept", "text/plain")).await.text;
    assert!(table.contains("\na\\u{202e}b\\u{2066}c\\u{2028}d\\u{2069}e\u{301}支\\  closed"), "{table:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_percent_encoded() {
    let rig = Rig::new(with_token()).await;
    let names = [
        ("a/b/c", "a%2Fb%2Fc"),
        ("größe \u{1f980}", "gr%C3%B6%C3%9Fe%20%F0%9F%A6%80"),
        ("<b>&\"'", "%3Cb%3E%26%22%27"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("a+b?c#d", "a+b%3Fc%23d"),
        ("{name}", "%7Bname%7D"),
        ("state", "state"),
    ];
    for (name, encoded) in names {
        rig.breaker(name);
        assert_eq!(rig.get(&format!("/circuit-breakers/{encoded}")).await.ok()["name"], name);
        assert_eq!(rig.get(&format!("/circuit-breakers/{encoded}/state")).await.ok()["name"], name);
        assert_eq!(rig.get(&format!("/api/v1/circuit-breakers/stats/{encoded}")).await.ok()["name"], name);
        assert_eq!(rig.post(&format!("/circuit-breakers/{encoded}/force-open")).await.ok()["state"], "open");
    }
    assert_eq!(rig.registry.open().len(), names.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_a_body() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes");
    for path in ["/health", "/metrics", "/circuit-breakers", "/circuit-breakers/quotes", "/dashboard"] {
        let answer = rig.send(rig.request(Method::HEAD, path)).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_come_as_the_reader_prefers() {
    let rig = Rig::new(with_token()).await;
    rig.open("payments");
    let text = rig.get("/metrics").await;
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(text.text.contains("circuit_breaker_state{name=\"payments\"} 1\n"), "{}", text.text);
    let accept = "application/openmetrics-text; version=1.0.0, text/plain;version=0.0.4;q=0.5";
    let open = rig.send(rig.request(Method::GET, "/metrics").header("accept", accept)).await;
    assert!(open.header("content-type").starts_with("application/openmetrics-text"), "{open:?}");
    assert!(open.text.ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_tell_what_has_been_open_for_long() {
    let rig = Rig::new(with_token()).await;
    assert_eq!(rig.get("/alerts").await.ok(), json!({ "alerts": [] }));
    let breaker = rig.breaker("payments");
    breaker.open_for(Duration::from_secs(3_600));
    rig.clock.advance(Duration::from_secs(120));
    let alerts = rig.get("/alerts").await.ok();
    let alert = &alerts["alerts"][0];
    assert_eq!((&alert["name"], &alert["breaker"]), (&json!("CircuitBreakerOpen"), &json!("payments")));
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_global_registry_is_served_too() {
    let registry = breakerbox::registry();
    let router = breakerbox::admin::router(registry, with_token());
    let rig = Rig::serve(registry.clone(), router, "").await;
    rig.breaker("admin reads global");
    let view = rig.get("/circuit-breakers/admin%20reads%20global").await.ok();
    assert_eq!(view["config"][Key::FailureThreshold.as_str()], 5);
}
