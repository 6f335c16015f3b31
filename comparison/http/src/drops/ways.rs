//! The ways in which a future goes through a breaker.

use std::sync::Arc;

use breakerbox::reqwest::{CircuitBreakerMiddleware, HttpClient};
use breakerbox::tower::CircuitBreakerLayer;
use breakerbox::{CircuitBreaker, CircuitBreakerError, Registry, circuit_breaker};
use futures_util::FutureExt;
use reqwest_middleware::ClientBuilder;
use tower::{Layer, ServiceExt, service_fn};

use super::{Call, config};
use crate::server::Server;

/// The breaker, and a call through it, which holds the token while it is under way.
type Made = (CircuitBreaker, Box<Call>);

pub struct Way {
    pub name: &'static str,
    pub make: fn(&Server, &Arc<()>) -> anyhow::Result<Made>,
}

pub const ALL: [Way; 5] = [
    Way { name: "tower layer", make: layer },
    Way { name: "attribute", make: attribute },
    Way { name: "`OwnedPermit` in a task", make: owned },
    Way { name: "reqwest middleware", make: middleware },
    Way { name: "`HttpClient`", make: http_client },
];

fn breaker() -> anyhow::Result<CircuitBreaker> {
    let registry = Registry::new();
    registry.count_in_flight();
    Ok(registry.get_or_insert("drops", config())?)
}

fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}

/// Only a page is a success.
async fn fetch(client: reqwest::Client, url: String, token: Arc<()>) -> Result<(), Failed> {
    let response = client.get(url).send().await.map_err(|_| Failed)?;
    let done = response.error_for_status().map(drop).map_err(|_| Failed);
    drop(token);
    done
}

#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no page")
    }
}

impl std::error::Error for Failed {}

impl From<CircuitBreakerError> for Failed {
    fn from(_: CircuitBreakerError) -> Self {
        Failed
    }
}

fn layer(server: &Server, token: &Arc<()>) -> anyhow::Result<Made> {
    let breaker = breaker()?;
    let (client, url, token) = (client()?, server.url(), Arc::clone(token));
    let fetching = move |()| fetch(client.clone(), url.clone(), Arc::clone(&token));
    let service = CircuitBreakerLayer::new(breaker.clone()).layer(service_fn(fetching));
    Ok((breaker, Box::new(move || service.clone().oneshot(()).map(drop).boxed())))
}

#[circuit_breaker(name = "drops")]
async fn annotated(client: reqwest::Client, url: String, token: Arc<()>) -> Result<(), Failed> {
    fetch(client, url, token).await
}

fn attribute(server: &Server, token: &Arc<()>) -> anyhow::Result<Made> {
    breakerbox::registry().count_in_flight();
    let breaker = breakerbox::breaker("drops").expect("the attribute registers it before main");
    breaker.reconfigure(config())?;
    let (client, url, token) = (client()?, server.url(), Arc::clone(token));
    Ok((breaker, Box::new(move || annotated(client.clone(), url.clone(), Arc::clone(&token)).map(drop).boxed())))
}

/// The permit is held by a task that is aborted with the future that waits for it.
fn owned(server: &Server, token: &Arc<()>) -> anyhow::Result<Made> {
    let breaker = breaker()?;
    let (client, url, token) = (client()?, server.url(), Arc::clone(token));
    let taking = breaker.clone();
    let call = move || {
        let (breaker, client, url, token) = (taking.clone(), client.clone(), url.clone(), Arc::clone(&token));
        async move {
            let Ok(permit) = breaker.try_acquire_owned() else { return };
            let mut tasks = tokio::task::JoinSet::new();
            tasks.spawn(async move {
                match fetch(client, url, token).await {
                    Ok(()) => permit.success(),
                    Err(_) => permit.failure(),
                }
            });
            tasks.join_next().await;
        }
        .boxed()
    };
    Ok((breaker, Box::new(call)))
}

fn middleware(server: &Server, token: &Arc<()>) -> anyhow::Result<Made> {
    let breaker = breaker()?;
    let client = ClientBuilder::new(client()?).with(CircuitBreakerMiddleware::named(breaker.clone())).build();
    let (url, token) = (server.url(), Arc::clone(token));
    let call = move || {
        let (client, url, token) = (client.clone(), url.clone(), Arc::clone(&token));
        async move {
            let _ = client.get(url).send().await;
            drop(token);
        }
        .boxed()
    };
    Ok((breaker, Box::new(call)))
}

fn http_client(server: &Server, token: &Arc<()>) -> anyhow::Result<Made> {
    let breaker = breaker()?;
    let client = HttpClient::builder()
        .client(reqwest::Client::builder().no_proxy())
        .circuit_breaker(CircuitBreakerMiddleware::named(breaker.clone()))
        .base_delay(std::time::Duration::from_millis(2))
        .build()?;
    let (url, token) = (server.url(), Arc::clone(token));
    let call = move || {
        let (client, url, token) = (client.clone(), url.clone(), Arc::clone(&token));
        async move {
            let _ = client.get(url).send().await;
            drop(token);
        }
        .boxed()
    };
    Ok((breaker, Box::new(call)))
}
