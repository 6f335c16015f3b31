//! Futures that are dropped, panics, and trial calls that come all at once.

use std::sync::Arc;
use std::time::Duration;

use breakerbox::reqwest::refusal;
use breakerbox::{Outcome, Reason, State};
use reqwest_middleware::ClientBuilder;
use tokio::sync::Barrier;

use crate::server::{Reply, Server};
use crate::support::{Breakers, opens_after, plain, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_request_is_neutral_and_closes_its_connection() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let breakers = Breakers::new(opens_after(1));
    for n in 1..=20 {
        let client = breakers.client();
        let url = server.url();
        let call = tokio::spawn(async move { client.get(url).send().await });
        until("it has come", || server.requests() == n).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    until("the connections are closed", || server.abandoned() == 20).await;
    let totals = breakers.status(&server.host()).totals;
    assert_eq!((totals.cancelled, totals.failures, totals.attempts), (20, 0, 20));
    assert_eq!(breakers.status(&server.host()).state, State::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_request_gives_its_trial_back() {
    let server = Server::start().await;
    server.always(Reply::Hang);
    let breakers = Breakers::new(opens_after(1));
    let client = breakers.client();
    breakers.family.get(&server.host()).half_open();
    for n in 1..=3 {
        let trial = tokio::spawn(client.get(server.url()).send());
        until("the trial has come", || server.requests() == n).await;
        let full = client.get(server.url()).send().await.unwrap_err();
        assert_eq!(refusal(&full).unwrap().reason(), Reason::HalfOpenFull);
        trial.abort();
        assert!(trial.await.unwrap_err().is_cancelled());
    }
    server.always(Reply::status(200));
    client.get(server.url()).send().await.unwrap();
    assert_eq!(breakers.status(&server.host()).state, State::Closed);
    assert_eq!(server.requests(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_callers_at_once_as_many_are_trials_as_the_settings_say() {
    for trials in [1, 3, 10] {
        let server = Server::start().await;
        server.always(Reply::status(200).after(Duration::from_millis(300)));
        let breakers = Breakers::new(opens_after(1).half_open_max_calls(trials).success_threshold(trials));
        breakers.family.get(&server.host()).half_open();
        let client = breakers.client();
        let start = Arc::new(Barrier::new(50));
        let calls: Vec<_> = (0..50)
            .map(|_| {
                let (start, request) = (Arc::clone(&start), client.get(server.url()));
                tokio::spawn(async move {
                    start.wait().await;
                    request.send().await
                })
            })
            .collect();
        let mut answered = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => answered += 1,
                Err(error) => assert_eq!(refusal(&error).unwrap().reason(), Reason::HalfOpenFull),
            }
        }
        assert_eq!((answered, server.requests()), (trials, trials as usize));
        assert_eq!(breakers.status(&server.host()).state, State::Closed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_judge_is_a_failure_and_goes_on() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1));
    let judge = |_: Result<&reqwest::Response, &reqwest_middleware::Error>| -> Outcome { panic!("the judge is ill") };
    let client = ClientBuilder::new(plain()).with(breakers.middleware().classify(judge)).build();
    let call = tokio::spawn(client.get(server.url()).send());
    assert!(call.await.unwrap_err().is_panic());
    let status = breakers.status(&server.host());
    assert_eq!((status.totals.failures, status.totals.cancelled, status.state), (1, 0, State::Open));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_never_polled_has_asked_nobody() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1));
    let client = breakers.client();
    drop(client.get(server.url()).send());
    assert_eq!((breakers.family.len(), server.requests()), (0, 0));
}
