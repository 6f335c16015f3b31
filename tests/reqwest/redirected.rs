//! Redirects from host to host: who is blamed for what.

use std::time::Duration;

use breakerbox::State;
use reqwest::redirect::Policy;
use reqwest_middleware::ClientBuilder;

use crate::server::{Reply, Server};
use crate::support::{Breakers, opens_after};

fn outcome(breakers: &Breakers, server: &Server) -> (u64, u64) {
    let totals = breakers.status(&server.host()).totals;
    (totals.successes, totals.failures)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_answers_that_a_redirect_leads_to_is_told_to_nobody() {
    let (front, back) = (Server::start().await, Server::start().await);
    front.always(Reply::redirect(302, &back.url()));
    let breakers = Breakers::new(opens_after(2));
    for (n, status) in [500, 200, 404].into_iter().enumerate() {
        back.always(Reply::status(status));
        assert_eq!(breakers.client().get(front.url()).send().await.unwrap().status(), status);
        // The host that was asked has answered.
        assert_eq!(outcome(&breakers, &front), (n as u64 + 1, 0));
        assert!(breakers.family.find(&back.host()).is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_cannot_open_or_close_the_circuit_of_another_one_by_redirects() {
    let (hostile, victim) = (Server::start().await, Server::start().await);
    hostile.always(Reply::redirect(302, &format!("{}boom", victim.url())));
    victim.script(|_, head| Reply::status(if head.starts_with("GET /boom") { 500 } else { 200 }));
    let breakers = Breakers::new(opens_after(3));
    let (client, http) = (breakers.client(), breakers.http().redirect(Policy::limited(5)).build().unwrap());
    client.get(victim.url()).send().await.unwrap();
    for _ in 0..5 {
        assert_eq!(client.get(hostile.url()).send().await.unwrap().status(), 500);
        assert_eq!(http.get(hostile.url()).send().await.unwrap().status(), 500);
    }
    assert_eq!((breakers.status(&victim.host()).state, outcome(&breakers, &victim).1), (State::Closed, 0));
    breakers.family.get(&victim.host()).half_open();
    hostile.always(Reply::redirect(302, &victim.url()));
    client.get(hostile.url()).send().await.unwrap();
    assert_eq!(breakers.status(&victim.host()).state, State::HalfOpen);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_that_was_asked_is_not_blamed_where_the_next_one_gives_no_answer() {
    let (front, mut back) = (Server::start().await, Server::start().await);
    front.always(Reply::redirect(302, &back.url()));
    let breakers = Breakers::new(opens_after(9));
    let limit = Duration::from_millis(200);
    back.always(Reply::Hang);
    assert!(breakers.client().get(front.url()).timeout(limit).send().await.unwrap_err().is_timeout());
    back.always(Reply::Cut("HTTP/1.1 2"));
    assert!(breakers.client().get(front.url()).send().await.is_err());
    back.close().await;
    assert!(breakers.client().get(front.url()).send().await.unwrap_err().is_connect());
    assert_eq!(outcome(&breakers, &front), (3, 0));
    assert!(breakers.family.find(&back.host()).is_none());
}

/// What reqwest tells of an error without a policy of ours: the host that was asked.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_policy_the_first_host_is_blamed_for_an_error_but_not_for_an_answer() {
    let (front, mut back) = (Server::start().await, Server::start().await);
    front.always(Reply::redirect(302, &back.url()));
    let breakers = Breakers::new(opens_after(9));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let client = ClientBuilder::new(client).with(breakers.middleware()).build();
    back.always(Reply::status(503));
    client.get(front.url()).send().await.unwrap();
    assert_eq!(outcome(&breakers, &front), (1, 0));
    back.close().await;
    client.get(front.url()).send().await.unwrap_err();
    assert_eq!(outcome(&breakers, &front), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_circuit_elsewhere_is_not_asked_by_a_redirect() {
    let (front, back) = (Server::start().await, Server::start().await);
    front.always(Reply::redirect(302, &back.url()));
    let breakers = Breakers::new(opens_after(1));
    let other = breakers.family.get(&back.host());
    other.open();
    breakers.client().get(front.url()).send().await.unwrap();
    assert_eq!((other.state(), other.status().totals.late, back.requests()), (State::Open, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_within_a_host_and_one_too_many_are_no_failures() {
    let server = Server::start().await;
    server.script(|n, _| if n == 0 { Reply::redirect(302, "/there") } else { Reply::status(200) });
    let breakers = Breakers::new(opens_after(1));
    breakers.client().get(server.url()).send().await.unwrap();
    assert_eq!((outcome(&breakers, &server), server.requests()), ((1, 0), 2));
    server.always(Reply::redirect(302, "/for-ever"));
    assert!(breakers.client().get(server.url()).send().await.unwrap_err().is_redirect());
    assert_eq!((outcome(&breakers, &server), breakers.status(&server.host()).totals.ignored), ((1, 0), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_a_redirect_led_to_a_closed_port_is_not_repeated() {
    let (front, mut back) = (Server::start().await, Server::start().await);
    front.always(Reply::redirect(307, &back.url()));
    back.close().await;
    let breakers = Breakers::new(opens_after(9));
    let client = breakers.http().redirect(Policy::default()).build().unwrap();
    let error = client.post(front.url()).body("pay").send().await.unwrap_err();
    assert!(error.is_connect());
    // The first host has seen it.
    assert_eq!((front.requests(), error.attempts()), (1, 1));
    // A GET may be repeated.
    assert_eq!(client.get(front.url()).send().await.unwrap_err().attempts(), 3);
}
