//! The clients that take part. All of them ask through the same kind of `reqwest::Client`, each with its own pool; what
//! they put around it differs.

mod annotated;
mod bare;
mod layer;
mod middleware;
mod settings;
mod tower_resilience;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{Client, ClientBuilder};
use tower::{Layer, Service};

use crate::script::{Phase, Script, TIMEOUT};
use crate::server::{Seen, Server};

/// What a caller got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A page, all of it.
    Success,
    /// An error, or a status that is one.
    Failed,
    /// The breaker's refusal.
    Refused,
}

/// Asks for the page.
pub type Ask = Arc<dyn Fn() -> BoxFuture<'static, Answer> + Send + Sync>;

/// What makes a client.
pub struct Setup {
    /// Has neither a limit of time nor a breaker yet.
    builder: ClientBuilder,
    url: String,
    script: Script,
}

impl Setup {
    /// For a client of a server, which is told of connections that its closed port refused.
    pub fn new(server: &Server, script: Script) -> Setup {
        let count = CountRefused { seen: Arc::clone(&server.seen), phase: Arc::new(server.phase()) };
        let builder = Client::builder().no_proxy().connector_layer(count);
        Setup { builder, url: server.url(), script }
    }

    /// The page, by a client with the timeout.
    fn page(self) -> reqwest::Result<Page> {
        Ok(Page { client: self.builder.timeout(TIMEOUT).build()?, url: self.url })
    }
}

/// What the services and functions behind breakers ask for.
#[derive(Clone)]
struct Page {
    client: Client,
    url: String,
}

impl Page {
    /// The head, the status, and all of the body.
    async fn fetch(&self) -> Result<usize, FetchError> {
        let response = self.client.get(&self.url).send().await?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status()));
        }
        Ok(response.bytes().await?.len())
    }
}

/// Where the breaker of a client comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    None,
    Ours,
    Peer,
}

/// A way to ask.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub breaker: Breaker,
    /// Whether the breaker has a `timeout` of its own.
    pub cuts_off: bool,
    /// Whether a call of the breaker is all the tries of a request.
    pub is_around: bool,
    pub make: fn(Setup) -> anyhow::Result<Ask>,
}

pub const BARE: &str = "no breaker";
pub const BARE_RETRIES: &str = "no breaker, 3 retries";

pub fn all() -> Vec<Kind> {
    let bare = Kind { name: BARE, breaker: Breaker::None, cuts_off: false, is_around: false, make: bare::plain };
    let ours = Kind { breaker: Breaker::Ours, ..bare };
    vec![
        bare,
        Kind { name: BARE_RETRIES, make: bare::with_retries, ..bare },
        Kind { name: "tower-resilience", breaker: Breaker::Peer, make: tower_resilience::layer, ..ours },
        Kind { name: "breakerbox, tower", make: layer::layer, ..ours },
        Kind { name: "breakerbox, tower, `timeout`", cuts_off: true, make: layer::with_timeout, ..ours },
        Kind { name: "breakerbox, attribute", make: annotated::function, ..ours },
        Kind { name: "breakerbox, middleware", make: middleware::alone, ..ours },
        Kind { name: "breakerbox inside 3 retries", make: middleware::inside_retries, ..ours },
        Kind { name: "breakerbox around 3 retries", is_around: true, make: middleware::around_retries, ..ours },
        Kind { name: "breakerbox, `HttpClient`", make: middleware::http_client, ..ours },
    ]
}

/// A page, or why there is none.
#[derive(Debug)]
pub enum FetchError {
    Http(reqwest::Error),
    Status(reqwest::StatusCode),
    Refused(breakerbox::CircuitBreakerError),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Http(error) => error.fmt(f),
            FetchError::Status(status) => status.fmt(f),
            FetchError::Refused(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FetchError {}

impl From<breakerbox::CircuitBreakerError> for FetchError {
    fn from(error: breakerbox::CircuitBreakerError) -> Self {
        FetchError::Refused(error)
    }
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        FetchError::Http(error)
    }
}

fn answer<T>(result: &Result<T, FetchError>) -> Answer {
    match result {
        Ok(_) => Answer::Success,
        Err(FetchError::Refused(_)) => Answer::Refused,
        Err(_) => Answer::Failed,
    }
}

#[derive(Clone)]
struct CountRefused {
    seen: Arc<Seen>,
    phase: Arc<dyn Fn() -> Phase + Send + Sync>,
}

impl<S> Layer<S> for CountRefused {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, count: self.clone() }
    }
}

#[derive(Clone)]
struct Counted<S> {
    inner: S,
    count: CountRefused,
}

impl<S, R> Service<R> for Counted<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let count = self.count.clone();
        let connecting = self.inner.call(request);
        async move {
            let connected = connecting.await;
            if connected.is_err() {
                count.seen.refused((count.phase)());
            }
            connected
        }
        .boxed()
    }
}
