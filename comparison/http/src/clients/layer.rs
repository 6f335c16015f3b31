//! breakerbox as a tower layer around the same service as tower-resilience.

use std::sync::Arc;

use breakerbox::tower::CircuitBreakerLayer;
use breakerbox::{CircuitBreaker, ConfigBuilder};
use futures_util::FutureExt;
use tower::{Layer, ServiceExt, service_fn};

use super::{Answer, Ask, Setup, settings};
use crate::script::LIMIT;

pub fn layer(setup: Setup) -> anyhow::Result<Ask> {
    let config = settings::config(setup.script);
    around(setup, config)
}

pub fn with_timeout(setup: Setup) -> anyhow::Result<Ask> {
    let config = settings::config(setup.script).timeout(LIMIT);
    around(setup, config)
}

fn around(setup: Setup, config: ConfigBuilder) -> anyhow::Result<Ask> {
    let breaker = CircuitBreaker::new("layer", config)?;
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
