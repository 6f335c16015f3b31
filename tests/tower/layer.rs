//! The layer by itself: what it lets through in each state, what it counts, and how its types fit.

use std::panic::AssertUnwindSafe;

use breakerbox::tower::{CircuitBreakerLayer, CircuitBreakerService, Errors, ResponseFuture, ServerErrors};
use breakerbox::{CircuitBreaker, Config, Outcome, State};
use futures_util::FutureExt;
use tower::util::{BoxCloneService, BoxService};
use tower::{Layer, Service, ServiceExt};

use crate::support::{Ask, Backend, Boxed, Down, assert_law, bench, secs};

fn is_refused<T: std::fmt::Debug>(result: Result<T, breakerbox::tower::Error>) -> bool {
    result.is_err_and(|error| error.is_rejected())
}

#[tokio::test]
async fn a_closed_circuit_lets_calls_through_and_counts_them() {
    let bench = bench(Config::builder());
    let mut service = bench.service(&Backend::default());
    assert_eq!(service.ready().await.unwrap().call(Ask::Answer(200)).await.unwrap(), 200);
    assert!(service.ready().await.unwrap().call(Ask::Fail).await.is_err());
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.attempts, totals.successes, totals.failures), (2, 1, 1));
}

#[tokio::test]
async fn an_open_circuit_refuses_without_touching_the_inner_service() {
    let bench = bench(Config::builder().failure_threshold(2));
    let backend = Backend::default();
    let mut service = bench.service(&backend);
    for _ in 0..2 {
        assert!(!is_refused(service.ready().await.unwrap().call(Ask::Fail).await));
    }
    assert_eq!((bench.breaker.state(), backend.calls()), (State::Open, 2));
    for _ in 0..3 {
        let error = service.ready().await.unwrap().call(Ask::Answer(200)).await.unwrap_err();
        assert_eq!(error.to_string(), "circuit 'quotes' is open, next trial in 1m");
        assert_eq!(error.rejection().unwrap().retry_after(), Some(secs(60)));
    }
    assert_eq!(backend.calls(), 2);
    assert_eq!(bench.breaker.status().totals.rejections.total(), 3);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn a_half_open_circuit_admits_its_trials_and_closes_on_their_success() {
    let bench = bench(Config::builder().failure_threshold(1).half_open_max_calls(2).success_threshold(2));
    let backend = Backend::default();
    let service = bench.service(&backend);
    assert!(service.clone().oneshot(Ask::Fail).await.is_err());
    bench.clock.advance(secs(60));
    let (say, told) = tokio::sync::oneshot::channel();
    let first = tokio::spawn(service.clone().oneshot(Ask::Wait(told)));
    let second = tokio::spawn(service.clone().oneshot(Ask::Hang));
    while backend.calls() < 3 {
        tokio::task::yield_now().await;
    }
    let third = service.clone().oneshot(Ask::Answer(200)).await;
    assert_eq!(third.unwrap_err().to_string(), "circuit 'quotes' is half-open and its trial calls are taken");
    say.send(200).unwrap();
    assert_eq!(first.await.unwrap().unwrap(), 200);
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    assert_eq!(service.clone().oneshot(Ask::Answer(201)).await.unwrap(), 201);
    assert_eq!(bench.breaker.state(), State::Closed);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn a_failed_trial_opens_the_circuit_again() {
    let bench = bench(Config::builder().failure_threshold(1));
    let service = bench.service(&Backend::default());
    assert!(service.clone().oneshot(Ask::Fail).await.is_err());
    bench.clock.advance(secs(60));
    assert!(!is_refused(service.clone().oneshot(Ask::Fail).await));
    assert_eq!(bench.breaker.state(), State::Open);
    assert!(is_refused(service.oneshot(Ask::Answer(200)).await));
}

#[tokio::test]
async fn a_classifier_decides_what_a_failure_is() {
    let bench = bench(Config::builder().failure_threshold(2));
    let layer = bench.layer().classify(|result: &Result<u16, Down>| match result {
        Ok(500..) => Outcome::Failure,
        Ok(429) => Outcome::Ignored,
        Ok(_) | Err(_) => Outcome::Success,
    });
    let service = layer.layer(Backend::default());
    for ask in [Ask::Answer(200), Ask::Fail, Ask::Answer(429), Ask::Answer(500)] {
        let _ = service.clone().oneshot(ask).await;
    }
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.successes, totals.ignored, totals.failures), (2, 1, 1));
    let _ = service.clone().oneshot(Ask::Answer(503)).await;
    assert!(is_refused(service.oneshot(Ask::Answer(200)).await));
}

