//! The description of the API and the router say the same.

use breakerbox::{Key, State};
use reqwest::Method;

use crate::schema::{OPENAPI, check_named};
use crate::support::{Rig, raw, status, with_token};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"];

/// The paths that the source of the router names.
fn routes() -> Vec<String> {
    let source = include_str!("../../runtime/src/admin/routes.rs");
    let named = source.split(".route(\"").skip(1);
    let mut paths: Vec<String> = named.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

#[test]
fn each_route_is_described_and_no_other() {
    let mut described: Vec<String> = OPENAPI["paths"].as_object().unwrap().keys().cloned().collect();
    described.sort();
    assert_eq!(routes(), described);
    assert!(described.len() > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_method_is_described_and_no_other() {
    let rig = Rig::new(with_token()).await;
    for (path, operations) in OPENAPI["paths"].as_object().unwrap() {
        let concrete = path.replace("{name}", "quotes").replace("{file}", "app.js");
        let described: Vec<String> = operations.as_object().unwrap().keys().map(|key| key.to_uppercase()).collect();
        for method in METHODS {
            let request = format!("{method} {concrete} HTTP/1.0\r\nHost: localhost\r\n\r\n");
            if method == "GET" && path.ends_with("/events") && described.contains(&"GET".to_owned()) {
                continue; // it would not end, and has tests of its own
            }
            let answer = raw(rig.address, request).await;
            let is_described = described.iter().any(|known| known == method);
            assert_eq!(status(&answer) != 405, is_described, "{method} {path}: {answer}");
            if !is_described {
                let allowed = answer.to_lowercase();
                let allowed = allowed.split("\r\nallow: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
                let mut allowed: Vec<String> = allowed.split(',').map(|name| name.trim().to_uppercase()).collect();
                allowed.retain(|name| name != "HEAD");
                assert_eq!(allowed, described, "{method} {path}");
                assert!(answer.contains("application/problem+json"), "{answer}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_description_is_this_one() {
    let rig = Rig::new(with_token()).await;
    assert_eq!(rig.get("/openapi.json").await.ok(), *OPENAPI);
}

#[test]
fn every_setting_is_described() {
    for schema in ["Config", "Origins", "Change"] {
        let described = OPENAPI["components"]["schemas"][schema]["properties"].as_object().unwrap();
        let mut described: Vec<&str> = described.keys().map(String::as_str).collect();
        let mut known: Vec<&str> = Key::ALL.iter().map(|key| key.as_str()).collect();
        described.sort_unstable();
        known.sort_unstable();
        assert_eq!(described, known, "{schema}");
    }
}

/// The wall clock goes on while the clock of the registry stands still.
fn without_times(mut view: serde_json::Value) -> serde_json::Value {
    for time in ["since", "last_failure", "last_failure_time"] {
        assert!(view.as_object_mut().unwrap().remove(time).is_some());
    }
    view
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_in_every_state_is_as_described() {
    let rig = Rig::new(with_token()).await;
    for state in State::ALL {
        let breaker = rig.breaker(state.as_str());
        match state {
            State::Closed => breaker.record_success(),
            State::Open => breaker.by("alice").open(),
            State::HalfOpen => breaker.half_open(),
        }
        breaker.record_failure();
        let view = rig.get(&format!("/circuit-breakers/{state}")).await.ok();
        check_named(&view, "Breaker");
        let stats = rig.get(&format!("/api/v1/circuit-breakers/stats/{state}")).await.ok();
        assert_eq!(without_times(stats), without_times(view));
    }
    let list = rig.send(rig.request(Method::GET, "/circuit-breakers")).await.ok();
    assert_eq!(list["circuit_breakers"].as_array().unwrap().len(), 3);
}
