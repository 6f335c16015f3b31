//! Each command of `breakerbox-cli`, against the real admin API.

use std::process::Stdio;
use std::time::Duration;

use breakerbox::admin::{self, AdminConfig, Client, ClientErrorKind};
use breakerbox::{Config, Key, ManualClock, Mode, Registry, State, Value};
use serde_json::Value as Json;

use crate::command::{Done, command, end, finish, run};
use crate::real::{Real, TOKEN, registry, trip, writable};

fn steer(real: &Real, arguments: &[&str]) -> Done {
    let mut command = command(&real.url(), arguments);
    command.env("CIRCUIT_BREAKER_ADMIN_TOKEN", TOKEN);
    finish(command)
}

/// The first two columns of a table without its head.
fn table(out: &str) -> Vec<(&str, &str)> {
    let rows = out.lines().skip(1).map(|line| line.split_whitespace());
    rows.map(|mut cells| (cells.next().unwrap_or(""), cells.next().unwrap_or(""))).collect()
}

#[test]
fn list_has_every_breaker_and_open_ones_first() {
    let real = Real::start(&registry(&["a", "open-b", "c"]), AdminConfig::new());
    let done = run(&real.url(), &["list"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(table(&done.out), [("open-b", "open"), ("a", "closed"), ("c", "closed")]);
    assert!(!done.out.contains('\u{1b}'), "colours are for terminals");
    assert_eq!(table(&run(&real.url(), &["list", "--state", "open"]).out), [("open-b", "open")]);
    let none = run(&real.url(), &["list", "--state", "half-open"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    assert_eq!(none.err, "there is no circuit breaker that is half_open\n");
}

#[test]
fn json_is_what_the_api_says() {
    let real = Real::start(&registry(&["a", "open-b"]), AdminConfig::new());
    let list: Json = serde_json::from_str(&run(&real.url(), &["--json", "list"]).out).unwrap();
    assert_eq!((list[1]["name"].as_str(), list[1]["state"].as_str()), (Some("open-b"), Some("open")));
    let none = run(&real.url(), &["list", "--state", "half_open", "--json"]);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("[]\n", ""));
    let one: Json = serde_json::from_str(&run(&real.url(), &["show", "open-b", "--json"]).out).unwrap();
    assert_eq!(one["config"]["failure_threshold"], 5);
    let health = run(&real.url(), &["health", "--json"]);
    assert_eq!(health.code, 1);
    assert_eq!(serde_json::from_str::<Json>(&health.out).unwrap()["open_breakers"], serde_json::json!(["open-b"]));
}

#[test]
fn show_tells_state_cause_counters_and_settings_with_their_origin() {
    let registry = registry(&[]);
    let config = Config::builder().failure_threshold(2).failure_rate_threshold(0.5).build().unwrap();
    trip(&registry.get_or_insert("payments", config).unwrap());
    let real = Real::start(&registry, AdminConfig::new());
    let done = run(&real.url(), &["show", "payments"]);
    let words: Vec<String> =
        done.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let has = |text: &str| assert!(words.iter().any(|line| line.contains(text)), "{text}: {}", done.out);
    has("state open for ");
    has("next trial in ");
    has("circuit 'payments': closed -> open (2 consecutive failures)");
    has("in a row 2 failed, opens at 2");
    has("failure_threshold 2 code");
    has("recovery_timeout 1m default");
    has("timeout off default");
    has("trips 1");
}

#[test]
fn exit_codes_tell_bad_news() {
    let registry = registry(&["a", "open-b"]);
    let real = Real::start(&registry, AdminConfig::new());
    let codes = |arguments: &[&str]| run(&real.url(), arguments).code;
    assert_eq!((codes(&["state", "a"]), codes(&["state", "open-b"]), codes(&["health"])), (0, 1, 1));
    assert_eq!(run(&real.url(), &["state", "open-b"]).out, "open\n");
    assert!(run(&real.url(), &["health"]).out.contains("open: open-b"));
    registry.reset_all();
    assert_eq!((codes(&["state", "open-b"]), codes(&["health"])), (0, 0));
    assert_eq!(codes(&["alerts"]), 0);
    assert_eq!(codes(&["show", "c"]), 3);
}

#[test]
fn alerts_are_listed_and_are_bad_news() {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let config = Config::builder().recovery_timeout(Duration::from_secs(3600)).build().unwrap();
    trip(&registry.get_or_insert("payments", config).unwrap());
    clock.advance(Duration::from_secs(180));
    let real = Real::start(&registry, AdminConfig::new());
    let done = run(&real.url(), &["alerts"]);
    assert_eq!((done.code, done.err.as_str()), (1, ""));
    let alert = done.out.lines().nth(1).unwrap_or_default();
    assert!(alert.contains("CircuitBreakerOpen") && alert.contains("payments"), "{}", done.out);
    let json: Json = serde_json::from_str(&run(&real.url(), &["alerts", "--json"]).out).unwrap();
    assert_eq!(json[0]["breaker"], "payments");
}

#[test]
fn commands_do_what_they_say_to_the_breaker_that_they_name() {
    let registry = registry(&["open-a", "b"]);
    let real = Real::start(&registry, writable());
    let breaker = registry.get("open-a").unwrap();
    let says = |arguments: &[&str]| {
        let done = steer(&real, arguments);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{arguments:?}");
        done.out
    };
    assert_eq!(says(&["reset", "open-a"]), "open-a is closed\n");
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(says(&["force-open", "open-a"]), "open-a is forced open\n");
    assert_eq!((breaker.mode(), breaker.state()), (Mode::ForcedOpen, State::Open));
    assert_eq!(says(&["disable", "open-a"]), "open-a is disabled\n");
    assert_eq!(breaker.mode(), Mode::Disabled);
    assert_eq!(says(&["metrics-only", "open-a"]), "open-a only counts\n");
    assert_eq!(breaker.mode(), Mode::MetricsOnly);
    assert_eq!(says(&["auto", "open-a"]), "open-a is closed\n");
    assert_eq!(breaker.mode(), Mode::Auto);
    trip(&breaker);
    assert_eq!(says(&["reset-all"]), "2 circuit breakers reset\n");
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(registry.get("b").unwrap().mode(), Mode::Auto);
}

#[test]
fn config_changes_what_it_names_or_nothing() {
    let registry = registry(&["a"]);
    let real = Real::start(&registry, writable());
    let done =
        steer(&real, &["config", "a", "failure_threshold=off", "recovery_timeout=1m30s", "failure_rate_threshold=0.5"]);
    assert_eq!(done.out, "a: failure_threshold = off\na: recovery_timeout = 1m30s\na: failure_rate_threshold = 0.5\n");
    let status = registry.get("a").unwrap().status();
    assert_eq!(status.setting(Key::FailureThreshold).value, Value::Off);
    assert_eq!(status.setting(Key::FailureRateThreshold).value, Value::Share(0.5));
    let done = steer(&real, &["config", "a", "recovery_timeout=5", "failure_treshold=3", "jitter=7"]);
    assert_eq!((done.code, done.out.as_str()), (6, ""));
    assert!(done.err.contains("failure_threshold"), "{}", done.err);
    assert_eq!(registry.get("a").unwrap().status().setting(Key::RecoveryTimeout), status.setting(Key::RecoveryTimeout));
}

#[test]
fn names_reach_their_breaker_whatever_they_hold() {
    let names =
        ["a/b", "c d?e#f", "%2F", "\u{fc}ber \u{652f}\u{6255}\u{3044}", "...", "-x", "reset", "a+b&c=d", "<b>\"'\\"];
    let registry = registry(&names);
    let real = Real::start(&registry, writable());
    for name in names {
        let done = steer(&real, &["force-open", "--", name]);
        assert_eq!(done.code, 0, "{name}: {}", done.err);
        let open: Vec<String> = registry.open().iter().map(|breaker| breaker.name().to_owned()).collect();
        assert_eq!(open, [name]);
        registry.reset_all();
    }
    // A line break is not left out on the way: that would be another breaker.
    assert_eq!(steer(&real, &["force-open", "a/\nb"]).code, 3);
    assert!(registry.open().is_empty());
}

#[test]
fn what_is_not_allowed_changes_nothing_and_is_4() {
    let registry = registry(&["open-a"]);
    let closed = Real::start(&registry, AdminConfig::new());
    assert_eq!(steer(&closed, &["reset", "open-a"]).code, 4);
    let real = Real::start(&registry, writable().protect_reads());
    for arguments in
        [&["reset", "open-a"][..], &["reset-all"], &["config", "open-a", "jitter=0"], &["list"], &["watch"]]
    {
        let done = run(&real.url(), arguments);
        assert_eq!(done.code, 4, "{arguments:?}: {}", done.err);
        assert!(done.err.contains("CIRCUIT_BREAKER_ADMIN_TOKEN"), "{}", done.err);
        let wrong = [arguments, &["--token", "hunter2"]].concat();
        let done = run(&real.url(), &wrong);
        assert_eq!(done.code, 4, "{}", done.err);
        assert!(!format!("{done:?}").contains("hunter2"));
    }
    assert_eq!(registry.open().len(), 1);
    assert_eq!(steer(&real, &["list"]).code, 0);
}

#[test]
fn metrics_come_as_they_are() {
    let real = Real::start(&registry(&["open-a"]), AdminConfig::new());
    let done = run(&real.url(), &["metrics"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("circuit_breaker_state{name=\"open-a\"} 1\n"), "{}", done.out);
}

#[test]
fn a_wrong_command_line_is_2_and_asks_nobody() {
    for arguments in [
        &["lst"][..],
        &["show"],
        &["config", "a"],
        &["config", "a", "failure_threshold"],
        &["config", "a", "x=1", "x=2"],
        &["list", "--state", "ajar"],
        &["list", "--timeout", "0"],
        &["list", "--timeout", "soon"],
        &["watch", "--interval", "1ms"],
        &["list", "--url", "http://u:hunter2@h"],
        &["list", "--token", "hunter2\n"],
    ] {
        let done = run("http://127.0.0.1:1", arguments);
        assert_eq!(done.code, 2, "{arguments:?}: {}", done.err);
        assert!(!done.err.contains("hunter2") && done.err.contains("error:"), "{}", done.err);
    }
}

#[test]
fn what_is_wrong_before_anybody_is_asked_gets_the_hint_that_helps() {
    let done = run("http://127.0.0.1:1", &["list", "--token", "hunter2\n"]);
    assert!(done.err.contains("CIRCUIT_BREAKER_ADMIN_TOKEN or --token") && !done.err.contains("--url"), "{}", done.err);
    let done = run("ftp://127.0.0.1:1", &["list"]);
    assert!(done.err.contains("--url"), "{}", done.err);
    for url in ["https://127.0.0.1:1", "HTTPS://example.test"] {
        let done = run(url, &["list"]);
        assert_eq!(done.code, 2, "{}", done.err);
        assert!(done.err.contains("ssh -L") && done.err.contains("kubectl port-forward"), "{}", done.err);
        assert!(!done.err.contains("Cargo.toml") && !done.err.contains("reqwest"), "{}", done.err);
    }
}

#[test]
fn help_shows_neither_the_token_nor_the_address_of_the_environment() {
    let mut command = command("http://u:hunter2@h", &["--help"]);
    command.env("CIRCUIT_BREAKER_ADMIN_TOKEN", "hunter3");
    let done = finish(command);
    assert_eq!(done.code, 0);
    assert!(done.out.contains("CIRCUIT_BREAKER_ADMIN_TOKEN") && done.out.contains("Exit codes"));
    assert!(!done.out.contains("hunter"), "{}", done.out);
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let real = Real::start(&registry(&["a"]), AdminConfig::new());
    for arguments in [&["list"][..], &["show", "a", "--json"], &["metrics"], &["watch"]] {
        let mut child = command(&real.url(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(end(&mut child), 0, "{arguments:?}");
        let mut err = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
        assert_eq!(err, "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_7() {
    let real = Real::start(&registry(&["a"]), AdminConfig::new());
    let mut command = command(&real.url(), &["list"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = command.stdout(full).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(end(&mut child), 7);
}

#[tokio::test]
async fn the_client_speaks_to_a_router_under_a_prefix() {
    let registry: Registry = registry(&["a", "open-b"]);
    let app = axum::Router::new().nest("/ops/breakers", admin::router(&registry, writable()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ops/breakers/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::builder(&url).token(TOKEN).build().unwrap();
    assert_eq!(client.list().await.unwrap().len(), 2);
    assert_eq!(client.list_in(State::Open).await.unwrap()[0].name, "open-b");
    assert!(client.is_open("open-b").await.unwrap());
    assert_eq!(client.reset("open-b").await.unwrap().state, State::Closed);
    assert_eq!(client.health().await.unwrap().status, "ok");
    assert_eq!(client.alerts().await.unwrap(), []);
    assert!(client.metrics().await.unwrap().contains("circuit_breaker_state"));
    assert!(client.openapi().await.unwrap()["paths"].is_object());
    assert_eq!(client.reset_all().await.unwrap(), 2);
    let view = client.config("a", Config::builder().failure_threshold(9)).await.unwrap();
    assert_eq!(view.failure_threshold, Some(9));
    assert_eq!(client.get("c").await.unwrap_err().kind(), ClientErrorKind::NotFound);
    assert_eq!(registry.all().len(), 2);
    let mut events = client.events();
    assert!(matches!(events.next().await, Some(Ok(admin::LiveEvent::Snapshot(_)))));
    client.force_open("a").await.unwrap();
    let mut kinds = Vec::new();
    while !kinds.contains(&"mode".to_owned()) {
        if let Some(Ok(admin::LiveEvent::Happened(happened))) = events.next().await {
            kinds.push(happened.kind);
        }
    }
    let outside = Client::new(&url.replace("/ops/breakers/", "")).unwrap();
    assert_eq!(outside.list().await.unwrap_err().kind(), ClientErrorKind::Unexpected);
    server.abort();
}
