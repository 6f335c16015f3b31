//! Around a real tonic channel, in a real tonic server, and on functions that return a `Status`.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Instant;

use axum::http::Response as HttpResponse;
use breakerbox::tonic::{GrpcStatus, outcome_of};
use breakerbox::tower::{Classifier, Error};
use breakerbox::{CircuitBreakerError, Config, Outcome, Reason, State, circuit_breaker};
use futures_util::stream;
use tokio::runtime::Runtime;
use tonic::body::Body;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::{Layer, ServiceBuilder, ServiceExt};

use crate::servers::bind;
use crate::support::{Ask, Backend, assert_law, bench, millis, secs};

/// Answers with the status that the name of the service asks for.
struct Health500;

#[tonic::async_trait]
impl Health for Health500 {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "" => Ok(Response::new(HealthCheckResponse { status: 1 })),
            "hang" => std::future::pending().await,
            code => Err(Status::new(Code::from(code.parse::<i32>().unwrap()), "as you wish")),
        }
    }

    type WatchStream = stream::Pending<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

/// A gRPC server that can be killed with all its connections: it has a runtime of its own.
struct GrpcServer {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl GrpcServer {
    async fn start(address: &str) -> GrpcServer {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = address.parse().unwrap();
        let listener = runtime.spawn(bind(address)).await.unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(
            Server::builder()
                .add_service(HealthServer::new(Health500))
                .serve_with_incoming(TcpIncoming::from(listener)),
        );
        GrpcServer { address, runtime: Some(runtime) }
    }

    /// Returns when the port and every connection is closed.
    async fn kill(mut self) {
        let runtime = self.runtime.take();
        tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();
    }

    fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }
}

impl Drop for GrpcServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn check(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// What the breaker says, in the source of a status.
fn refusal(status: &Status) -> Option<&CircuitBreakerError> {
    status.source()?.downcast_ref()
}

#[tokio::test]
async fn a_client_sees_unavailable_at_once_while_the_circuit_is_open() {
    let bench = bench(Config::builder().failure_threshold(3).success_threshold(1).half_open_max_calls(1));
    let server = GrpcServer::start("127.0.0.1:0").await;
    let address = server.address.to_string();
    let mut client = HealthClient::new(bench.layer().for_tonic().layer(server.channel()));
    assert_eq!(client.check(check("")).await.unwrap().into_inner().status, 1);
    server.kill().await;
    for _ in 0..3 {
        let status = client.check(check("")).await.unwrap_err();
        assert!(refusal(&status).is_none(), "{status:?}");
    }
    let begun = Instant::now();
    for _ in 0..100 {
        let status = client.check(check("")).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "circuit 'quotes' is open, next trial in 1m")
        );
        assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "60000");
        assert_eq!(refusal(&status).unwrap().reason(), Reason::Open);
    }
    assert!(begun.elapsed() < secs(10), "{:?}", begun.elapsed());
    let _server = GrpcServer::start(&address).await;
    bench.clock.advance(secs(60));
    // The channel connects again when it is used, which may take it a moment.
    assert_eq!(client.check(check("")).await.unwrap().into_inner().status, 1);
    assert_eq!(bench.breaker.state(), State::Closed);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn the_status_in_the_head_of_a_response_tells_whether_the_server_works() {
    let bench = bench(Config::builder().failure_threshold(2));
    let server = GrpcServer::start("127.0.0.1:0").await;
    let mut client = HealthClient::new(bench.layer().for_tonic().layer(server.channel()));
    for code in [Code::NotFound, Code::InvalidArgument, Code::PermissionDenied, Code::Unimplemented] {
        let status = client.check(check(&(code as i32).to_string())).await.unwrap_err();
        assert_eq!(status.code(), code);
    }
    assert_eq!(client.check(check("1")).await.unwrap_err().code(), Code::Cancelled);
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.successes, totals.ignored, totals.failures), (4, 1, 0));
    for code in [Code::Internal, Code::ResourceExhausted] {
        assert_eq!(client.check(check(&(code as i32).to_string())).await.unwrap_err().code(), code);
    }
    assert_eq!(bench.breaker.state(), State::Open);
}

