//! `HttpClient`: what it retries and what not, its budget, its requests and errors.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use breakerbox::reqwest::{HttpClient, HttpError};
use breakerbox::{Config, State};
use futures_util::stream;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Body, Method};

use crate::server::{Reply, Server};
use crate::support::{Breakers, PATIENCE, opens_after, until};

/// A budget that is never used up.
const PLENTY: (f64, u32) = (1000.0, 1_000_000);

fn generous(breakers: &Breakers) -> HttpClient {
    breakers.http().retry_budget(PLENTY.0, PLENTY.1).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_idempotent_is_retried_and_the_rest_is_not() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let breakers = Breakers::new(opens_after(1000));
    let client = generous(&breakers);
    let methods = [
        (Method::GET, 3),
        (Method::HEAD, 3),
        (Method::OPTIONS, 3),
        (Method::PUT, 3),
        (Method::DELETE, 3),
        (Method::TRACE, 3),
        (Method::POST, 1),
        (Method::PATCH, 1),
        (Method::from_bytes(b"PROPFIND").unwrap(), 1),
    ];
    for (method, expected) in methods {
        let before = server.requests();
        assert_eq!(client.request(method.clone(), server.url()).send().await.unwrap().status(), 503);
        assert_eq!(server.requests() - before, expected, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_never_repeated_once_its_head_was_sent() {
    let mut server = Server::start().await;
    let breakers = Breakers::new(opens_after(1000));
    let client =
        breakers.http().retry_budget(PLENTY.0, PLENTY.1).try_timeout(Duration::from_millis(100)).build().unwrap();
    let replies = [
        Reply::status(500),
        Reply::retry_after(429, "1"),
        Reply::Hang,
        Reply::Cut(""),
        Reply::Cut("HTTP/1.1 20"),
        Reply::Cut("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
    ];
    for (n, reply) in replies.into_iter().enumerate() {
        server.always(reply.clone());
        let _ = client.post(server.url()).body("pay").send().await;
        assert_eq!(server.requests(), n + 1, "{reply:?}");
    }
    // A connection that is refused has carried nothing.
    server.close().await;
    let error = client.post(server.url()).body("pay").send().await.unwrap_err();
    assert_eq!((error.is_connect(), error.attempts()), (true, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_retried_where_the_client_or_the_request_asks_for_it() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let breakers = Breakers::new(opens_after(1000));
    let careful = generous(&breakers);
    careful.post(server.url()).header("Idempotency-Key", "7").idempotent(true).body("pay").send().await.unwrap();
    assert_eq!(server.requests(), 3);
    careful.get(server.url()).idempotent(false).send().await.unwrap();
    assert_eq!(server.requests(), 4);
    let bold = breakers.http().retry_non_idempotent(true).build().unwrap();
    bold.post(server.url()).body("pay").send().await.unwrap();
    assert_eq!(server.requests(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_another_try_may_mend_are_retried() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1000));
    let client = generous(&breakers);
    for status in [408, 429, 500, 502, 503, 504] {
        server.script(move |n, _| Reply::status(if n == 0 { status } else { 200 }));
        let before = server.requests();
        assert_eq!(client.get(server.url()).send().await.unwrap().status(), 200, "{status}");
        assert_eq!(server.requests() - before, 2, "{status}");
    }
    for status in [200, 304, 400, 401, 403, 404, 409, 422, 501, 505] {
        server.always(Reply::status(status));
        let before = server.requests();
        assert_eq!(client.get(server.url()).send().await.unwrap().status(), status);
        assert_eq!(server.requests() - before, 1, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_memory_is_sent_again_whole_and_a_stream_only_once() {
    let server = Server::start().await;
    server.script(|n, _| Reply::status(if n == 0 { 503 } else { 200 }));
    let breakers = Breakers::new(opens_after(1000));
    let client = generous(&breakers);
    assert_eq!(client.put(server.url()).body("four").send().await.unwrap().status(), 200);
    assert!(server.heads().iter().all(|head| head.to_lowercase().contains("content-length: 4")));

    server.always(Reply::status(503));
    let before = server.requests();
    let body = Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>("four")]));
    assert_eq!(client.put(server.url()).body(body).send().await.unwrap().status(), 503);
    assert_eq!(server.requests() - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_that_opens_ends_the_retries_with_the_answer_that_there_is() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let breakers = Breakers::new(opens_after(5));
    let client = breakers.http().attempts(4).retry_budget(PLENTY.0, PLENTY.1).build().unwrap();
    assert_eq!(client.get(server.url()).send().await.unwrap().status(), 503);
    assert_eq!(server.requests(), 4);
    // The fifth failure opens it: no wait, no try that would be refused.
    assert_eq!(client.get(server.url()).send().await.unwrap().status(), 503);
    assert_eq!(server.requests(), 5);
    let status = breakers.status(&server.host());
    assert_eq!((status.state, status.totals.rejections.open), (State::Open, 0));

    let error = client.get(server.url()).send().await.unwrap_err();
    assert!(error.is_rejected() && !error.is_timeout() && !error.is_connect());
    assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(60)), 0));
    assert_eq!(breakers.status(&server.host()).totals.rejections.open, 1);
    assert_eq!(server.requests(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_are_a_share_of_the_calls_and_a_small_reserve() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    // Nothing but the budget limits them.
    let breakers = Breakers::new(
        Config::builder()
            .failure_threshold(None)
            .failure_rate_threshold(1.0)
            .window_size(100_000)
            .minimum_calls(100_000),
    );
    for (share, reserve) in [(0.2, 0), (0.5, 0), (0.0, 0), (0.2, 3)] {
        let client = breakers.http().retry_budget(share, reserve).build().unwrap();
        let before = server.requests();
        let begun = std::time::Instant::now();
        for _ in 0..300 {
            client.get(server.url()).send().await.unwrap();
        }
        let seconds = begun.elapsed().as_secs_f64() + 1.0;
        let retries = (server.requests() - before - 300) as f64;
        let most = 300.0 * share + f64::from(reserve) * seconds;
        assert!(retries <= most + 1e-6, "{retries} of {most}");
        assert!(retries >= 300.0 * share - 1.0, "{retries} of {most}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_save_nothing_for_retries() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().retry_budget(1.0, 0).build().unwrap();
    let breaker = breakers.family.get(&server.host());
    breaker.force_open();
    for _ in 0..50 {
        client.get(server.url()).send().await.unwrap_err();
    }
    breaker.auto();
    client.get(server.url()).send().await.unwrap();
    // One call, so one retry; the second one that it might make has no budget.
    assert_eq!(server.requests(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_is_cancelled_in_its_try_and_in_its_wait() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().base_delay(PATIENCE).max_delay(PATIENCE).timeout(None).build().unwrap();
    let call = tokio::spawn(client.get(server.url()).send());
    until("it has come", || server.requests() == 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let breaker = breakers.family.get(&server.host());
    until("it is cancelled", || breaker.status().totals.cancelled == 1).await;

    server.always(Reply::status(503));
    let call = tokio::spawn(client.get(server.url()).send());
    until("it waits", || breaker.status().totals.failures == 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let totals = breaker.status().totals;
    assert_eq!((totals.cancelled, totals.attempts, server.requests()), (1, 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_put_together_as_with_the_plain_client() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(5));
    let client = generous(&breakers);
    let headers = HeaderMap::from_iter([("x-b".parse().unwrap(), HeaderValue::from_static("2"))]);
    let request = client
        .post(server.url())
        .header("X-A", "1")
        .headers(headers)
        .query(&[("q", "a b")])
        .bearer_auth("secret")
        .json(&serde_json::json!({"n": 1}));
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "fine");
    let head = server.heads()[0].to_lowercase();
    assert!(head.starts_with("post /?q=a+b http/1.1\r\n"), "{head}");
    let lines =
        ["x-a: 1", "x-b: 2", "authorization: bearer secret", "content-type: application/json", "content-length: 7"];
    assert!(lines.iter().all(|line| head.contains(line)), "{head}");

    let form = HashMap::from([("k", "v")]);
    let put = client.put(server.url()).basic_auth("user", Some("pass")).form(&form);
    put.send().await.unwrap().error_for_status().unwrap();
    let head = server.heads()[1].to_lowercase();
    assert!(head.contains("x-www-form-urlencoded") && head.contains("authorization: basic dxnlcjpwyxnz"), "{head}");

    for (request, line) in [
        (client.get(server.url()), "GET"),
        (client.patch(server.url()), "PATCH"),
        (client.delete(server.url()), "DELETE"),
        (client.head(server.url()), "HEAD"),
    ] {
        request.send().await.unwrap();
        assert!(server.heads().last().unwrap().starts_with(line));
    }
    let request = client.post(server.url()).header("X-A", "3").body("four").idempotent(true);
    let copy = request.try_clone().unwrap();
    for request in [request, copy] {
        request.send().await.unwrap();
        assert!(server.heads().last().unwrap().to_lowercase().contains("x-a: 3"));
    }
    let stream = Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>("four")]));
    assert!(client.post(server.url()).body(stream).try_clone().is_none());
    let built = client.get(server.url()).build().unwrap();
    assert_eq!(client.execute(built).await.unwrap().status(), 200);
}

/// `?` takes both kinds of errors.
async fn status(client: &HttpClient, url: String) -> Result<(), HttpError> {
    client.get(url).send().await?.error_for_status()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_happened_and_what_caused_it() {
    let mut server = Server::start().await;
    let breakers = Breakers::new(opens_after(1000));
    let client = generous(&breakers);

    server.always(Reply::status(404));
    let error = status(&client, server.url()).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
    assert!(error.is_status() && !error.is_request() && !error.is_redirect());
    let hidden = error.without_url();
    assert!(hidden.url().is_none() && !hidden.to_string().contains("127.0.0.1"), "{hidden}");

    server.always(Reply::redirect(302, "/for-ever"));
    let client_of_redirects = breakers.http().redirect(Policy::limited(2)).build().unwrap();
    assert!(client_of_redirects.get(server.url()).send().await.unwrap_err().is_redirect());

    server.always(Reply::status(200));
    let json = client.get(server.url()).send().await.unwrap().json::<serde_json::Value>().await;
    assert!(HttpError::from(json.unwrap_err()).is_decode());
    let body = Body::wrap_stream(stream::iter([Ok("begun"), Err(std::io::Error::other("the disk"))]));
    let error = client.put(server.url()).body(body).send().await.unwrap_err();
    assert!(error.is_request() && !error.is_body(), "{error:?}");

    let error = client.get("not an address").send().await.unwrap_err();
    assert!(error.is_builder() && error.source().is_some(), "{error:?}");
    assert!(client.get("http://h/").header("bad\nname", "x").send().await.unwrap_err().is_builder());

    server.close().await;
    let error = client.get(server.url()).send().await.unwrap_err();
    assert!(error.is_connect() && error.is_request() && !error.is_rejected() && !error.is_timeout());
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.to_string(), format!("error sending request for url ({}), after 3 tries", server.url()));
    let causes: Vec<String> =
        std::iter::successors(error.source(), |&error| error.source()).map(ToString::to_string).collect();
    assert!(causes.iter().any(|cause| cause.contains("refused")), "{causes:?}");

    breakers.family.get(&server.host()).force_open();
    let error = client.get(server.url()).send().await.unwrap_err();
    assert_eq!(error.to_string(), format!("request to {} not sent", server.host()));
    let cause = error.source().unwrap().to_string();
    assert_eq!(cause, format!("circuit 'http[{}]' is forced open", server.host()));
    assert_eq!(error.refusal().unwrap().to_string(), cause);
}

#[test]
fn settings_out_of_range_are_refused_with_their_name() {
    let second = Duration::from_secs(1);
    let builders = [
        (HttpClient::builder().attempts(0), "attempts"),
        (HttpClient::builder().base_delay(second * 2).max_delay(second), "max_delay"),
        (HttpClient::builder().retry_budget(-0.1, 0), "retry_budget"),
        (HttpClient::builder().retry_budget(f64::NAN, 0), "retry_budget"),
        (HttpClient::builder().timeout(Duration::ZERO), "timeout"),
        (HttpClient::builder().try_timeout(Duration::ZERO), "try_timeout"),
        (HttpClient::builder().connect_timeout(Duration::ZERO), "connect_timeout"),
    ];
    for (builder, key) in builders {
        let error = builder.build().unwrap_err();
        assert!(error.is_builder() && error.to_string().contains(&format!("`{key}`")), "{error}");
    }
}

#[test]
fn by_default_the_breakers_are_members_of_the_family_http_of_the_program() {
    HttpClient::new().unwrap();
    assert!(breakerbox::registry().all_keyed().iter().any(|family| family.name() == "http"));
}
