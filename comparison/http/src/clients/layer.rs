//! breakerbox as a tower layer around the same service as tower-resilience.

use std::sync::Arc;

use breakerbox::CircuitBreaker;
use breakerbox::tower::CircuitBreakerLayer;
use futures_util::FutureExt;
use tower::{Layer, ServiceExt, service_fn};

use super::{Answer, Ask, Setup, settings};

pub fn layer(setup: Setup) -> anyhow::Result<Ask> {
    let breaker = CircuitBreaker::new("layer", settings::config(setup.script))?;
    let page = setup.page()?;
    let service = CircuitBreakerLayer::new(breaker).layer(service_fn(move |()| {
        let page = page.clone();
        async move { page.fetch().await }
    }));
    Ok(Arc::new(move || {
        let service = service.clone();
        async move {
            match service.oneshot(()).await {
                Ok(_) => Answer::Success,
                Err(error) if error.is_rejected() => Answer::Refused,
                Err(_) => Answer::Failed,
            }
        }
        .boxed()
    }))
}
