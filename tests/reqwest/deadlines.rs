//! The limits of time of an `HttpClient`: of a try, of the call, of the connection; and `Retry-After` between tries.

use std::time::{Duration, Instant};

use crate::server::{Reply, Server};
use crate::support::{Breakers, PATIENCE, opens_after};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_try_without_an_answer_is_a_failure_and_is_repeated() {
    let server = Server::start().await;
    server.script(|n, _| if n == 0 { Reply::Hang } else { Reply::status(200) });
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().try_timeout(SHORT).build().unwrap();
    assert_eq!(client.get(server.url()).send().await.unwrap().status(), 200);
    let totals = breakers.status(&server.host()).totals;
    assert_eq!((totals.failures, totals.successes, totals.cancelled), (1, 1, 0));

    server.always(Reply::Hang);
    let error = client.get(server.url()).send().await.unwrap_err();
    assert!(error.is_timeout() && !error.is_rejected());
    assert_eq!((error.attempts(), error.to_string()), (3, "no answer within 300ms, after 3 tries".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_the_call_holds_over_all_tries() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let breakers = Breakers::new(opens_after(100));
    let client =
        breakers.http().attempts(100).try_timeout(Duration::from_millis(200)).timeout(SHORT * 2).build().unwrap();
    let begun = Instant::now();
    let error = client.get(server.url()).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
    assert!(server.requests() <= 4, "{}", server.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_have_a_limit_of_its_own() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().build().unwrap();
    let begun = Instant::now();
    let error = client.get(server.url()).timeout(SHORT).send().await.unwrap_err();
    assert!(error.is_timeout() && begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_the_call_holds_for_the_body_and_that_of_a_try_does_not() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(100));
    // The head comes at once; of the body nothing comes, and the connection stays open.
    let part = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    server.always(Reply::Part(part));
    let client = breakers.http().try_timeout(Duration::from_millis(50)).timeout(SHORT * 2).build().unwrap();
    let begun = Instant::now();
    let response = client.get(server.url()).send().await.unwrap();
    let error = response.bytes().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_waits_for_as_long_as_the_server_asks() {
    let server = Server::start().await;
    server.script(|n, _| if n == 0 { Reply::retry_after(503, "1") } else { Reply::status(200) });
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().max_delay(Duration::from_secs(1)).build().unwrap();
    let begun = Instant::now();
    assert_eq!(client.get(server.url()).send().await.unwrap().status(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(990), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_more_than_the_longest_delay_holds_nobody() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1000));
    let client = breakers.http().max_delay(Duration::from_secs(1)).timeout(None).build().unwrap();
    for value in ["2", "999999", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        for status in [503, 429] {
            server.always(Reply::retry_after(status, value));
            let before = server.requests();
            let answer = tokio::time::timeout(PATIENCE, client.get(server.url()).send()).await.expect(value).unwrap();
            assert_eq!((answer.status().as_u16(), server.requests() - before), (status, 1), "{value}");
        }
    }
}

/// Failures and ignored calls of the breaker.
fn blamed(breakers: &Breakers, server: &Server) -> (u64, u64) {
    let totals = breakers.status(&server.host()).totals;
    (totals.failures, totals.ignored)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_less_time_than_the_client_gives_does_not_blame_the_host() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().attempts(1).try_timeout(PATIENCE / 2).build().unwrap();
    server.always(Reply::Hang);
    for (n, limit) in [1, 50, 300].into_iter().enumerate() {
        let request = client.get(server.url()).timeout(Duration::from_millis(limit));
        assert!(request.send().await.unwrap_err().is_timeout());
        assert_eq!(blamed(&breakers, &server), (0, n as u64 + 1));
    }
    // Nor in the body.
    server.always(Reply::Part("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"));
    let response = client.get(server.url()).timeout(Duration::from_secs(1)).send().await.unwrap();
    assert!(response.text().await.unwrap_err().is_timeout());
    assert_eq!(blamed(&breakers, &server), (0, 4));
    // What breaks before the caller gives up is the fault of the host.
    server.always(Reply::Cut(""));
    client.get(server.url()).timeout(PATIENCE / 4).send().await.unwrap_err();
    assert_eq!(blamed(&breakers, &server), (1, 4));
    // So is all the time that a client gives, whichever of its limits is the shortest.
    server.always(Reply::Hang);
    let ways = [
        breakers.http().timeout(SHORT),
        breakers.http().try_timeout(SHORT),
        breakers.http().timeout(SHORT).try_timeout(None),
    ];
    for (n, builder) in ways.into_iter().enumerate() {
        let client = builder.attempts(1).build().unwrap();
        assert!(client.get(server.url()).send().await.unwrap_err().is_timeout());
        assert_eq!(blamed(&breakers, &server), (n as u64 + 2, 4));
    }
    // And the only limit that there is.
    let client = breakers.http().attempts(1).timeout(None).try_timeout(None).build().unwrap();
    assert!(client.get(server.url()).timeout(SHORT).send().await.unwrap_err().is_timeout());
    assert_eq!(blamed(&breakers, &server), (5, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_for_a_later_try_does_not_blame_the_host() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().try_timeout(SHORT * 5).timeout(SHORT * 8).build().unwrap();
    let error = client.get(server.url()).send().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!((error.attempts(), blamed(&breakers, &server)), (2, (1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_not_given_up_for_a_try_that_will_not_end_in_time() {
    let server = Server::start().await;
    server.always(Reply::status(503).after(SHORT * 5));
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().timeout(SHORT * 8).build().unwrap();
    assert_eq!(client.get(server.url()).send().await.unwrap().status(), 503);
    assert_eq!((server.requests(), blamed(&breakers, &server)), (1, (1, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_never_sleeps_past_the_limit_of_the_call() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1000));
    let client = breakers.http().max_delay(Duration::MAX).timeout(PATIENCE / 4).build().unwrap();
    for value in ["3600", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        server.always(Reply::retry_after(429, value));
        let begun = Instant::now();
        let before = server.requests();
        assert_eq!(client.get(server.url()).send().await.unwrap().status(), 429);
        assert!(begun.elapsed() < PATIENCE / 8, "{:?}", begun.elapsed());
        assert_eq!(server.requests() - before, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_not_made_in_time_is_a_failure_of_the_host() {
    // An address of documentation, which routes nowhere: it times out, or is unreachable at once.
    let breakers = Breakers::new(opens_after(100));
    let client = breakers.http().attempts(1).connect_timeout(SHORT).build().unwrap();
    let begun = Instant::now();
    let error = client.get("http://192.0.2.1:81/").send().await.unwrap_err();
    assert!(error.is_connect() || error.is_timeout(), "{error:?}");
    assert!(begun.elapsed() < PATIENCE / 4, "{:?}", begun.elapsed());
    assert_eq!(breakers.status("192.0.2.1:81").totals.failures, 1);
}
