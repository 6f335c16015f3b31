//! tower-resilience: a Tower service with an async mutex.

use std::task::{Context, Waker};

use tower::{Service as _, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, SlidingWindowType};

use crate::subject::Setting::{self, Consecutive, CountWindow, TimeWindow};
use crate::subject::{AsyncWay, HOUR, Peer};
use crate::work::{Fault, ready, verdict};

verdict!(
    CircuitBreakerError<Fault>:
    refused CircuitBreakerError::OpenCircuit, failed CircuitBreakerError::Inner(_)
);

const SETTINGS: &[Setting] = &[Consecutive, CountWindow, TimeWindow];

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("tower-resilience", "tower-resilience-circuitbreaker", SETTINGS, |plan| {
        let builder = CircuitBreakerLayer::builder()
            .wait_duration_in_open(HOUR)
            .failure_rate_threshold(plan.share())
            .minimum_number_of_calls(100);
        let builder = match plan.setting {
            Consecutive => builder.consecutive_failures(plan.failures() as usize),
            CountWindow => builder.sliding_window_type(SlidingWindowType::CountBased).sliding_window_size(100),
            TimeWindow => {
                builder.sliding_window_type(SlidingWindowType::TimeBased).sliding_window_duration(plan.window)
            }
        };
        let service = builder.build().expect("the settings are valid").layer_fn(service_fn(ready));
        crate::loops::asynchronous!(service, x => {
            // Tower wants to be asked first. The inner service is always ready, and a circuit that is not is asked
            // again by the call.
            let _ = service.poll_ready(&mut Context::from_waker(Waker::noop()));
            service.call(x)
        })
    })
    .grows(|setting, _| setting == TimeWindow)
}
