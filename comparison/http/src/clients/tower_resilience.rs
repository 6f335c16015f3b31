//! The layer of tower-resilience around the same service, with the same settings.

use std::sync::Arc;

use futures_util::FutureExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, SlidingWindowType};

use super::{Answer, Ask, Setup};
use crate::script::{FAILURE_THRESHOLD, MINIMUM_CALLS, SLOW_CALL, SLOW_SHARE, TRIALS, WINDOW};

pub fn layer(setup: Setup) -> anyhow::Result<Ask> {
    let layer = CircuitBreakerLayer::builder()
        .consecutive_failures(FAILURE_THRESHOLD as usize)
        .wait_duration_in_open(setup.script.recovery_timeout)
        // It closes after as many successes.
        .permitted_calls_in_half_open(TRIALS as usize)
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(WINDOW)
        .minimum_number_of_calls(MINIMUM_CALLS as usize)
        .slow_call_duration_threshold(SLOW_CALL)
        .slow_call_rate_threshold(SLOW_SHARE)
        .build()?;
    let page = setup.page()?;
    let service = layer.layer(service_fn(move |()| {
        let page = page.clone();
        async move { page.fetch().await }
    }));
    Ok(Arc::new(move || {
        let service = service.clone();
        async move {
            match service.oneshot(()).await {
                Ok(_) => Answer::Success,
                Err(CircuitBreakerError::OpenCircuit) => Answer::Refused,
                Err(CircuitBreakerError::Inner(_)) => Answer::Failed,
            }
        }
        .boxed()
    }))
}
