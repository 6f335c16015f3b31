//! What callers get: the error of the breaker, of the inner service, of their own, or an answer instead.

use std::error::Error as _;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use breakerbox::tower::{BoxError, Error, Kept};
use breakerbox::{CircuitBreakerError, Config};
use tower::{Layer, ServiceBuilder, ServiceExt};

use crate::support::{Ask, Backend, Down, bench, millis};

#[derive(Debug, thiserror::Error)]
#[error("no quote")]
struct Outer(#[source] BoxError);

#[tokio::test]
async fn an_error_of_the_inner_service_reads_like_itself_and_can_be_had_back() {
    let bench = bench(Config::builder());
    let error = bench.service(&Backend::default()).oneshot(Ask::Fail).await.unwrap_err();
    assert_eq!((error.to_string(), format!("{error:?}")), ("the backend is down".to_owned(), "Down".to_owned()));
    assert!(error.rejection().is_none() && !error.is_rejected() && !error.is_timeout());
    assert!(error.source().is_none());
    assert!(error.inner().unwrap().is::<Down>());
    let error: BoxError = error.into();
    assert!(Error::find_rejection(&*error).is_none());
    assert!(error.downcast::<Error>().unwrap().into_inner().is::<Down>());
}

#[tokio::test]
async fn the_source_of_an_inner_error_is_kept() {
    let bench = bench(Config::builder());
    let service = bench.layer().layer(tower::service_fn(|(): ()| async { Err::<(), _>(Outer(Down::Down.into())) }));
    let error = service.oneshot(()).await.unwrap_err();
    assert_eq!(error.to_string(), "no quote");
    assert_eq!(error.source().unwrap().to_string(), "the backend is down");
}

#[tokio::test]
async fn a_refusal_is_found_wherever_it_is_in_a_chain_of_errors() {
    let bench = bench(Config::builder());
    bench.breaker.force_open();
    let service = bench.service(&Backend::default());
    let refused = |error: BoxError| {
        let found = Error::find_rejection(&*error).unwrap();
        assert_eq!(found.name(), "quotes");
    };
    refused(service.clone().oneshot(Ask::Fail).await.unwrap_err().into());
    refused(Outer(service.clone().oneshot(Ask::Fail).await.unwrap_err().into()).into());
    let refusal = service.oneshot(Ask::Fail).await.unwrap_err().into_inner();
    assert!(refusal.is::<CircuitBreakerError>());
    refused(Outer(refusal).into());
}

#[tokio::test]
async fn the_inner_error_type_can_be_kept() {
    let bench = bench(Config::builder());
    let service = bench.layer().answer(Kept).layer(Backend::default());
    let error: Down = service.clone().oneshot(Ask::Fail).await.unwrap_err();
    assert!(matches!(error, Down::Down));
    bench.breaker.force_open();
    let error: Down = service.oneshot(Ask::Answer(200)).await.unwrap_err();
    assert!(matches!(error, Down::Refused(_)));
}

#[tokio::test]
async fn a_boxed_error_can_be_kept_as_it_is() {
    let bench = bench(Config::builder());
    let service =
        ServiceBuilder::new().layer(bench.layer().answer(Kept)).map_err(BoxError::from).service(Backend::default());
    assert!(service.clone().oneshot(Ask::Fail).await.unwrap_err().is::<Down>());
    bench.breaker.force_open();
    assert!(service.oneshot(Ask::Fail).await.unwrap_err().is::<CircuitBreakerError>());
}

#[tokio::test]
async fn a_function_answers_instead_of_a_refused_call() {
    let bench = bench(Config::builder());
    let service = bench.layer().answer(|_: CircuitBreakerError| Ok::<u16, Down>(203)).layer(Backend::default());
    bench.breaker.force_open();
    assert_eq!(service.oneshot(Ask::Answer(200)).await.unwrap(), 203);
}

#[tokio::test]
async fn a_refusal_is_a_503_that_says_when_to_come_back() {
    let bench = bench(Config::builder().failure_threshold(1));
    let service = bench.service(&Backend::default());
    let error = service.clone().oneshot(Ask::Fail).await.unwrap_err();
    let response = error.into_response();
    assert_eq!((response.status(), response.headers().get(RETRY_AFTER)), (StatusCode::BAD_GATEWAY, None));
    bench.clock.advance(millis(500));
    let retry_after = |response: &axum::response::Response| {
        response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned())
    };
    // Rounded up: 59.5 s.
    let response = service.clone().oneshot(Ask::Answer(200)).await.unwrap_err().into_response();
    assert_eq!((response.status(), retry_after(&response)), (StatusCode::SERVICE_UNAVAILABLE, Some("60".to_owned())));
    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(body, "circuit 'quotes' is open, next trial in 59.5s");
    bench.clock.advance(millis(59_499));
    let response = service.clone().oneshot(Ask::Answer(200)).await.unwrap_err().into_response();
    assert_eq!(retry_after(&response).as_deref(), Some("1"));
    bench.breaker.force_open();
    let response = service.oneshot(Ask::Answer(200)).await.unwrap_err().into_response();
    assert_eq!((response.status(), retry_after(&response)), (StatusCode::SERVICE_UNAVAILABLE, None));
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_a_504() {
    let bench = bench(Config::builder().timeout(millis(10)));
    let error = bench.service(&Backend::default()).oneshot(Ask::Hang).await.unwrap_err();
    let response = error.into_response();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(!response.headers().contains_key(RETRY_AFTER));
}
