//! breaker: a read-write lock, read before a call and written after it.

use breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError};

use super::forever;
use crate::subject::Setting::{self, Consecutive, CountWindow};
use crate::subject::{AsyncWay, HOUR, Peer, Plan, SyncWay};
use crate::work::{Fault, REFUSED, ready, verdict, work};

verdict!(
    CircuitBreakerError<Fault>:
    refused CircuitBreakerError::CircuitOpen | CircuitBreakerError::Rejected, failed CircuitBreakerError::Failure(_)
);

const SETTINGS: &[Setting] = &[Consecutive, CountWindow];

fn breaker(plan: Plan) -> &'static CircuitBreaker {
    let config = CircuitBreakerConfig::builder().sliding_window_size(100).minimum_calls(100).wait_duration(HOUR);
    let config = match plan.setting {
        Consecutive => config.failure_rate_threshold(0.0).consecutive_failures(plan.failures()),
        _ => config.failure_rate_threshold(plan.share() as f32).consecutive_failures(u32::MAX),
    };
    forever(CircuitBreaker::new(config.build()))
}

/// It has no synchronous call: its documentation says to ask and to record by hand.
pub fn sync() -> Peer<SyncWay> {
    Peer::new("breaker", "breaker", SETTINGS, |plan| {
        let breaker = breaker(plan);
        crate::loops::sync!(breaker, x => {
            if breaker.is_open() {
                Err(REFUSED)
            } else {
                let result = work(x);
                if result.is_ok() { breaker.record_success() } else { breaker.record_failure() }
                result
            }
        })
    })
    .note("no permit: is_open and record_* by hand")
}

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("breaker", "breaker", SETTINGS, |plan| {
        let breaker = breaker(plan);
        crate::loops::asynchronous!(breaker, x => breaker.call(move || ready(x)))
    })
}
