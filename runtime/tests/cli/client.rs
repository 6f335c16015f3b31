//! The client of the library: what it sends, and what its errors tell.

use std::time::Duration;

use breakerbox::admin::{Client, ClientErrorKind};
use breakerbox::{Config, State};

use crate::breaker::{breaker, health};
use crate::fake::{Act, Fake, http, json, problem};

#[tokio::test]
async fn a_view_by_the_description_of_the_api_is_read_whatever_a_newer_server_adds() {
    let fake = Fake::always(json(&breaker("payments", "open")));
    let view = Client::new(&fake.url()).unwrap().get("payments").await.unwrap();
    assert_eq!((view.name.as_str(), view.state, view.generation), ("payments", State::Open, 7));
    assert_eq!(view.retry_after, Some(Duration::from_secs_f64(21.4)));
    assert_eq!(view.config.len(), 3);
    assert_eq!(view.totals.rejections_by_reason.open, 10);
    assert_eq!(view.last_transition.unwrap().by.as_deref(), Some("alice"));
}

#[tokio::test]
async fn requests_carry_the_prefix_the_token_the_agent_and_the_name_as_one_segment() {
    let fake = Fake::always(json(&breaker("x", "closed")));
    let client = Client::builder(&(fake.url() + "/ops/")).token("s3cret").user_agent("pager/2").build().unwrap();
    client.reset("a/b c?d#e%2F\u{fc}").await.unwrap();
    client.config("x", [("failure_threshold", "3"), ("timeout", "off")]).await.unwrap();
    client.config("x", Config::builder().recovery_timeout(Duration::from_millis(1500))).await.unwrap();
    let sent = fake.requests();
    let first = sent[0].to_ascii_lowercase();
    assert!(
        sent[0].starts_with("POST /ops/circuit-breakers/a%2Fb%20c%3Fd%23e%252F%C3%BC/reset HTTP/1.1\r\n"),
        "{}",
        sent[0]
    );
    assert!(first.contains("\r\nauthorization: bearer s3cret\r\n") && first.contains("\r\nuser-agent: pager/2\r\n"));
    assert!(sent[1].starts_with("PUT /ops/circuit-breakers/x/config ") && sent[1].contains("application/json"));
    assert!(sent[1].ends_with("\r\n\r\n{\"failure_threshold\":3,\"timeout\":\"off\"}"), "{}", sent[1]);
    assert!(sent[2].ends_with("\r\n\r\n{\"recovery_timeout\":\"1.5s\"}"), "{}", sent[2]);
}

#[tokio::test]
async fn no_command_is_sent_on_a_connection_that_may_be_closing() {
    let mut answer = json(&breaker("x", "closed"));
    answer.push(Act::Hang);
    let fake = Fake::always(answer);
    let client = Client::builder(&fake.url()).timeout(Duration::from_secs(20)).build().unwrap();
    for _ in 0..3 {
        client.reset("x").await.unwrap();
    }
}

#[tokio::test]
async fn a_name_that_no_breaker_can_have_is_not_even_asked_for() {
    let fake = Fake::always(json("{}"));
    let client = Client::new(&fake.url()).unwrap();
    for name in ["", ".", "..", "events", "reset-all"] {
        assert_eq!(client.reset(name).await.unwrap_err().kind(), ClientErrorKind::NotFound, "{name}");
        assert!(client.events_of(name).is_err());
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn errors_have_a_kind_a_status_a_detail_and_a_key() {
    let of = |answer: Vec<Act>| async move {
        let fake = Fake::always(answer);
        let client = Client::builder(&fake.url()).timeout(Duration::from_secs(20)).token("hunter2").build().unwrap();
        let error = client.get("x").await.unwrap_err();
        assert!(!format!("{error} {error:?} {error:#?}").contains("hunter2"));
        error
    };
    let error = of(problem("422 Unprocessable Entity", r#"{"detail":"no","key":"timeout"}"#)).await;
    assert_eq!((error.kind(), error.status(), error.key()), (ClientErrorKind::Refused, Some(422), Some("timeout")));
    assert_eq!((error.detail(), error.is_temporary()), (Some("no"), false));
    for (status, kind, is_temporary) in [
        ("401 Unauthorized", ClientErrorKind::Unauthorized, false),
        ("403 Forbidden", ClientErrorKind::Forbidden, false),
        ("404 Not Found", ClientErrorKind::NotFound, false),
        ("405 Method Not Allowed", ClientErrorKind::Unexpected, false),
        ("421 Misdirected Request", ClientErrorKind::Refused, false),
        ("429 Too Many Requests", ClientErrorKind::Unexpected, true),
        ("503 Service Unavailable", ClientErrorKind::Unexpected, true),
    ] {
        let error = of(problem(status, r#"{"type":"about:blank","detail":"so"}"#)).await;
        assert_eq!((error.kind(), error.is_temporary()), (kind, is_temporary), "{status}");
        assert!(error.to_string().contains("so"), "{error}");
    }
    // A problem that is no problem, and one that talks without end.
    assert_eq!(of(problem("403 Forbidden", "[1")).await.kind(), ClientErrorKind::Forbidden);
    let long = format!(r#"{{"detail":"{}"}}"#, "ü".repeat(100_000));
    assert!(of(problem("403 Forbidden", &long)).await.to_string().len() < 10_000);
    let error = of(vec![]).await;
    assert_eq!((error.kind(), error.is_temporary()), (ClientErrorKind::Unreachable, true));
}

#[tokio::test]
async fn a_route_that_is_missing_is_not_a_breaker_that_is_missing() {
    let fake = Fake::always(problem("404 Not Found", r#"{"detail":"there is no route `/x/health`"}"#));
    let error = Client::new(&fake.url()).unwrap().health().await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Unexpected);
    assert!(error.to_string().contains("no route `/x/health`"), "{error}");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_for_elsewhere() {
    // The environment is the process' own, so the command is asked.
    let fake = Fake::always(json(&health(&[])));
    let mut command = crate::command::command(&fake.url(), &["health"]);
    command.env("http_proxy", "http://127.0.0.1:1").env("HTTP_PROXY", "http://127.0.0.1:1");
    assert_eq!(crate::command::finish(command).code, 0);
    let proxy = Fake::always(json(&health(&[])));
    let mut command = crate::command::command("http://breakers.example.test:8080", &["health"]);
    command.env("http_proxy", proxy.url()).env("HTTP_PROXY", proxy.url()).env_remove("no_proxy").env_remove("NO_PROXY");
    assert_eq!(crate::command::finish(command).code, 0);
    assert!(proxy.requests()[0].starts_with("GET http://breakers.example.test:8080/health "), "{:?}", proxy.requests());
}

#[tokio::test]
async fn ipv6_is_an_address_like_others() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        println!("this machine has no IPv6: NOT CHECKED");
        return;
    };
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let count = std::io::Read::read(&mut connection, &mut head).unwrap();
        for act in http("200 OK", "application/json", &health(&[])) {
            let Act::Send(bytes) = act else { unreachable!() };
            std::io::Write::write_all(&mut connection, &bytes).unwrap();
        }
        String::from_utf8_lossy(&head[..count]).to_lowercase()
    });
    let client = Client::new(&url).unwrap();
    assert_eq!(client.url(), url);
    assert_eq!(client.health().await.unwrap().status, "ok");
    assert!(server.join().unwrap().contains("\r\nhost: [::1]:"));
}
