//! A client of a gRPC server that is killed and comes back. While the circuit is open, the client sees
//! `Unavailable` at once, and the server hears nothing.
//!
//! The service is the standard health service of gRPC. The channel under the generated client has a
//! breaker, and so has an annotated function.
//!
//! ```text
//! cargo run --example tonic_client --features tonic
//! ```

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use breakerbox::tower::CircuitBreakerLayer;
use breakerbox::{CircuitBreakerError, Config, circuit_breaker};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::ServiceBuilder;

/// A server with a runtime of its own, so that it can be killed with all its connections.
struct Server {
    runtime: Runtime,
    address: SocketAddr,
}

impl Server {
    /// Serves at this port, or at a free one for 0.
    async fn start(port: u16) -> Result<Server, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.spawn(bind(port)).await??;
        let address = listener.local_addr()?;
        let (_, health) = tonic_health::server::health_reporter();
        let served = tonic::transport::Server::builder().add_service(health);
        runtime.spawn(served.serve_with_incoming(TcpIncoming::from(listener)));
        Ok(Server { runtime, address })
    }

    /// Returns when the port and every connection is closed.
    async fn kill(self) -> Result<(), Box<dyn Error>> {
        Ok(tokio::task::spawn_blocking(move || drop(self.runtime)).await?)
    }
}

/// A port that was just given up may be held for a moment.
async fn bind(port: u16) -> std::io::Result<TcpListener> {
    for _ in 0..50 {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return Ok(listener);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

fn whole_server() -> HealthCheckRequest {
    HealthCheckRequest { service: String::new() }
}

/// The other way: a breaker on a function. Statuses such as `NotFound` are answers, not failures.
#[circuit_breaker(
    name = "health function",
    failure_threshold = 3,
    recovery_timeout = 2,
    success_threshold = 1,
    failure_if = breakerbox::tonic::is_failure
)]
async fn check(mut client: HealthClient<Channel>) -> Result<Response<HealthCheckResponse>, Status> {
    client.check(whole_server()).await
}

/// What became of some calls.
#[derive(Default)]
struct Seen {
    answered: u32,
    failed: u32,
    refused: u32,
}

impl Seen {
    fn add(&mut self, who: &str, result: &Result<Response<HealthCheckResponse>, Status>, begun: Instant) {
        let took = begun.elapsed().as_micros();
        match result {
            Ok(_) => {
                self.answered += 1;
                println!("  {who}: Serving, after {took} us");
            }
            Err(status) => {
                // A refusal is told from an answer of the server by its source.
                let refusal = status.source().and_then(|source| source.downcast_ref::<CircuitBreakerError>());
                let is_refused = refusal.is_some();
                *(if is_refused { &mut self.refused } else { &mut self.failed }) += 1;
                println!("  {who}: {:?}: {}, after {took} us", status.code(), status.message());
            }
        }
    }

    fn expect(&self, answered: u32, failed: u32, refused: u32) -> Result<(), Box<dyn Error>> {
        if (self.answered, self.failed, self.refused) == (answered, failed, refused) {
            return Ok(());
        }
        Err(format!("{} answered, {} failed, {} refused", self.answered, self.failed, self.refused).into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(0).await?;
    let port = server.address.port();
    let channel = Endpoint::from_shared(format!("http://{}", server.address))?.connect_lazy();

    let settings = Config::builder().failure_threshold(3).recovery_timeout(Duration::from_secs(2)).success_threshold(1);
    let breaker = breakerbox::registry().get_or_insert("health channel", settings.timeout(Duration::from_secs(5)))?;
    let layer = CircuitBreakerLayer::new(breaker).for_tonic();
    let mut through_layer = HealthClient::new(ServiceBuilder::new().layer(layer).service(channel.clone()));
    let through_function = HealthClient::new(channel);

    let mut ask = async |times: u32| {
        let (mut layer, mut function) = (Seen::default(), Seen::default());
        for _ in 0..times {
            let begun = Instant::now();
            layer.add("layer   ", &through_layer.check(whole_server()).await, begun);
            let begun = Instant::now();
            function.add("function", &check(through_function.clone()).await, begun);
        }
        [layer, function]
    };

    println!("The server works:");
    for seen in ask(1).await {
        seen.expect(1, 0, 0)?;
    }
    println!("\nThe server is killed; three failures open each circuit:");
    server.kill().await?;
    for seen in ask(5).await {
        seen.expect(0, 3, 2)?;
    }
    println!("\nThe server is back; two seconds later the first call is a trial that closes the circuit:");
    let server = Server::start(port).await?;
    for seen in ask(1).await {
        seen.expect(0, 0, 1)?;
    }
    tokio::time::sleep(Duration::from_millis(2100)).await;
    for seen in ask(2).await {
        seen.expect(2, 0, 0)?;
    }
    println!();
    for breaker in breakerbox::breakers() {
        let totals = breaker.status().totals;
        let (name, refused) = (breaker.name(), totals.rejections.total());
        println!(
            "{name}: {} calls, {} failed, {refused} refused, opened {} time(s)",
            totals.attempts, totals.failures, totals.trips
        );
    }
    server.kill().await
}
