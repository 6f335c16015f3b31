//! circuitbreaker-rs: atomics, three readings of the clock and a mutex a call.

use circuitbreaker_rs::{BreakerError, CircuitBreaker, DefaultPolicy};

use super::forever;
use crate::subject::Setting::{self, Consecutive};
use crate::subject::{AsyncWay, HOUR, Peer, Plan, SyncWay};
use crate::work::{Fault, ready, verdict, work};

verdict!(
    BreakerError<Fault>:
    refused BreakerError::Open | BreakerError::Internal(_), failed BreakerError::Operation(_)
);

/// Its rate is over the whole life of the breaker and its time window is never fed, so neither is compared.
const SETTINGS: &[Setting] = &[Consecutive];
const NOTE: &str = "its rate is over its whole life, its time window is never fed: not compared";

fn breaker(plan: Plan) -> &'static CircuitBreaker<DefaultPolicy, Fault> {
    let builder = CircuitBreaker::<DefaultPolicy, Fault>::builder();
    // A share over 1 is never reached.
    forever(builder.failure_threshold(2.0).consecutive_failures(plan.failures().into()).cooldown(HOUR).build())
}

pub fn sync() -> Peer<SyncWay> {
    Peer::new("circuitbreaker-rs", "circuitbreaker-rs", SETTINGS, |plan| {
        let breaker = breaker(plan);
        crate::loops::sync!(breaker, x => breaker.call(|| work(x)))
    })
    .note(NOTE)
}

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("circuitbreaker-rs", "circuitbreaker-rs", SETTINGS, |plan| {
        let breaker = breaker(plan);
        crate::loops::asynchronous!(breaker, x => breaker.call_async(move || ready(x)))
    })
    .note(NOTE)
}
