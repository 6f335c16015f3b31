//! What is a failure of a host, and what is not.

use std::time::Duration;

use async_trait::async_trait;
use breakerbox::reqwest::{default_outcome, refusal};
use breakerbox::{Config, Outcome, Reason, State};
use futures_util::stream;
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

use crate::server::{Reply, Server};
use crate::support::{Breakers, PATIENCE, opens_after, plain};

/// Successes, failures, ignored ones of the breaker of a server, after one request.
async fn ended_with(reply: Reply) -> (u64, u64, u64) {
    let server = Server::start().await;
    server.always(reply);
    let breakers = Breakers::new(opens_after(5));
    let _ = breakers.client().get(server.url()).timeout(Duration::from_millis(300)).send().await;
    let totals = breakers.status(&server.host()).totals;
    assert_eq!((totals.attempts, server.requests()), (1, 1));
    (totals.successes, totals.failures, totals.ignored)
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_and_429_are_failures_and_everything_else_is_an_answer() {
    for status in [500, 502, 503, 504, 507, 599, 429] {
        assert_eq!(ended_with(Reply::status(status)).await, (0, 1, 0), "{status}");
    }
    for status in [200, 204, 304, 400, 401, 403, 404, 408, 418, 499, 501, 505, 600, 999] {
        assert_eq!(ended_with(Reply::status(status)).await, (1, 0, 0), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_before_the_head_is_there_is_a_failure() {
    let broken = ["", "HTTP/1.1 200 OK\r\nContent-Le", "no HTTP at all\r\n\r\n", "HTTP/1.1 abc X\r\n\r\n"];
    for bytes in broken {
        assert_eq!(ended_with(Reply::Cut(bytes)).await, (0, 1, 0), "{bytes:?}");
    }
    assert_eq!(ended_with(Reply::Hang).await, (0, 1, 0), "hangs");
    assert_eq!(ended_with(Reply::status(200).after(PATIENCE)).await, (0, 1, 0), "slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_and_a_host_that_does_not_exist_are_failures() {
    let mut server = Server::start().await;
    server.close().await;
    let breakers = Breakers::new(opens_after(2));
    for _ in 0..2 {
        assert!(breakers.client().get(server.url()).send().await.unwrap_err().is_connect());
    }
    let refused = breakers.client().get(server.url()).send().await.unwrap_err();
    let reason = refusal(&refused).unwrap();
    assert_eq!((reason.reason(), reason.name()), (Reason::Open, format!("http[{}]", server.host()).as_str()));
    assert_eq!(reason.retry_after(), Some(Duration::from_secs(60)));

    let nowhere = "http://nowhere.invalid:81/";
    let error = breakers.client().get(nowhere).timeout(Duration::from_secs(5)).send().await.unwrap_err();
    assert!(refusal(&error).is_none());
    assert_eq!(breakers.status("nowhere.invalid:81").totals.failures, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_did_wrong_is_ignored() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1));
    let broken = stream::iter([Ok("begun"), Err(std::io::Error::other("the disk of the caller"))]);
    let sent = breakers.client().put(server.url()).body(Body::wrap_stream(broken)).send().await;
    assert!(sent.is_err());
    let totals = breakers.status(&server.host()).totals;
    assert_eq!((totals.ignored, totals.failures), (1, 0), "{:?}", sent.unwrap_err());

    assert!(breakers.client().get("ftp://ftp.example.com/").send().await.unwrap_err().is_builder());
    let totals = breakers.status("ftp.example.com").totals;
    assert_eq!((totals.ignored, totals.failures), (1, 0));

    // Not even a host.
    assert!(breakers.client().get("data:text/plain,x").send().await.unwrap_err().is_builder());
}

/// A middleware that needs a file.
struct Reads;

#[async_trait]
impl Middleware for Reads {
    async fn handle(&self, _: Request, _: &mut http::Extensions, _: Next<'_>) -> reqwest_middleware::Result<Response> {
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        Err(reqwest_middleware::Error::Middleware(anyhow::Error::new(error).context("no token")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_middleware_cannot_do_is_ignored_though_a_system_call_failed() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1));
    let client = ClientBuilder::new(plain()).with(breakers.middleware()).with(Reads).build();
    client.get(server.url()).send().await.unwrap_err();
    let totals = breakers.status(&server.host()).totals;
    assert_eq!((totals.ignored, totals.failures, server.requests()), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_of_a_refused_request_says_why_in_itself_and_in_its_source() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(5));
    breakers.family.get(&server.host()).force_open();
    let error = breakers.client().get(server.url()).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error:?}") };
    assert_eq!(error.to_string(), format!("request to {} not sent", server.host()));
    assert_eq!(error.root_cause().to_string(), format!("circuit 'http[{}]' is forced open", server.host()));
    let reason: &breakerbox::CircuitBreakerError = error.downcast_ref().unwrap();
    assert_eq!(reason.reason(), Reason::ForcedOpen);
    assert_eq!(server.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_circuit_is_tried_again_after_its_time_and_closes() {
    let mut server = Server::start().await;
    let breakers = Breakers::new(opens_after(3));
    let client = breakers.client();
    server.close().await;
    for _ in 0..20 {
        assert!(client.get(server.url()).send().await.is_err());
    }
    assert_eq!(breakers.status(&server.host()).totals.failures, 3);
    server.reopen().await;
    assert!(refusal(&client.get(server.url()).send().await.unwrap_err()).is_some());
    breakers.clock.advance(Duration::from_secs(60));
    assert_eq!(client.get(server.url()).send().await.unwrap().status(), 200);
    assert_eq!(breakers.status(&server.host()).state, State::Closed);
    assert_eq!(server.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_breaker_every_call_reaches_the_sick_server_and_with_one_five() {
    let server = Server::start().await;
    server.always(Reply::status(500));
    for _ in 0..100 {
        plain().get(server.url()).send().await.unwrap();
    }
    assert_eq!(server.requests(), 100);
    let breakers = Breakers::new(Config::builder());
    let client = breakers.client();
    for _ in 0..100 {
        let _ = client.get(server.url()).send().await;
    }
    assert_eq!(server.requests(), 105);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeout_of_the_breaker_cuts_a_request_off() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let breakers = Breakers::new(opens_after(2).timeout(Duration::from_millis(50)));
    for _ in 0..2 {
        let error = breakers.client().get(server.url()).send().await.unwrap_err();
        assert!(refusal(&error).unwrap().is_timeout(), "{error:?}");
        let text = format!("request to {} cut off", server.host());
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(breakers.status(&server.host()).state, State::Open);
    crate::support::until("its connections are closed", || server.abandoned() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_and_everything_else_can_be_judged_otherwise() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(100));
    let by_status = breakers.middleware().failure_status(|status| status == 404);
    let by_header = breakers.middleware().classify(|result| match result {
        Ok(response) if response.headers().contains_key("x-degraded") => Outcome::Failure,
        Err(_) => Outcome::Ignored,
        other => default_outcome(other),
    });
    let failures = || breakers.status(&server.host()).totals.failures;
    let client = ClientBuilder::new(plain()).with(by_status).build();
    for (status, expected) in [(404, 1), (500, 1), (429, 1)] {
        server.always(Reply::status(status));
        client.get(server.url()).send().await.unwrap();
        assert_eq!(failures(), expected, "{status}");
    }
    let client = ClientBuilder::new(plain()).with(by_header).build();
    server.always(Reply::Answer(200, vec![("X-Degraded", "yes".to_owned())]));
    client.get(server.url()).send().await.unwrap();
    assert_eq!(failures(), 2);
    server.always(Reply::Cut(""));
    client.get(server.url()).send().await.unwrap_err();
    assert_eq!(failures(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_around_another_one_takes_its_refusals_for_no_failures() {
    let server = Server::start().await;
    let outer = Breakers::new(opens_after(1));
    let inner = Breakers::new(opens_after(1));
    inner.family.get(&server.host()).force_open();
    let client = ClientBuilder::new(plain()).with(outer.middleware()).with(inner.middleware()).build();
    let error = client.get(server.url()).send().await.unwrap_err();
    assert_eq!(refusal(&error).unwrap().reason(), Reason::ForcedOpen);
    assert_eq!(outer.status(&server.host()).totals.ignored, 1);
    assert_eq!(outer.status(&server.host()).state, State::Closed);
}
