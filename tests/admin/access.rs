//! Who may do what: with which token, and by which variable.

use std::process::Command;

use breakerbox::admin::AdminConfig;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use crate::support::{Rig, TOKEN, with_token};

const WRITES: [(&str, &str); 8] = [
    ("POST", "/circuit-breakers/payments/reset"),
    ("POST", "/circuit-breakers/payments/force-open"),
    ("POST", "/circuit-breakers/payments/disable"),
    ("POST", "/circuit-breakers/payments/metrics-only"),
    ("POST", "/circuit-breakers/payments/auto"),
    ("POST", "/circuit-breakers/reset-all"),
    ("PUT", "/circuit-breakers/payments/config"),
    ("POST", "/api/v1/circuit-breakers/reset/payments"),
];
const READS: [&str; 7] = [
    "/circuit-breakers",
    "/circuit-breakers/payments",
    "/circuit-breakers/payments/state",
    "/api/v1/circuit-breakers/stats",
    "/api/v1/circuit-breakers/stats/payments",
    "/alerts",
    "/circuit-breakers/payments?state=open",
];
const OPEN: [&str; 6] =
    ["/health", "/metrics", "/openapi.json", "/dashboard", "/dashboard/app.js", "/dashboard/style.css"];

/// The status of each write with this header, and whether anything was changed by them.
async fn writes(rig: &Rig, authorization: Option<&str>) -> (Vec<u16>, bool) {
    let breaker = rig.open("payments");
    let before = breaker.status().generation;
    let mut answers = Vec::new();
    for (method, path) in WRITES {
        let request = rig.request(method.parse().unwrap(), path);
        let request = request.header("content-type", "application/json").body("{\"jitter\":0.5}");
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap()),
            None => request,
        };
        let answer = rig.send(request).await;
        if answer.status == 401 {
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        if answer.status != 200 {
            let detail = answer.problem(answer.status);
            assert!(!detail.contains(TOKEN), "{detail}");
        }
        answers.push(answer.status);
    }
    let after = breaker.status();
    (answers, after.generation != before || after.settings[13].origin != breakerbox::Origin::Default)
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_off_until_a_token_is_set() {
    for config in [AdminConfig::new(), AdminConfig::new().token("  ")] {
        let rig = Rig::new(config).await;
        for authorization in [None, Some("Bearer "), Some("Bearer guess")] {
            assert_eq!(writes(&rig, authorization).await, (vec![403; 8], false));
        }
        let detail = rig.post("/circuit-breakers/payments/reset").await.problem(403);
        assert!(detail.contains("CIRCUIT_BREAKER_ADMIN_TOKEN"), "{detail}");
        rig.get("/circuit-breakers").await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_need_the_token() {
    let rig = Rig::new(with_token()).await;
    let longer = format!("Bearer {TOKEN}{TOKEN}");
    let wrong = [
        "Bearer",
        "Bearer ",
        "bearer x",
        "Basic Y29ycmVjdA==",
        TOKEN,
        "Bearer correct hors",
        "Bearer correct horses",
        "Bearer CORRECT HORSE",
        "Bearer\tcorrect horse",
        "Bearer \u{fc}\u{1f980}",
        longer.as_str(),
        "",
    ];
    assert_eq!(writes(&rig, None).await, (vec![401; 8], false));
    for authorization in wrong {
        assert_eq!(writes(&rig, Some(authorization)).await, (vec![401; 8], false), "{authorization}");
    }
    for authorization in [format!("Bearer {TOKEN}"), format!("bEaReR   {TOKEN} ")] {
        assert_eq!(writes(&rig, Some(&authorization)).await, (vec![200; 8], true), "{authorization}");
    }
    let request = rig.request(Method::POST, "/circuit-breakers/payments/reset").bearer_auth(TOKEN);
    rig.send(request.header(AUTHORIZATION, "Bearer other")).await.problem(401);
    let very_long = rig.request(Method::POST, "/circuit-breakers/payments/reset").bearer_auth("x".repeat(5_000));
    rig.send(very_long).await.problem(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_url_is_no_token() {
    let rig = Rig::new(with_token()).await;
    rig.open("payments");
    let request = rig.request(Method::POST, "/circuit-breakers/payments/reset?token=correct%20horse&access_token=x");
    rig.send(request).await.problem(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_can_be_allowed_to_everybody() {
    let rig = Rig::new(AdminConfig::new().allow_unauthenticated_writes()).await;
    for authorization in [None, Some("Bearer whatever")] {
        assert_eq!(writes(&rig, authorization).await, (vec![200; 8], true));
    }
    // Whoever sends a token means to be known by it.
    let rig = Rig::new(with_token().allow_unauthenticated_writes()).await;
    assert_eq!(writes(&rig, None).await, (vec![200; 8], true));
    assert_eq!(writes(&rig, Some("Bearer wrong")).await.0, vec![401; 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_can_be_protected() {
    let rig = Rig::new(with_token().protect_reads()).await;
    rig.breaker("payments");
    for path in READS.iter().chain(&["/circuit-breakers/events", "/circuit-breakers/payments/events"]) {
        let answer = rig.get(path).await;
        answer.problem(401);
        assert!(!answer.text.contains("payments"), "{}", answer.text);
        // Not even whether there is such a breaker.
        rig.get("/circuit-breakers/nobody").await.problem(401);
    }
    for path in READS {
        rig.send(rig.request(Method::GET, path).bearer_auth(TOKEN)).await.ok();
    }
    for path in OPEN {
        assert_eq!(rig.get(path).await.status, 200, "{path}");
    }
    let rig = Rig::new(AdminConfig::new().protect_reads()).await;
    rig.get("/circuit-breakers").await.problem(403);
}

#[test]
fn what_is_printed_of_a_config_hides_its_tokens() {
    let printed = format!("{:?}", with_token().token_for("alice", "s3cret"));
    assert!(printed.contains("alice") && !printed.contains("s3cret") && !printed.contains(TOKEN), "{printed}");
}

/// Runs a test of this binary that is ignored otherwise, with the variable set.
fn run_with_variable(test: &str, value: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .env("CIRCUIT_BREAKER_ADMIN_TOKEN", value)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!said.contains(value.trim()) && !String::from_utf8_lossy(&output.stderr).contains(value.trim()), "{said}");
}

#[test]
fn the_variable_holds_a_token() {
    run_with_variable("access::in_a_process_with_the_variable", "of-the-variable\n");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the_variable_holds_a_token"]
async fn in_a_process_with_the_variable() {
    let rig = Rig::new(AdminConfig::new()).await;
    assert_eq!(writes(&rig, None).await, (vec![401; 8], false));
    assert_eq!(writes(&rig, Some("Bearer of-the-variable")).await, (vec![200; 8], true));
    // A token that is stated takes its place.
    let rig = Rig::new(with_token()).await;
    assert_eq!(writes(&rig, Some("Bearer of-the-variable")).await, (vec![401; 8], false));
}
