//! Around a real hyper client, and in a real axum server, over sockets that refuse, hang, and close half-way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::error_handling::HandleErrorLayer;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{BoxError, Router};
use breakerbox::tower::{CircuitBreakerLayer, Error, ServerErrors};
use breakerbox::{CircuitBreakerError, Config, State, circuit_breaker};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncWriteExt;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

use crate::servers::{Mode, Server, bind};
use crate::support::{Bench, assert_law, bench, millis, secs};

type Ask = Request<Empty<Bytes>>;

fn ask(url: &str) -> Ask {
    Request::get(url).body(Empty::new()).unwrap()
}

fn hyper()
-> impl Service<Ask, Response = Response<hyper::body::Incoming>, Error = hyper_util::client::legacy::Error, Future: Send>
+ Clone
+ Send {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Opens after three failures; a call has half a second.
fn impatient() -> Bench {
    bench(Config::builder().failure_threshold(3).timeout(millis(500)).success_threshold(1).half_open_max_calls(1))
}

#[tokio::test]
async fn a_sick_server_gets_as_many_requests_as_the_threshold_and_no_more() {
    for mode in [Mode::Unavailable, Mode::Hangs, Mode::HalfAHead] {
        let server = Server::start(mode).await;
        let bench = impatient();
        let client = bench.layer().classify(ServerErrors).layer(hyper());
        for _ in 0..3 {
            let result = client.clone().oneshot(ask(&server.url())).await;
            let failed = result.map_or_else(|error| !error.is_rejected(), |response| response.status() == 503);
            assert!(failed, "{mode:?}");
        }
        assert_eq!(bench.breaker.state(), State::Open, "{mode:?}");
        let begun = Instant::now();
        for _ in 0..100 {
            assert!(client.clone().oneshot(ask(&server.url())).await.unwrap_err().is_rejected());
        }
        // A hundred calls that hang would take fifty seconds.
        assert!(begun.elapsed() < secs(10), "{mode:?}: {:?}", begun.elapsed());
        assert_eq!(server.requests(), 3, "{mode:?}");

        server.mode.send_replace(Mode::Works);
        bench.clock.advance(secs(60));
        let response = client.oneshot(ask(&server.url())).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
        assert_eq!((bench.breaker.state(), server.requests()), (State::Closed, 4), "{mode:?}");
        assert_law(&bench.breaker);
    }
}

#[tokio::test]
async fn a_closed_port_opens_the_circuit_until_somebody_listens_again() {
    let bench = impatient();
    let client = bench.layer().layer(hyper());
    let address = Server::start(Mode::Works).await.stop().await;
    let url = format!("http://{address}/");
    for _ in 0..3 {
        let error = client.clone().oneshot(ask(&url)).await.unwrap_err();
        let inner = error.inner().unwrap().downcast_ref::<hyper_util::client::legacy::Error>();
        assert!(inner.unwrap().is_connect());
    }
    assert!(client.clone().oneshot(ask(&url)).await.unwrap_err().is_rejected());
    let server = Server::start_at(address, Mode::Works).await;
    assert!(client.clone().oneshot(ask(&url)).await.unwrap_err().is_rejected());
    assert_eq!(server.requests(), 0);
    bench.clock.advance(secs(60));
    assert_eq!(client.oneshot(ask(&url)).await.unwrap().status(), 200);
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[tokio::test]
async fn a_body_that_ends_half_way_is_not_known_when_the_head_is_there() {
    let server = Server::start(Mode::HalfABody).await;
    let bench = impatient();
    let response = bench.layer().layer(hyper()).oneshot(ask(&server.url())).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(bench.breaker.status().totals.successes, 1);
}

#[tokio::test]
async fn slow_answers_open_the_circuit() {
    let server = Server::start(Mode::Slow).await;
    let settings = Config::builder().slow_call_duration(millis(100)).slow_call_rate_threshold(0.5).minimum_calls(2);
    // The time of slow calls is the breaker's, so its clock is the real one.
    let breaker = breakerbox::CircuitBreaker::new("slow", settings).unwrap();
    let client = CircuitBreakerLayer::new(breaker.clone()).layer(hyper());
    for _ in 0..2 {
        assert_eq!(client.clone().oneshot(ask(&server.url())).await.unwrap().status(), 200);
    }
    assert!(client.oneshot(ask(&server.url())).await.unwrap_err().is_rejected());
    assert_eq!(breaker.status().totals.slow_calls, 2);
}

#[tokio::test]
async fn a_sick_host_does_not_refuse_calls_of_another() {
    let (sick, well) = (Server::start(Mode::Unavailable).await, Server::start(Mode::Works).await);
    let bench = impatient();
    let family = bench.registry.keyed("http", Config::builder().failure_threshold(3)).unwrap();
    let layer = CircuitBreakerLayer::keyed(family, |ask: &Ask| {
        ask.uri().authority().map_or("-", |authority| authority.as_str()).into()
    });
    let client = layer.classify(ServerErrors).layer(hyper());
    for _ in 0..3 {
        assert_eq!(client.clone().oneshot(ask(&sick.url())).await.unwrap().status(), 503);
    }
    let error = client.clone().oneshot(ask(&sick.url())).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().name(), format!("http[{}]", sick.address));
    for _ in 0..20 {
        assert_eq!(client.clone().oneshot(ask(&well.url())).await.unwrap().status(), 200);
    }
    assert_eq!((sick.requests(), well.requests()), (3, 20));
}

/// Serves until the test ends.
async fn serve(router: Router) -> SocketAddr {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn status_of(address: SocketAddr, path: &str) -> (u16, Option<String>) {
    let response = reqwest::get(format!("http://{address}{path}")).await.unwrap();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), retry_after)
}

