//! `PUT .../config`: some settings are changed, or none and all that is wrong is told.

use std::time::Duration;

use breakerbox::{Config, Key, Origin, Value};
use reqwest::Method;
use serde_json::json;

use crate::support::{Rig, TOKEN, raw, status, with_token};

const PATH: &str = "/circuit-breakers/payments/config";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stated_changes_and_the_rest_stays() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("payments");
    let body = json!({
        "failure_threshold": 3, "recovery_timeout": "1m30s", "success_threshold": 2.0, "jitter": 0.25,
        "slow_call_duration": 0.5, "slow_call_rate_threshold": "0.5", "timeout": null, "max_recovery_timeout": "off",
    });
    let view = rig.put(PATH, body.to_string()).await.ok();
    let config = &view["config"];
    assert_eq!((&config["failure_threshold"], &config["recovery_timeout"]), (&json!(3), &json!(90.0)));
    assert_eq!((&view["failure_threshold"], &view["recovery_timeout"]), (&json!(3), &json!(90.0)));
    assert_eq!((&config["success_threshold"], &config["jitter"]), (&json!(2), &json!(0.25)));
    assert_eq!((&config["slow_call_duration"], &config["half_open_max_calls"]), (&json!(0.5), &json!(3)));
    assert_eq!(view["origins"]["failure_threshold"], "runtime");
    assert_eq!(view["origins"]["multiplier"], "default");
    let status = breaker.status();
    assert_eq!(status.setting(Key::RecoveryTimeout).value, Value::Time(Duration::from_secs(90)));
    assert_eq!(status.setting(Key::RecoveryTimeout).origin, Origin::Runtime);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stated_changes_nothing() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("payments");
    let before = breaker.status();
    rig.put(PATH, " {} ").await.ok();
    assert_eq!(breaker.status().settings, before.settings);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_all_at_once_and_changes_nothing() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("payments");
    let before = breaker.status();
    let body = r#"{"failure_treshold": 3, "jitter": 0.1, "recovery_timeout": null, "timeout": true,
                   "minimum_calls": -1, "success_threshold": 2, "success_threshold": 3}"#;
    let answer = rig.put(PATH, body).await;
    answer.problem(422);
    let problem = answer.json();
    assert_eq!(problem["key"], "failure_treshold");
    let told: Vec<(String, String)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["key"].as_str().unwrap().to_owned(), error["detail"].as_str().unwrap().to_owned()))
        .collect();
    let keys: Vec<&str> = told.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["failure_treshold", "recovery_timeout", "timeout", "minimum_calls", "success_threshold"]);
    for ((_, detail), expected) in told.iter().zip([
        "did you mean `failure_threshold`?",
        "`recovery_timeout` cannot be off",
        "`timeout` must be a number",
        "`minimum_calls`",
        "stated twice",
    ]) {
        assert!(detail.contains(expected), "{detail}");
    }
    assert_eq!(breaker.status().settings, before.settings);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_contradict_each_other_are_refused() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("payments");
    let before = breaker.status();
    for (body, key) in [
        (json!({ "half_open_max_calls": 2, "success_threshold": 5 }), "success_threshold"),
        (json!({ "failure_threshold": null }), "failure_threshold"),
        (json!({ "slow_call_rate_threshold": 0.5 }), "slow_call_rate_threshold"),
        (json!({ "window_size": 5, "minimum_calls": 6, "failure_rate_threshold": 0.5 }), "minimum_calls"),
        (json!({ "window_size": 5, "window_duration": 5 }), "window_duration"),
        (json!({ "failure_threshold": 0 }), "failure_threshold"),
        (json!({ "failure_threshold": 1.5 }), "failure_threshold"),
        (json!({ "failure_threshold": 18_446_744_073_709_551_615_u64 }), "failure_threshold"),
        (json!({ "recovery_timeout": 1e300 }), "recovery_timeout"),
        (json!({ "recovery_timeout": -1 }), "recovery_timeout"),
        (json!({ "recovery_timeout": "soon" }), "recovery_timeout"),
        (json!({ "recovery_timeout": "" }), "recovery_timeout"),
        (json!({ "jitter": "NaN" }), "jitter"),
        (json!({ "multiplier": {} }), "multiplier"),
        (json!({ "": 1 }), ""),
        (json!({ "nothing like any of them": 1 }), "nothing like any of them"),
    ] {
        let answer = rig.put(PATH, body.to_string()).await;
        let detail = answer.problem(422);
        assert_eq!(answer.json()["key"], key, "{body}: {detail}");
        assert!(detail.contains(key), "{body}: {detail}");
        assert_eq!(breaker.status().settings, before.settings, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_no_count_gets_one_sentence() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("payments");
    for value in ["0", "-1", "1.5", "4294967296", "1000001", "\"soon\""] {
        let detail = rig.put(PATH, format!("{{\"failure_threshold\":{value}}}")).await.problem(422);
        assert!(detail.contains("`failure_threshold` must be a whole number from 1 to 1000000, or off"), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_value_is_not_repeated_in_full() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("payments");
    for value in ["x".repeat(5_000), "9".repeat(5_000), format!("5{}", "ü".repeat(5_000)), "` y".repeat(2_000)] {
        let body = json!({ "recovery_timeout": value });
        let detail = rig.put(PATH, body.to_string()).await.problem(422);
        assert!(detail.len() < 300 && detail.contains('…'), "{detail}");
        let start: String = value.chars().take(20).collect();
        assert!(detail.contains(&start), "{detail}");
    }
    let detail = rig.put(PATH, "{\"recovery_timeout\": 1e300}").await.problem(422);
    assert!(detail.len() < 300 && detail.contains("too large"), "{detail}");
    let detail = rig.put(PATH, json!({ "z".repeat(5_000): 1 }).to_string()).await.problem(422);
    assert!(detail.len() < 600 && detail.contains("failure_threshold"), "{detail}");
    // Forty characters are.
    let value = "y".repeat(40);
    assert!(rig.put(PATH, json!({ "timeout": value }).to_string()).await.problem(422).contains(&format!("`{value}`")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_the_other_kind_takes_the_place_of_the_first() {
    let rig = Rig::new(with_token()).await;
    let config = Config::builder().failure_rate_threshold(0.5);
    rig.registry.get_or_insert("payments", config).unwrap();
    let view = rig.put(PATH, json!({ "window_duration": "10s" }).to_string()).await.ok();
    assert_eq!((&view["config"]["window_size"], &view["config"]["window_duration"]), (&json!(null), &json!(10.0)));
    let view = rig.put(PATH, json!({ "window_size": 20 }).to_string()).await.ok();
    assert_eq!((&view["config"]["window_size"], &view["config"]["window_duration"]), (&json!(20), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_refused() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("payments");
    let deep = "[".repeat(5_000);
    for body in ["", "{", "{\"jitter\":}", "\u{0}", "{\"jitter\":1e999}", "{} {}", "{\"jitter\":NaN}", deep.as_str()] {
        rig.put(PATH, body).await.problem(if body == deep { 422 } else { 400 });
    }
    for body in ["[]", "1", "null", "\"failure_threshold\"", "[{\"jitter\":0.1}]"] {
        assert!(rig.put(PATH, body).await.problem(422).contains("an object of settings"));
    }
    let nested = format!("{{\"jitter\":{}", "[".repeat(5_000));
    rig.put(PATH, nested).await.problem(400);
    let request = rig.request(Method::PUT, PATH).bearer_auth(TOKEN).header("content-type", "application/json");
    rig.send(request.body(vec![0xff, 0xfe])).await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_to_say_that_it_is_json() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("payments");
    let put = |kind: Option<&'static str>| {
        let request = rig.request(Method::PUT, PATH).bearer_auth(TOKEN).body("{\"jitter\":0.1}");
        kind.map_or(request.try_clone().unwrap(), |kind| request.header("content-type", kind))
    };
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")] {
        rig.send(put(kind)).await.problem(415);
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        rig.send(put(Some(kind))).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_16_kib_is_refused() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("payments");
    let filled = |length: usize| format!("{{\"jitter\":0.1{}}}", " ".repeat(length - 14));
    rig.put(PATH, filled(16 * 1024)).await.ok();
    rig.put(PATH, filled(16 * 1024 + 1)).await.problem(413);
    // One that never says how long it is, and one that says it and sends nothing.
    let head = format!(
        "PUT {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
    );
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let endless = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(8));
    assert_eq!(status(&raw(rig.address, endless).await), 413);
    let long = format!("{head}Content-Length: 99999999999\r\n\r\n{}", " ".repeat(20_000));
    assert_eq!(status(&raw(rig.address, long).await), 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_waited_for_for_ever() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("payments");
    let head = format!(
        "PUT {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{{"
    );
    assert_eq!(status(&raw(rig.address, head).await), 408);
}
