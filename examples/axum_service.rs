//! A service of axum whose backend goes down, seen by a client of the service.
//!
//! One route calls the backend through an annotated function, another route is behind a breaker as a
//! whole. While a circuit is open, the client gets 503 with `Retry-After` at once, and the backend is
//! left alone.
//!
//! ```text
//! cargo run --example axum_service --features axum
//! ```

#[path = "support/server.rs"]
mod server;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use breakerbox::tower::CircuitBreakerLayer;
use breakerbox::{CircuitBreakerError, Config, circuit_breaker};
use tokio::net::TcpListener;

use server::{Behaviour, Server};

/// How a handler fails.
#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("the backend does not answer")]
    Backend(#[from] reqwest::Error),
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self {
            AppError::Backend(_) => (StatusCode::BAD_GATEWAY, self.to_string()).into_response(),
            // 503, with `Retry-After`.
            AppError::Circuit(refusal) => refusal.into_response(),
        }
    }
}

#[derive(Clone)]
struct Backend {
    http: reqwest::Client,
    url: String,
}

impl Backend {
    #[circuit_breaker(name = "prices", failure_threshold = 3, recovery_timeout = 2, success_threshold = 1)]
    async fn price(&self) -> Result<String, AppError> {
        self.get("/price/tea").await
    }

    /// Nothing protects this one but the layer around its route.
    async fn stock(&self) -> Result<String, AppError> {
        self.get("/stock/tea").await
    }

    async fn get(&self, path: &str) -> Result<String, AppError> {
        Ok(self.http.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.text().await?)
    }
}

async fn price(State(backend): State<Backend>) -> Result<String, AppError> {
    backend.price().await
}

async fn stock(State(backend): State<Backend>) -> Result<String, AppError> {
    backend.stock().await
}

/// Starts the service.
async fn start(backend: Backend) -> Result<SocketAddr, Box<dyn Error>> {
    let settings = Config::builder().failure_threshold(3).recovery_timeout(Duration::from_secs(2)).success_threshold(1);
    let breaker = breakerbox::registry().get_or_insert("stock route", settings)?;
    let service = Router::new()
        .route("/stock", get(stock))
        // Around the routes that are there so far. A status of 500 to 599 is a failure.
        .route_layer(CircuitBreakerLayer::new(breaker).for_axum())
        .route("/price", get(price))
        .with_state(backend);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}

/// The client of the service.
struct Caller {
    http: reqwest::Client,
    service: SocketAddr,
}

impl Caller {
    /// Asks once, and prints the answer.
    async fn ask(&self, path: &str) -> Result<(StatusCode, bool), Box<dyn Error>> {
        let begun = Instant::now();
        let response = self.http.get(format!("http://{}{path}", self.service)).send().await?;
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).map(|value| value.to_str().map(str::to_owned)).transpose()?;
        let text = response.text().await?;
        let header = retry_after.as_ref().map_or_else(String::new, |seconds| format!(" (Retry-After: {seconds})"));
        println!("  GET {path:<7} {}{header}: {text}, after {} ms", status.as_u16(), begun.elapsed().as_millis());
        Ok((status, retry_after.is_some()))
    }

    /// Asks so often, and fails if an answer is not this.
    async fn expect(&self, path: &str, times: usize, wanted: StatusCode) -> Result<(), Box<dyn Error>> {
        for _ in 0..times {
            let (status, has_retry_after) = self.ask(path).await?;
            if status != wanted || has_retry_after != (wanted == StatusCode::SERVICE_UNAVAILABLE) {
                return Err(format!("{path} answered {status} instead of {wanted}").into());
            }
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut backend = Server::start().await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let service = start(Backend { http: http.clone(), url: backend.url() }).await?;
    let caller = Caller { http, service };

    println!("The backend works:");
    caller.expect("/price", 1, StatusCode::OK).await?;
    caller.expect("/stock", 1, StatusCode::OK).await?;

    println!("\nThe backend is down; three failures open each circuit, and then it is not asked any more:");
    backend.behave(Behaviour::Unavailable).await?;
    for path in ["/price", "/stock"] {
        caller.expect(path, 3, StatusCode::BAD_GATEWAY).await?;
        let asked = backend.requests();
        caller.expect(path, 2, StatusCode::SERVICE_UNAVAILABLE).await?;
        if backend.requests() != asked {
            return Err("the backend was asked while the circuit was open".into());
        }
    }

    println!("\nThe backend is back, and two seconds later the first call is a trial that closes the circuit:");
    backend.behave(Behaviour::Works).await?;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    caller.expect("/price", 2, StatusCode::OK).await?;
    caller.expect("/stock", 2, StatusCode::OK).await?;
    println!();
    for breaker in breakerbox::breakers() {
        let totals = breaker.status().totals;
        let (name, refused) = (breaker.name(), totals.rejections.total());
        println!(
            "{name}: {} calls, {} failed, {refused} refused, opened {} time(s)",
            totals.attempts, totals.failures, totals.trips
        );
    }
    backend.close().await;
    Ok(())
}
