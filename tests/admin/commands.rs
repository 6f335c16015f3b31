//! What operators do, and what they are told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakerbox::admin::AdminConfig;
use breakerbox::{Event, Mode, State};
use reqwest::Method;
use serde_json::json;

use crate::support::{Rig, TOKEN, with_token};

#[tokio::test(flavor = "multi_thread")]
async fn each_command_does_what_it_says() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.open("payments");
    for (command, mode, state) in [
        ("force-open", Mode::ForcedOpen, State::Open),
        ("disable", Mode::Disabled, State::Closed),
        ("metrics-only", Mode::MetricsOnly, State::Closed),
        ("auto", Mode::Auto, State::Open),
        ("force-open", Mode::ForcedOpen, State::Open),
        ("reset", Mode::Auto, State::Closed),
    ] {
        // Twice: a command is an order, and no toggle.
        for _ in 0..2 {
            let view = rig.post(&format!("/circuit-breakers/payments/{command}")).await.ok();
            assert_eq!((breaker.mode(), breaker.state()), (mode, state), "{command}");
            assert_eq!((&view["mode"], &view["state"]), (&json!(mode), &json!(state)), "{command}");
        }
    }
    breaker.force_open();
    assert_eq!(rig.post("/api/v1/circuit-breakers/reset/payments").await.ok()["mode"], "auto");
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_all_resets_all() {
    let rig = Rig::new(with_token()).await;
    for name in ["a", "b", "c"] {
        rig.open(name);
    }
    assert_eq!(rig.post("/circuit-breakers/reset-all").await.ok(), json!({ "reset": 3 }));
    assert!(rig.registry.open().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_an_unknown_name_creates_nothing() {
    let rig = Rig::new(with_token()).await;
    for command in ["reset", "force-open", "disable", "metrics-only", "auto"] {
        rig.post(&format!("/circuit-breakers/paymnts/{command}")).await.problem(404);
    }
    rig.post("/api/v1/circuit-breakers/reset/paymnts").await.problem(404);
    rig.put("/circuit-breakers/paymnts/config", "{}").await.problem(404);
    assert!(rig.registry.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_name_whose_token_it_was() {
    let rig = Rig::new(with_token().token_for("alice", "a-token").token_for("bob", "b-token")).await;
    rig.open("payments");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    let _subscription = rig.registry.subscribe(move |event: &Event| listener.lock().unwrap().push(event.to_string()));
    for (command, token) in [("force-open", "b-token"), ("reset", "a-token"), ("disable", TOKEN)] {
        let request = rig.request(Method::POST, &format!("/circuit-breakers/payments/{command}")).bearer_auth(token);
        rig.send(request).await.ok();
    }
    let view = rig.get("/circuit-breakers/payments").await.ok();
    assert_eq!(view["last_transition"]["by"], "alice");
    let heard = heard.lock().unwrap().join("\n");
    for line in ["mode auto -> forced_open by bob", "reset by alice", "mode auto -> disabled by admin"] {
        assert!(heard.contains(line), "{line} is not in {heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_no_token_is_called_anonymous() {
    let rig = Rig::new(AdminConfig::new().allow_unauthenticated_writes()).await;
    rig.open("payments");
    let request = rig.request(Method::POST, "/circuit-breakers/payments/reset");
    assert_eq!(rig.send(request).await.ok()["last_transition"]["by"], "anonymous");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_concurrent_writes_loses_nothing() {
    const CALLERS: usize = 16;
    const WRITES: usize = 50;
    let rig = Arc::new(Rig::new(with_token()).await);
    let breaker = rig.breaker("payments");
    let changes = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&changes);
    let _subscription = rig.registry.subscribe(move |event: &Event| {
        if matches!(event, Event::Reconfigured { .. } | Event::Reset { .. }) {
            *counted.lock().unwrap() += 1;
        }
    });
    let tasks: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move {
                for write in 0..WRITES {
                    if (caller + write) % 2 == 0 {
                        let body = json!({ "failure_threshold": caller * WRITES + write + 1 });
                        rig.put("/circuit-breakers/payments/config", body.to_string()).await.ok();
                    } else {
                        rig.post("/circuit-breakers/payments/reset").await.ok();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(120), task).await.unwrap().unwrap();
    }
    assert_eq!(*changes.lock().unwrap(), CALLERS * WRITES);
    assert_eq!((breaker.state(), breaker.mode()), (State::Closed, Mode::Auto));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reads_no_body() {
    let rig = Rig::new(with_token()).await;
    rig.open("payments");
    let request = rig.request(Method::POST, "/circuit-breakers/payments/reset").bearer_auth(TOKEN);
    assert_eq!(rig.send(request.body("{ this is no JSON")).await.ok()["state"], "closed");
}