#[test]
fn the_status_of_a_response_tells_a_failure_of_its_server() {
    use breakerbox::tower::Classifier;
    let outcome = |status: u16| {
        let response = http::Response::builder().status(status).body(()).unwrap();
        ServerErrors.outcome(&Ok::<_, Down>(response))
    };
    for status in [200, 204, 301, 404, 429, 499, 600] {
        assert_eq!(outcome(status), Outcome::Success, "{status}");
    }
    for status in [500, 503, 599] {
        assert_eq!(outcome(status), Outcome::Failure, "{status}");
    }
    assert_eq!(ServerErrors.outcome(&Err::<http::Response<()>, _>(Down::Down)), Outcome::Failure);
}

#[tokio::test]
async fn a_panic_of_the_inner_service_is_a_failure_and_goes_on() {
    let bench = bench(Config::builder().failure_threshold(2));
    let service = bench.service(&Backend::default());
    for ask in [Ask::PanicAtOnce, Ask::Panic] {
        let panicked = AssertUnwindSafe(service.clone().oneshot(ask)).catch_unwind().await;
        assert!(panicked.is_err());
    }
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.failures, totals.cancelled), (2, 0));
    assert_eq!(bench.breaker.state(), State::Open);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn a_panic_of_the_classifier_is_a_failure() {
    let bench = bench(Config::builder());
    let layer = bench.layer().classify(|_: &Result<u16, Down>| -> Outcome { panic!("asked for") });
    let call = layer.layer(Backend::default()).oneshot(Ask::Answer(200));
    assert!(AssertUnwindSafe(call).catch_unwind().await.is_err());
    assert_eq!(bench.breaker.status().totals.failures, 1);
    assert_law(&bench.breaker);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_measured_from_call_to_the_end_of_its_future() {
    let settings = Config::builder().slow_call_duration(secs(2)).slow_call_rate_threshold(0.5).minimum_calls(2);
    let bench = bench(settings.failure_threshold(None));
    let service = bench.service(&Backend::default());
    for _ in 0..2 {
        let (say, told) = tokio::sync::oneshot::channel();
        let call = tokio::spawn(service.clone().oneshot(Ask::Wait(told)));
        tokio::task::yield_now().await;
        bench.clock.advance(secs(3));
        say.send(200).unwrap();
        assert_eq!(call.await.unwrap().unwrap(), 200);
    }
    assert_eq!(bench.breaker.state(), State::Open);
}

#[tokio::test]
async fn clones_and_services_of_one_layer_share_the_breaker() {
    let bench = bench(Config::builder().failure_threshold(1));
    let layer = bench.layer();
    let service = layer.layer(Backend::default());
    let other = layer.clone().layer(Backend::default());
    assert!(service.clone().oneshot(Ask::Fail).await.is_err());
    assert!(is_refused(service.clone().oneshot(Ask::Answer(200)).await));
    assert!(is_refused(other.oneshot(Ask::Answer(200)).await));
}

#[tokio::test]
async fn it_goes_into_the_boxes_of_tower() {
    let bench = bench(Config::builder());
    let service = bench.service(&Backend::default());
    let boxed: BoxCloneService<Ask, u16, breakerbox::tower::Error> = BoxCloneService::new(service.clone());
    assert_eq!(boxed.clone().oneshot(Ask::Answer(200)).await.unwrap(), 200);
    let boxed: BoxService<Ask, u16, breakerbox::tower::Error> = BoxService::new(service);
    assert_eq!(boxed.oneshot(Ask::Answer(201)).await.unwrap(), 201);
}

/// The type of a field.
struct Client {
    service: CircuitBreakerService<Backend>,
}

#[test]
fn the_types_have_names_and_can_be_sent_and_shared() {
    fn can_be_sent_and_shared<T: Send + Sync + 'static>() {}
    fn can_be_sent<T: Send + 'static>() {}
    can_be_sent_and_shared::<CircuitBreakerLayer>();
    can_be_sent_and_shared::<CircuitBreakerLayer<ServerErrors>>();
    can_be_sent_and_shared::<CircuitBreakerService<Backend>>();
    can_be_sent_and_shared::<breakerbox::tower::Error>();
    can_be_sent_and_shared::<ResponseFuture<std::future::Ready<Result<u16, Down>>, Errors, Errors>>();
    can_be_sent::<ResponseFuture<Boxed, Errors, breakerbox::tower::Boxed>>();
    let breaker = CircuitBreaker::new("quotes", Config::default()).unwrap();
    let client = Client { service: CircuitBreakerLayer::new(breaker).layer(Backend::default()) };
    assert!(format!("{:?}", client.service).contains("quotes"));
}
