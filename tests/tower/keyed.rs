//! One breaker for each key of the requests.

use std::borrow::Cow;

use breakerbox::tower::{CircuitBreakerLayer, Error};
use breakerbox::{Config, Registry, State};
use tower::{Layer, ServiceExt};

#[derive(Clone)]
struct Request {
    host: &'static str,
    is_bad: bool,
}

fn good(host: &'static str) -> Request {
    Request { host, is_bad: false }
}

fn bad(host: &'static str) -> Request {
    Request { host, is_bad: true }
}

async fn answer(request: Request) -> Result<&'static str, std::io::Error> {
    if request.is_bad { Err(std::io::ErrorKind::ConnectionRefused.into()) } else { Ok(request.host) }
}

#[tokio::test]
async fn a_sick_key_does_not_refuse_another() {
    let registry = Registry::new();
    let family = registry.keyed("http", Config::builder().failure_threshold(2)).unwrap();
    let layer = CircuitBreakerLayer::keyed(family, |request: &Request| request.host.into());
    let service = layer.layer(tower::service_fn(answer));
    for _ in 0..2 {
        assert!(!service.clone().oneshot(bad("a.example")).await.unwrap_err().is_rejected());
    }
    let refused = service.clone().oneshot(good("a.example")).await.unwrap_err();
    assert_eq!(refused.rejection().unwrap().name(), "http[a.example]");
    assert_eq!(service.clone().oneshot(good("b.example")).await.unwrap(), "b.example");
    let state = |name| registry.get(name).unwrap().state();
    assert_eq!((state("http[a.example]"), state("http[b.example]")), (State::Open, State::Closed));
}

fn host(request: &Request) -> Cow<'_, str> {
    request.host.into()
}

#[tokio::test]
async fn a_key_may_be_borrowed_or_made() {
    let family = Registry::new().keyed("http", Config::default()).unwrap();
    let layer = CircuitBreakerLayer::keyed(family.clone(), |request: &Request| format!("{}/x", request.host).into());
    assert!(layer.layer(tower::service_fn(answer)).oneshot(good("a")).await.is_ok());
    assert!(family.find("a/x").is_some());
    let layer = CircuitBreakerLayer::keyed(family.clone(), host);
    assert!(layer.layer(tower::service_fn(answer)).oneshot(good("b")).await.is_ok());
    assert!(family.find("b").is_some());
    assert!(format!("{layer:?}").contains("http"));
}

#[tokio::test]
async fn hostile_keys_are_served_and_do_not_pile_up() {
    let registry = Registry::new();
    let family = registry.keyed("http", Config::builder().max_keys(10)).unwrap();
    let layer = CircuitBreakerLayer::keyed(family.clone(), |key: &String| key.as_str().into());
    let service = layer.layer(tower::service_fn(|key: String| async move { Ok::<_, std::io::Error>(key.len()) }));
    let hostile = ["", "*", "[", "]\n", "\0", "a\\b", "\u{202e}x"].map(str::to_owned);
    let long = "x".repeat(100_000);
    let many = (0..5_000).map(|number| format!("{number}.example"));
    for key in hostile.into_iter().chain([long]).chain(many) {
        let length = key.len();
        assert_eq!(service.clone().oneshot(key).await.map_err(Error::into_inner).unwrap(), length);
    }
    assert!(family.len() <= 10, "{}", family.len());
}
