//! `Retry-After`: how long a circuit stays open when the server says so, and what it may not say.

use std::time::{Duration, SystemTime};

use breakerbox::{ConfigBuilder, State};
use reqwest_middleware::ClientBuilder;

use crate::server::{Reply, Server};
use crate::support::{Breakers, opens_after, plain};

/// Opens after so many failures in a row, for as long as it must.
fn briefly(failures: u32) -> ConfigBuilder {
    opens_after(failures).recovery_timeout(OWN)
}

/// How long the circuit is open after one failure with this answer.
async fn open_time(reply: Reply) -> Duration {
    let server = Server::start().await;
    server.always(reply);
    let breakers = Breakers::new(briefly(1));
    breakers.client().get(server.url()).send().await.unwrap();
    let status = breakers.status(&server.host());
    assert_eq!(status.state, State::Open);
    status.retry_after.unwrap()
}

const OWN: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn seconds_and_dates_make_the_open_time_longer_and_never_shorter() {
    for status in [503, 429] {
        assert_eq!(open_time(Reply::retry_after(status, "7")).await, Duration::from_secs(7));
        assert_eq!(open_time(Reply::retry_after(status, "120")).await, Duration::from_secs(120));
        assert_eq!(open_time(Reply::retry_after(status, "1")).await, OWN);
    }
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
    let open = open_time(Reply::retry_after(503, &date)).await.as_secs();
    assert!((60..=100).contains(&open), "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_limited_and_hostile_values_do_no_harm() {
    for value in ["301", "86400", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        assert_eq!(open_time(Reply::retry_after(503, value)).await, LIMIT, "{value:?}");
    }
    let nothing = ["0", "-1", "-99999999999999999999", "", "soon", "1.5", "0x7", "7 seconds", "1,2", "\u{fc}\u{fc}"];
    for value in nothing {
        assert_eq!(open_time(Reply::retry_after(503, value)).await, OWN, "{value:?}");
    }
    for value in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994"] {
        assert_eq!(open_time(Reply::retry_after(503, value)).await, OWN, "{value:?}");
    }
    let several =
        |values: &[&str]| Reply::Answer(503, values.iter().map(|value| ("Retry-After", (*value).to_owned())).collect());
    assert_eq!(open_time(several(&["5", "x", "20", "-7"])).await, Duration::from_secs(20));
    assert_eq!(open_time(several(&["x", "y"])).await, OWN);
    let many: Vec<&str> = vec!["9"; 50];
    assert_eq!(open_time(several(&many)).await, Duration::from_secs(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_503_and_a_429_can_say_it() {
    for status in [500, 502, 504] {
        assert_eq!(open_time(Reply::retry_after(status, "7")).await, OWN, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_can_be_set_and_be_zero() {
    let server = Server::start().await;
    server.always(Reply::retry_after(503, "200"));
    for (limit, expected) in [(Duration::from_secs(20), 20), (Duration::from_secs(3600), 200), (Duration::ZERO, 5)] {
        let breakers = Breakers::new(briefly(1));
        let middleware = breakers.middleware().max_retry_after(limit);
        let client = ClientBuilder::new(plain()).with(middleware).build();
        client.get(server.url()).send().await.unwrap();
        assert_eq!(breakers.status(&server.host()).retry_after, Some(Duration::from_secs(expected)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_opens_nothing_is_like_any_other() {
    let server = Server::start().await;
    server.always(Reply::retry_after(503, "7"));
    let breakers = Breakers::new(briefly(3));
    let client = breakers.client();
    for _ in 0..2 {
        client.get(server.url()).send().await.unwrap();
        assert_eq!(breakers.status(&server.host()).state, State::Closed);
    }
    client.get(server.url()).send().await.unwrap();
    assert_eq!(breakers.status(&server.host()).retry_after, Some(Duration::from_secs(7)));
    // One transition, which tells the time that holds.
    let opened = breakers.status(&server.host()).last_transition.unwrap();
    assert_eq!(opened.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(
        opened.to_string(),
        format!("circuit 'http[{}]': closed -> open (3 consecutive failures)", server.host())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_trial_may_say_how_long_anew() {
    let server = Server::start().await;
    let breakers = Breakers::new(briefly(1));
    for seconds in [5, 90, 7] {
        server.always(Reply::retry_after(429, &seconds.to_string()));
        breakers.client().get(server.url()).send().await.unwrap();
        let open = Duration::from_secs(seconds);
        assert_eq!(breakers.status(&server.host()).retry_after, Some(open));
        breakers.clock.advance(open);
    }
    server.always(Reply::status(200));
    breakers.client().get(server.url()).send().await.unwrap();
    assert_eq!(breakers.status(&server.host()).state, State::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_cannot_undo_the_open_time_and_its_growth() {
    let server = Server::start().await;
    server.always(Reply::retry_after(503, "1"));
    let backoff = briefly(1).recovery_timeout(Duration::from_secs(300)).multiplier(2.0);
    let breakers = Breakers::new(backoff.max_recovery_timeout(Duration::from_secs(1000)));
    for seconds in [300, 600, 1000, 1000] {
        breakers.client().get(server.url()).send().await.unwrap();
        let open = Duration::from_secs(seconds);
        assert_eq!(breakers.status(&server.host()).retry_after, Some(open));
        breakers.clock.advance(open);
    }
    assert_eq!(server.requests(), 4);
}

type Order = fn(&breakerbox::CircuitBreaker);

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_has_ordered_meanwhile_stands() {
    let server = Server::start().await;
    let breakers = Breakers::new(briefly(1));
    let breaker = breakers.family.get(&server.host());
    let hour = Duration::from_secs(3600);
    let orders: [(Order, State); 4] = [
        (|breaker| breaker.force_open(), State::Open),
        (|breaker| breaker.open_for(Duration::from_secs(3600)), State::Open),
        (|breaker| breaker.disable(), State::Closed),
        (|breaker| breaker.metrics_only(), State::Closed),
    ];
    for (order, expected) in orders {
        breaker.reset();
        let before = server.requests();
        let later = Duration::from_millis(200);
        server.always(Reply::retry_after(503, "1").after(later));
        let client = breakers.client();
        let url = server.url();
        let call = tokio::spawn(async move { client.get(url).send().await });
        crate::support::until("it is under way", || server.requests() > before).await;
        order(&breaker);
        let mode = breaker.mode();
        call.await.unwrap().unwrap();
        assert_eq!((breaker.state(), breaker.mode()), (expected, mode));
        if mode == breakerbox::Mode::Auto {
            assert_eq!(breaker.status().retry_after, Some(hour));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_opens_nothing_while_nothing_may_open() {
    let server = Server::start().await;
    server.always(Reply::retry_after(503, "7"));
    let breakers = Breakers::new(briefly(1));
    let breaker = breakers.family.get(&server.host());
    for order in [breakerbox::CircuitBreaker::metrics_only, breakerbox::CircuitBreaker::disable] {
        order(&breaker);
        breakers.client().get(server.url()).send().await.unwrap();
        assert_eq!(breaker.state(), State::Closed);
        breaker.auto();
        assert_eq!(breaker.state(), State::Closed);
    }
    assert_eq!(breaker.status().totals.failures, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_are_late_do_not_hold_an_open_circuit_open() {
    let server = Server::start().await;
    server.script(|n, _| if n == 0 { Reply::retry_after(503, "20") } else { Reply::retry_after(503, "250") });
    let breakers = Breakers::new(briefly(1));
    let client = breakers.client();
    let permits: Vec<_> = (0..5).map(|_| breakers.family.get(&server.host()).try_acquire_owned().unwrap()).collect();
    client.get(server.url()).send().await.unwrap();
    for permit in permits {
        permit.failure_for(Duration::from_secs(250));
    }
    assert_eq!(breakers.status(&server.host()).retry_after, Some(Duration::from_secs(20)));
    assert_eq!(breakers.status(&server.host()).totals.late, 5);
}
