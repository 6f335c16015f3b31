//! Retries of reqwest-retry, outside of the breaker and inside of it: what reaches the server.

use std::time::Duration;

use breakerbox::reqwest::{CircuitBreakerStrategy, refusal};
use breakerbox::{Reason, State};
use reqwest::Body;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{Jitter, RetryError, RetryTransientMiddleware, Retryable, RetryableStrategy};

use crate::server::{Reply, Server};
use crate::support::{Breakers, opens_after, plain};

fn policy(retries: u32) -> ExponentialBackoff {
    let bounds = (Duration::from_millis(1), Duration::from_millis(2));
    ExponentialBackoff::builder().retry_bounds(bounds.0, bounds.1).jitter(Jitter::None).build_with_max_retries(retries)
}

fn retries(retries: u32) -> RetryTransientMiddleware<ExponentialBackoff> {
    RetryTransientMiddleware::new_with_policy(policy(retries))
}

fn outside(breakers: &Breakers, times: u32) -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(retries(times)).with(breakers.middleware()).build()
}

fn inside(breakers: &Breakers, times: u32) -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(breakers.middleware()).with(retries(times)).build()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_breaker_every_try_reaches_the_server() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let client = ClientBuilder::new(plain()).with(retries(3)).build();
    for _ in 0..10 {
        client.get(server.url()).send().await.unwrap();
    }
    assert_eq!(server.requests(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_each_try_counts_and_a_circuit_that_opens_stops_the_retries() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let breakers = Breakers::new(opens_after(5));
    let client = outside(&breakers, 3);
    for _ in 0..10 {
        let _ = client.get(server.url()).send().await;
    }
    // Four tries of the first call, one of the second.
    assert_eq!(server.requests(), 5);
    let totals = breakers.status(&server.host()).totals;
    // Each of the other eight calls, and the second one once more, asked the breaker once.
    assert_eq!((totals.failures, totals.rejections.open), (5, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_a_call_counts_once_whatever_it_took() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let breakers = Breakers::new(opens_after(5));
    let client = inside(&breakers, 3);
    for _ in 0..10 {
        let _ = client.get(server.url()).send().await;
    }
    assert_eq!(server.requests(), 5 * 4);
    let totals = breakers.status(&server.host()).totals;
    assert_eq!((totals.failures, totals.rejections.open), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_retry_saves_is_a_success_inside_and_a_failure_and_a_success_outside() {
    let server = Server::start().await;
    let every_second = |n: usize, _: &str| Reply::status(if n.is_multiple_of(2) { 503 } else { 200 });
    for (is_inside, failures) in [(true, 0), (false, 6)] {
        server.script(every_second);
        let breakers = Breakers::new(opens_after(2));
        let client = if is_inside { inside(&breakers, 3) } else { outside(&breakers, 3) };
        let before = server.requests();
        for _ in 0..6 {
            assert_eq!(client.get(server.url()).send().await.unwrap().status(), 200);
        }
        let totals = breakers.status(&server.host()).totals;
        assert_eq!((totals.successes, totals.failures), (6, failures), "{is_inside}");
        assert_eq!(server.requests() - before, 12);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_is_found_through_what_retries_wrap_around_it() {
    let server = Server::start().await;
    server.always(Reply::status(503));
    let breakers = Breakers::new(opens_after(1));
    let client = outside(&breakers, 3);
    // The first try fails, and the first retry is refused.
    let error = client.get(server.url()).send().await.unwrap_err();
    assert_eq!(refusal(&error).unwrap().reason(), Reason::Open);
    let Error::Middleware(wrapped) = &error else { panic!("{error:?}") };
    let retried = wrapped.downcast_ref::<RetryError>().unwrap();
    assert!(matches!(retried, RetryError::WithRetries { retries: 1, .. }), "{retried:?}");

    let error = client.get(server.url()).send().await.unwrap_err();
    assert_eq!(refusal(&error).unwrap().reason(), Reason::Open);
    let Error::Middleware(wrapped) = &error else { panic!("{error:?}") };
    assert!(matches!(wrapped.downcast_ref(), Some(RetryError::Error(_))), "{wrapped:?}");

    // Around one another several times.
    let client = ClientBuilder::new(plain()).with(retries(1)).with(retries(1)).with(breakers.middleware()).build();
    let error = client.get(server.url()).send().await.unwrap_err();
    assert_eq!(refusal(&error).unwrap().reason(), Reason::Open);
    assert_eq!(server.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_error_is_no_refusal() {
    let mut server = Server::start().await;
    server.close().await;
    let breakers = Breakers::new(opens_after(100));
    for client in [outside(&breakers, 1), inside(&breakers, 1), outside(&breakers, 0), inside(&breakers, 0)] {
        let error = client.get(server.url()).send().await.unwrap_err();
        assert!(refusal(&error).is_none(), "{error:?}");
    }
    assert!(refusal(&Error::Middleware(anyhow::anyhow!("something else"))).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_inside_of_retries_are_judged_like_those_without() {
    let mut server = Server::start().await;
    // Garbage is not retried, and comes back as an error without retries.
    server.always(Reply::Cut("no HTTP at all\r\n\r\n"));
    for times in [0, 2] {
        let breakers = Breakers::new(opens_after(100));
        inside(&breakers, times).get(server.url()).send().await.unwrap_err();
        inside(&breakers, times).get("ftp://ftp.example.com/").send().await.unwrap_err();
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>("x")]);
        let error =
            inside(&breakers, times).put(server.url()).body(Body::wrap_stream(stream)).send().await.unwrap_err();
        assert!(error.to_string().contains("not cloneable"), "{error}");
        let totals = breakers.status(&server.host()).totals;
        assert_eq!((totals.failures, totals.ignored), (1, 1), "{times}");
        assert_eq!(breakers.status("ftp.example.com").totals.ignored, 1, "{times}");
    }
    server.close().await;
    for times in [0, 2] {
        let breakers = Breakers::new(opens_after(100));
        inside(&breakers, times).get(server.url()).send().await.unwrap_err();
        assert_eq!(breakers.status(&server.host()).totals.failures, 1, "{times}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_strategy_retries_no_refusal_and_ours_retries_what_was_cut_off() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let limit = Duration::from_millis(40);
    let by_default = Breakers::new(opens_after(100).timeout(limit));
    let error = outside(&by_default, 2).get(server.url()).send().await.unwrap_err();
    assert!(refusal(&error).unwrap().is_timeout());
    assert_eq!(server.requests(), 1);

    let ours = Breakers::new(opens_after(100).timeout(limit));
    let strategy = CircuitBreakerStrategy::default();
    let retries = RetryTransientMiddleware::new_with_policy_and_strategy(policy(2), strategy);
    let client = ClientBuilder::new(plain()).with(retries).with(ours.middleware()).build();
    assert!(refusal(&client.get(server.url()).send().await.unwrap_err()).unwrap().is_timeout());
    assert_eq!((server.requests(), ours.status(&server.host()).totals.failures), (4, 3));

    ours.family.get(&server.host()).force_open();
    client.get(server.url()).send().await.unwrap_err();
    assert_eq!(ours.status(&server.host()).totals.rejections.forced_open, 1);
}

/// Retries everything, as a careless strategy may.
struct Always;

impl RetryableStrategy for Always {
    fn handle(&self, result: &reqwest_middleware::Result<reqwest::Response>) -> Option<Retryable> {
        result.is_err().then_some(Retryable::Transient)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_retries_everything_is_kept_from_refusals() {
    let mut server = Server::start().await;
    server.close().await;
    let breakers = Breakers::new(opens_after(2));
    let retries =
        RetryTransientMiddleware::new_with_policy_and_strategy(policy(50), CircuitBreakerStrategy::new(Always));
    let client = ClientBuilder::new(plain()).with(retries).with(breakers.middleware()).build();
    client.get(server.url()).send().await.unwrap_err();
    let status = breakers.status(&server.host());
    assert_eq!((status.totals.failures, status.totals.rejections.open), (2, 1));
    assert_eq!(status.state, State::Open);
}
