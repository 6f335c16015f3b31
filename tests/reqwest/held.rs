//! How long the body of an answer keeps its breaker waiting: until its end, or until nobody reads it any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use breakerbox::State;
use breakerbox::reqwest::HttpError;
use futures_util::poll;
use reqwest::Method;
use reqwest_middleware::ClientBuilder;
use tokio::sync::Notify;

use crate::server::{Reply, Server};
use crate::support::{Breakers, PATIENCE, ends, opens_after, plain, until};

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf";
const NOTHING: (u64, u64, u64, u64) = (0, 0, 0, 0);

/// A server that sends half of a body, and the rest when it is told.
async fn halting() -> (Server, Arc<Notify>) {
    let server = Server::start().await;
    let go_on = Arc::new(Notify::new());
    server.always(Reply::Parts(HALF, Arc::clone(&go_on), "rest"));
    (server, go_on)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_is_told_when_the_last_byte_is_there() {
    let (server, go_on) = halting().await;
    let breakers = Breakers::new(opens_after(1));
    let mut response = breakers.client().get(server.url()).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "half");
    assert_eq!(ends(&breakers, &server), NOTHING);
    go_on.notify_one();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "rest");
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));
    drop(response);
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_reads_to_its_end_is_a_success() {
    let (server, _) = halting().await;
    let breakers = Breakers::new(opens_after(1));
    let unread = breakers.client().get(server.url()).send().await.unwrap();
    assert_eq!(ends(&breakers, &server), NOTHING);
    drop(unread);
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));

    let mut half = breakers.client().get(server.url()).send().await.unwrap();
    half.chunk().await.unwrap();
    drop(half);
    assert_eq!(ends(&breakers, &server), (2, 0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_gives_up_waiting_says_nothing() {
    let (server, _) = halting().await;
    let breakers = Breakers::new(opens_after(1));
    for n in 1..=3 {
        let response = breakers.client().get(server.url()).send().await.unwrap();
        tokio::time::timeout(Duration::from_millis(100), response.text()).await.unwrap_err();
        assert_eq!(ends(&breakers, &server), (0, 0, 0, n));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_reader_is_not_the_servers() {
    let (server, _) = halting().await;
    let breakers = Breakers::new(opens_after(1));
    let client = breakers.client();
    let response = client.get(server.url()).send().await.unwrap();
    let reader = tokio::spawn(async move {
        let _response = response;
        panic!("the reader is ill");
    });
    assert!(reader.await.unwrap_err().is_panic());
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));

    // Also while it waits for more.
    let response = client.get(server.url()).send().await.unwrap();
    let reader = tokio::spawn(async move {
        let mut text = Box::pin(response.text());
        while poll!(text.as_mut()).is_ready() {}
        panic!("the reader is ill");
    });
    assert!(reader.await.unwrap_err().is_panic());
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_body_is_told_at_once() {
    let server = Server::start().await;
    let replies = [
        (Method::HEAD, Reply::status(200)),
        (Method::HEAD, Reply::Part("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")),
        (Method::GET, Reply::status(204)),
        (Method::GET, Reply::status(304)),
        (Method::GET, Reply::Part("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")),
    ];
    for (method, reply) in replies {
        server.always(reply.clone());
        let breakers = Breakers::new(opens_after(1));
        let response = breakers.client().request(method.clone(), server.url()).send().await.unwrap();
        assert_eq!(ends(&breakers, &server), (1, 0, 0, 0), "{method} {reply:?}");
        assert_eq!(response.url().as_str(), server.url());
        drop(response);
        assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_head_is_told_at_once() {
    let server = Server::start().await;
    server.always(Reply::Part("HTTP/1.1 503 X\r\nContent-Length: 9\r\nRetry-After: 77\r\n\r\nhalf"));
    let breakers = Breakers::new(opens_after(1));
    let response = breakers.client().get(server.url()).send().await.unwrap();
    let status = breakers.status(&server.host());
    assert_eq!((status.totals.failures, status.retry_after), (1, Some(Duration::from_secs(77))));
    drop(response);
    assert_eq!(ends(&breakers, &server), (0, 1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_over_when_its_head_is_there_and_its_body_counts_afterwards() {
    let (server, go_on) = halting().await;
    let breakers = Breakers::new(opens_after(1));
    let client = breakers.client();
    let breaker = breakers.family.get(&server.host());
    breaker.half_open();
    let trial = client.get(server.url()).send().await.unwrap();
    assert_eq!((breaker.state(), ends(&breakers, &server)), (State::Closed, (1, 0, 0, 0)));
    go_on.notify_one();
    assert_eq!(trial.text().await.unwrap(), "halfrest");
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));

    // One that breaks off is a failure of the closed circuit.
    breaker.half_open();
    server.always(Reply::Cut(HALF));
    let trial = client.get(server.url()).send().await.unwrap();
    assert_eq!(breaker.state(), State::Closed);
    trial.text().await.unwrap_err();
    assert_eq!((breaker.state(), ends(&breakers, &server)), (State::Open, (2, 1, 0, 0)));

    // One that nobody reads, or whose reader gives up, has been told.
    server.always(Reply::Part(HALF));
    breaker.half_open();
    drop(client.get(server.url()).send().await.unwrap());
    let waiting = client.get(server.url()).send().await.unwrap();
    assert_eq!(breaker.state(), State::Closed);
    tokio::time::timeout(Duration::from_millis(100), waiting.text()).await.unwrap_err();
    assert_eq!((breaker.state(), ends(&breakers, &server)), (State::Closed, (3, 1, 0, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_closes_while_bodies_last_longer_than_a_half_open_episode() {
    let (server, go_on) = halting().await;
    let breakers = Breakers::new(opens_after(1).half_open_timeout(Duration::from_secs(3)));
    let client = breakers.client();
    let breaker = breakers.family.get(&server.host());
    breaker.half_open();
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(client.get(server.url()).send().await.unwrap());
        breakers.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(breaker.state(), State::Closed);
    for stream in streams {
        go_on.notify_one();
        assert_eq!(stream.text().await.unwrap(), "halfrest");
    }
    assert_eq!((ends(&breakers, &server), breaker.status().totals.late), ((5, 0, 0, 0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_can_be_told_at_their_heads() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1));
    let stream = Reply::Part("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    server.always(stream);
    let breaker = breakers.family.get(&server.host());
    let middleware = ClientBuilder::new(plain()).with(breakers.middleware().outcome_at_head()).build();
    breaker.half_open();
    let mut response = middleware.get(server.url()).send().await.unwrap();
    assert_eq!((breaker.state(), ends(&breakers, &server)), (State::Closed, (1, 0, 0, 0)));
    assert_eq!(response.chunk().await.unwrap().unwrap(), "data: 1\n\n");

    let http = breakers.http().outcome_at_head().build().unwrap();
    let other = http.get(server.url()).send().await.unwrap();
    assert_eq!(ends(&breakers, &server), (2, 0, 0, 0));
    drop((response, other));
    server.always(Reply::Cut(HALF));
    http.get(server.url()).send().await.unwrap().text().await.unwrap_err();
    assert_eq!((breaker.state(), ends(&breakers, &server)), (State::Closed, (3, 0, 0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_call_is_the_servers_and_not_the_readers() {
    let (server, go_on) = halting().await;
    let config = opens_after(9).slow_call_duration(Duration::from_secs(10)).slow_call_rate_threshold(1.0);
    let breakers = Breakers::new(config);
    let slow = || breakers.status(&server.host()).totals.slow_calls;
    let minute = Duration::from_secs(60);
    // The reader takes its time before, between and after.
    let mut response = breakers.client().get(server.url()).send().await.unwrap();
    breakers.clock.advance(minute);
    response.chunk().await.unwrap();
    breakers.clock.advance(minute);
    go_on.notify_one();
    response.chunk().await.unwrap();
    assert_eq!((ends(&breakers, &server), slow()), ((1, 0, 0, 0), 0));
    let unread = breakers.client().get(server.url()).send().await.unwrap();
    breakers.clock.advance(minute);
    drop(unread);
    assert_eq!((ends(&breakers, &server), slow()), ((2, 0, 0, 0), 0));
    // The server does.
    let go_on = Arc::new(Notify::new());
    server.always(Reply::Parts(HALF, Arc::clone(&go_on), "rest"));
    let mut response = breakers.client().get(server.url()).send().await.unwrap();
    response.chunk().await.unwrap();
    let mut rest = Box::pin(response.chunk());
    assert!(poll!(rest.as_mut()).is_pending());
    breakers.clock.advance(minute);
    go_on.notify_one();
    assert_eq!(rest.await.unwrap().unwrap(), "rest");
    assert_eq!((ends(&breakers, &server), slow()), ((3, 0, 0, 0), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_before_a_retry_ends_when_the_circuit_opens() {
    let mut server = Server::start().await;
    let breakers = Breakers::new(opens_after(100));
    // Without connections kept, so that one that is refused is the next.
    let plain = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    let client = breakers.http().client(plain).base_delay(PATIENCE / 2).max_delay(PATIENCE / 2).build().unwrap();
    let breaker = breakers.family.get(&server.host());
    let url = server.url();
    let waiting = |failures| {
        let call = tokio::spawn(client.get(&url).send());
        let breaker = breaker.clone();
        async move {
            until("the first try has failed", || breaker.status().totals.failures == failures).await;
            // Not only what opens before the wait begins is seen.
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(!call.is_finished());
            let begun = Instant::now();
            breaker.force_open();
            let ended: Result<_, HttpError> = call.await.unwrap();
            assert!(begun.elapsed() < PATIENCE / 8, "{:?}", begun.elapsed());
            breaker.auto();
            ended
        }
    };
    for (n, reply) in [Reply::status(503), Reply::retry_after(429, "25")].into_iter().enumerate() {
        server.always(reply);
        let answer = waiting(n as u64 + 1).await.unwrap();
        assert_eq!((answer.status().is_success(), answer.text().await.unwrap()), (false, "fine".to_owned()));
        assert_eq!((server.requests(), breaker.status().totals.rejections.total()), (n + 1, 0));
    }
    server.close().await;
    let error = waiting(3).await.unwrap_err();
    assert_eq!((error.is_connect(), error.is_rejected(), error.attempts()), (true, false, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_tried_again_holds_no_place() {
    let server = Server::start().await;
    // A 408 is a success to the breaker, and is tried again.
    server.script(|n, _| Reply::status(if n == 0 { 408 } else { 200 }));
    let breakers = Breakers::new(opens_after(1));
    let breaker = breakers.family.get(&server.host());
    breaker.half_open();
    let client = breakers.http().build().unwrap();
    let answer = client.get(server.url()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), breaker.state()), (200, State::Closed));
}
