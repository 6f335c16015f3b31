//! breakerbox as a middleware of reqwest: alone, on either side of retries, and in its own client with retries.

use std::sync::Arc;
use std::time::Duration;

use breakerbox::Registry;
use breakerbox::reqwest::{CircuitBreakerMiddleware, CircuitBreakerStrategy, HttpClient};
use futures_util::FutureExt;
use reqwest_middleware::ClientBuilder;
use reqwest_retry::RetryTransientMiddleware;

use super::bare::{policy, retries, through};
use super::{Answer, Ask, Setup, settings};
use crate::script::{RETRIES, Script, TIMEOUT};

pub fn alone(setup: Setup) -> anyhow::Result<Ask> {
    let breakers = breakers(setup.script)?;
    let page = setup.page()?;
    Ok(through(ClientBuilder::new(page.client).with(breakers).build(), page.url))
}

/// Each try is a call of the breaker.
pub fn inside_retries(setup: Setup) -> anyhow::Result<Ask> {
    let breakers = breakers(setup.script)?;
    let retries = RetryTransientMiddleware::new_with_policy_and_strategy(policy(), CircuitBreakerStrategy::default());
    let page = setup.page()?;
    Ok(through(ClientBuilder::new(page.client).with(retries).with(breakers).build(), page.url))
}

/// All tries together are a call of the breaker.
pub fn around_retries(setup: Setup) -> anyhow::Result<Ask> {
    let breakers = breakers(setup.script)?;
    let page = setup.page()?;
    Ok(through(ClientBuilder::new(page.client).with(breakers).with(retries()).build(), page.url))
}

pub fn http_client(setup: Setup) -> anyhow::Result<Ask> {
    let client = HttpClient::builder()
        .client(setup.builder)
        .circuit_breaker(breakers(setup.script)?)
        .attempts(RETRIES + 1)
        .base_delay(Duration::from_millis(50))
        .try_timeout(TIMEOUT)
        .build()?;
    let shared = Arc::new((client, setup.url));
    Ok(Arc::new(move || {
        let shared = Arc::clone(&shared);
        async move {
            let (client, url) = &*shared;
            match client.get(url).send().await {
                Ok(response) if response.status().is_success() => match response.bytes().await {
                    Ok(_) => Answer::Success,
                    Err(_) => Answer::Failed,
                },
                Err(error) if error.is_rejected() => Answer::Refused,
                Ok(_) | Err(_) => Answer::Failed,
            }
        }
        .boxed()
    }))
}

fn breakers(script: Script) -> anyhow::Result<CircuitBreakerMiddleware> {
    Ok(CircuitBreakerMiddleware::keyed(Registry::new().keyed("http", settings::config(script))?))
}
