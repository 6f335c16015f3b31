//! Clients without a breaker: what a sick server does to them, and they to it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

use super::{Answer, Ask, Setup, answer};
use crate::script::RETRIES;

pub fn plain(setup: Setup) -> anyhow::Result<Ask> {
    let page = setup.page()?;
    Ok(Arc::new(move || {
        let page = page.clone();
        async move { answer(&page.fetch().await) }.boxed()
    }))
}

pub fn with_retries(setup: Setup) -> anyhow::Result<Ask> {
    let page = setup.page()?;
    let client = ClientBuilder::new(page.client).with(retries()).build();
    Ok(through(client, page.url))
}

pub fn retries() -> RetryTransientMiddleware<ExponentialBackoff> {
    RetryTransientMiddleware::new_with_policy(policy())
}

/// Tries again after at most 50, 100 and 200 ms.
pub fn policy() -> ExponentialBackoff {
    ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(50), Duration::from_millis(400))
        .build_with_max_retries(RETRIES)
}

/// Asks through middleware, and reads the body outside of it, as its users do.
pub fn through(client: ClientWithMiddleware, url: String) -> Ask {
    let shared = Arc::new((client, url));
    Arc::new(move || {
        let shared = Arc::clone(&shared);
        async move {
            let (client, url) = &*shared;
            match client.get(url).send().await {
                Ok(response) if response.status().is_success() => match response.bytes().await {
                    Ok(_) => Answer::Success,
                    Err(_) => Answer::Failed,
                },
                Err(error) if is_refusal(&error) => Answer::Refused,
                Ok(_) | Err(_) => Answer::Failed,
            }
        }
        .boxed()
    })
}

/// Whether a breaker said no, however deep that is in the error.
fn is_refusal(error: &reqwest_middleware::Error) -> bool {
    breakerbox::reqwest::refusal(error).is_some_and(breakerbox::CircuitBreakerError::is_rejected)
}
