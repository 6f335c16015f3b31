//! A real Prometheus scrapes a live service in both formats: it finds all series, the rules work on them, and
//! no panel of the dashboard is empty.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use axum::response::IntoResponse;
use axum::routing::get;
use breakerbox::observe::Prometheus;
use breakerbox::{CircuitBreaker, Registry};
use serde_json::Value;
use tempfile::TempDir;

use crate::page::{breaker, failing_store, renderer};
use crate::server::Server;
use crate::tools::is_there;
use crate::{example, grafana};

const NAMES: [&str; 3] = ["payments", "a\"b\\c{}=,1", "Grüße 🦀"];

/// Something happens between two scrapes.
fn live(breakers: &[CircuitBreaker]) {
    for breaker in breakers {
        breaker.reset();
        for succeeds in [true, true, false, false, false, false, false, true] {
            let _ = breaker.call(|| if succeeds { Ok(()) } else { Err(()) });
        }
        // Now open: the last call was refused.
        assert!(breaker.is_open());
    }
}

async fn serve(renderer: Prometheus, breakers: Vec<CircuitBreaker>, heeds_accept: bool) -> SocketAddr {
    let handler = move |headers: HeaderMap| async move {
        live(&breakers);
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let answer = renderer.respond(accept.filter(|_| heeds_accept));
        ([(CONTENT_TYPE, answer.content_type)], answer.body).into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let app = axum::Router::new().route("/metrics", get(handler));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// With a store that fails.
fn service() -> (Prometheus, Vec<CircuitBreaker>, TempDir) {
    let registry = Registry::new();
    let (renderer, folder) = (renderer(&registry), failing_store(&registry));
    (renderer, NAMES.iter().map(|name| breaker(&registry, name)).collect(), folder)
}

/// A series without the labels that the scrape added.
fn series(sample: &Value) -> String {
    let mut labels = sample["metric"].as_object().cloned().unwrap_or_default();
    labels.remove("job");
    labels.remove("instance");
    serde_json::to_string(&labels).expect("labels are text")
}

async fn all_series(server: &Server, job: &str) -> BTreeSet<String> {
    let ours = format!("{{job=\"{job}\",__name__=~\"circuit_breaker_.+\"}}");
    server.query(&ours).await.expect("a selector").iter().map(series).collect()
}

#[tokio::test]
async fn a_real_prometheus_reads_both_formats_and_the_rules_and_fills_every_panel() {
    if !is_there("prometheus") {
        return;
    }
    let (renderer, breakers, _folder) = service();
    let page = renderer.respond(None).body;
    let samples = page.lines().filter(|line| !line.starts_with('#')).count();
    let text = serve(renderer, breakers, false).await;
    let (renderer, breakers, _folder_too) = service();
    let open = serve(renderer, breakers, true).await;
    let server = Server::start(&format!(
        "global: {{ scrape_interval: 250ms, evaluation_interval: 250ms }}\n\
         rule_files: ['{}']\n\
         scrape_configs:\n\
         - {{ job_name: text, static_configs: [{{ targets: ['{text}'] }}] }}\n\
         - {{ job_name: openmetrics, static_configs: [{{ targets: ['{open}'] }}] }}\n",
        example("prometheus-rules.yml").display()
    ))
    .await;

    server.until("both are scraped", async |s| s.query("up == 1").await.is_ok_and(|up| up.len() == 2)).await;
    let (of_text, of_open) = (all_series(&server, "text").await, all_series(&server, "openmetrics").await);
    assert_eq!(of_text.len(), samples);
    assert_eq!(of_text, of_open);
    for name in NAMES {
        let label = serde_json::json!({ "name": name }).to_string();
        assert!(of_text.iter().any(|series| series.contains(label.trim_matches(['{', '}']))), "{name}");
    }

    let rules = server.rules().await;
    assert_eq!(rules.len(), 8);
    server.until("the rules are evaluated", async |s| s.rules().await.iter().all(|rule| rule["health"] == "ok")).await;
    server.until("it flaps", async |s| s.firing().await.contains(&"CircuitBreakerFlapping".to_owned())).await;

    // What Grafana puts in the place of its variables.
    for (title, expression) in grafana::expressions() {
        let mut expression = expression;
        for (variable, value) in
            [("$__rate_interval", "1m"), ("$__range", "1h"), ("$job", ".*"), ("$instance", ".*"), ("$name", ".*")]
        {
            expression = expression.replace(variable, value);
        }
        assert!(!expression.contains('$'), "{title}: {expression}");
        let found = server.query(&expression).await.unwrap_or_else(|error| panic!("{title}: {error}"));
        assert!(!found.is_empty(), "{title} is empty: {expression}");
    }
    assert!(server.query("circuit_breaker_state{").await.is_err(), "nonsense is refused");
}