#[tokio::test]
async fn a_server_that_hangs_is_cut_off_as_deadline_exceeded() {
    let bench = bench(Config::builder().failure_threshold(1).timeout(millis(300)));
    let server = GrpcServer::start("127.0.0.1:0").await;
    let mut client = HealthClient::new(bench.layer().for_tonic().layer(server.channel()));
    let status = client.check(check("hang")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(refusal(&status).unwrap().is_timeout());
    assert_eq!(client.check(check("")).await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_server_behind_a_breaker_tells_its_clients_when_to_come_back() {
    let bench = bench(Config::builder().failure_threshold(1));
    let refused = |refusal: CircuitBreakerError| Ok(Status::from(refusal).into_http::<Body>());
    let layer = bench.layer().classify(GrpcStatus).answer(refused);
    let listener = bind("127.0.0.1:0".parse().unwrap()).await;
    let address = listener.local_addr().unwrap();
    let router = Server::builder().layer(layer).add_service(HealthServer::new(Health500));
    tokio::spawn(router.serve_with_incoming(TcpIncoming::from(listener)));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let mut client = HealthClient::new(channel);
    assert_eq!(client.check(check("13")).await.unwrap_err().message(), "as you wish");
    let status = client.check(check("")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "circuit 'quotes' is open, next trial in 1m"));
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "60000");
}

#[circuit_breaker(name = "tower health", failure_threshold = 2, failure_if = breakerbox::tonic::is_failure)]
async fn health(mut client: HealthClient<Channel>, service: &str) -> Result<Response<HealthCheckResponse>, Status> {
    client.check(check(service)).await
}

#[tokio::test]
async fn an_annotated_function_may_return_a_status() {
    let server = GrpcServer::start("127.0.0.1:0").await;
    let client = HealthClient::new(server.channel());
    assert_eq!(health(client.clone(), "").await.unwrap().into_inner().status, 1);
    for _ in 0..5 {
        assert_eq!(health(client.clone(), "5").await.unwrap_err().code(), Code::NotFound);
    }
    for _ in 0..2 {
        assert_eq!(health(client.clone(), "14").await.unwrap_err().message(), "as you wish");
    }
    let status = health(client, "").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(refusal(&status).unwrap().name(), "tower health");
}

#[tokio::test]
async fn an_error_of_the_layer_becomes_a_status() {
    let bench = bench(Config::builder());
    let service = ServiceBuilder::new().map_err(Status::from).layer(bench.layer()).service(Backend::default());
    let status = service.clone().oneshot(Ask::Fail).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unknown, "the backend is down"));
    bench.breaker.force_open();
    let status = service.oneshot(Ask::Fail).await.unwrap_err();
    assert_eq!((status.code(), status.metadata().len()), (Code::Unavailable, 0));
    let status = Status::from(bench.service(&Backend::default()).oneshot(Ask::Fail).await.unwrap_err());
    assert!(Error::find_rejection(&status).is_some());
}

#[test]
fn every_code_is_a_failure_an_answer_or_says_nothing() {
    let of = |wanted| (0..=16).filter(|code| outcome_of(Code::from(*code)) == wanted).collect::<Vec<_>>();
    assert_eq!(of(Outcome::Failure), [2, 4, 8, 13, 14, 15]);
    assert_eq!(of(Outcome::Ignored), [1]);
    assert!(breakerbox::tonic::is_failure(&Err::<(), _>(Status::unknown(""))));
}

#[test]
fn a_proxy_that_does_not_know_grpc_is_read_by_its_http_status() {
    let outcome =
        |status: u16| GrpcStatus.outcome(&Ok::<_, Status>(HttpResponse::builder().status(status).body(()).unwrap()));
    assert_eq!([200, 404].map(outcome), [Outcome::Success; 2]);
    assert_eq!([429, 500, 503].map(outcome), [Outcome::Failure; 3]);
}