#[tokio::test]
async fn a_route_behind_a_breaker_answers_503_and_the_others_go_on() {
    let bench = bench(Config::builder().failure_threshold(2).success_threshold(1));
    let answer = Arc::new(AtomicU16::new(500));
    let told = Arc::clone(&answer);
    let report = move || async move { StatusCode::from_u16(told.load(Ordering::SeqCst)).unwrap() };
    let address = serve(
        Router::new()
            .route("/report", get(report))
            .route_layer(bench.layer().for_axum())
            .route("/health", get(|| async { "well" })),
    )
    .await;
    for _ in 0..2 {
        assert_eq!(status_of(address, "/report").await, (500, None));
    }
    assert_eq!(status_of(address, "/report").await, (503, Some("60".to_owned())));
    assert_eq!(status_of(address, "/health").await.0, 200);
    answer.store(404, Ordering::SeqCst);
    bench.clock.advance(secs(60));
    // An answer of a service that works.
    assert_eq!(status_of(address, "/report").await.0, 404);
    assert_eq!(bench.breaker.state(), State::Closed);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn an_error_layer_of_axum_takes_the_error_as_it_is() {
    let bench = bench(Config::builder());
    let layer = ServiceBuilder::new().layer(HandleErrorLayer::new(|error: Error| async { error })).layer(bench.layer());
    let address = serve(Router::new().route("/", get(|| async { "hello" })).layer(layer)).await;
    assert_eq!(status_of(address, "/").await.0, 200);
    bench.breaker.force_open();
    assert_eq!(status_of(address, "/").await, (503, None));
}

#[tokio::test]
async fn an_error_layer_finds_a_refusal_within_a_stack() {
    let bench = bench(Config::builder());
    let handle = |error: BoxError| async move {
        match Error::find_rejection(&*error) {
            Some(refusal) => refusal.clone().into_response(),
            None => StatusCode::GATEWAY_TIMEOUT.into_response(),
        }
    };
    let layer = ServiceBuilder::new().layer(HandleErrorLayer::new(handle)).timeout(millis(100)).layer(bench.layer());
    let hang = || async { std::future::pending::<()>().await };
    let address = serve(Router::new().route("/", get(hang)).layer(layer)).await;
    assert_eq!(status_of(address, "/").await.0, 504);
    bench.breaker.open();
    assert_eq!(status_of(address, "/").await, (503, Some("60".to_owned())));
}

#[derive(Debug)]
struct Refused(CircuitBreakerError);

impl From<CircuitBreakerError> for Refused {
    fn from(error: CircuitBreakerError) -> Self {
        Refused(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> axum::response::Response {
        self.0.into_response()
    }
}

#[circuit_breaker(name = "tower handler", failure_threshold = 1)]
async fn fetch() -> Result<&'static str, Refused> {
    Ok("hello")
}

#[tokio::test]
async fn a_handler_passes_a_refusal_on() {
    let address = serve(Router::new().route("/", get(fetch))).await;
    assert_eq!(status_of(address, "/").await.0, 200);
    breakerbox::breaker("tower handler").unwrap().force_open();
    assert_eq!(status_of(address, "/").await, (503, None));
}

#[tokio::test]
async fn a_client_that_goes_away_gives_its_trial_back() {
    let bench = bench(Config::builder().half_open_max_calls(1).success_threshold(1));
    let arrived = Arc::new(AtomicU16::new(0));
    let count = Arc::clone(&arrived);
    let hang = async move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/hang", get(hang)).route("/", get(|| async { "hello" }));
    let address = serve(router.layer(bench.layer().for_axum())).await;
    bench.breaker.half_open();
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    eventually(|| arrived.load(Ordering::SeqCst) == 1).await;
    assert_eq!(status_of(address, "/").await.0, 503);
    drop(client);
    eventually(|| bench.breaker.status().totals.cancelled == 1).await;
    assert_eq!(status_of(address, "/").await.0, 200);
    assert_eq!(bench.breaker.state(), State::Closed);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn a_handler_that_panics_has_failed() {
    async fn broken() -> Result<(), Infallible> {
        panic!("asked for")
    }
    let bench = bench(Config::builder().failure_threshold(1));
    let address = serve(Router::new().route("/", get(broken)).layer(bench.layer().for_axum())).await;
    assert!(reqwest::get(format!("http://{address}/")).await.is_err());
    assert_eq!(bench.breaker.status().totals.failures, 1);
    assert_eq!(status_of(address, "/").await, (503, Some("60".to_owned())));
}

async fn eventually(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < secs(60), "it never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
