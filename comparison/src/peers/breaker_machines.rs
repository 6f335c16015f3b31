//! breaker-machines: an event log behind locks.

use std::sync::Mutex;

use breaker_machines::{CircuitBreaker, CircuitBuilder, CircuitError};

use super::forever;
use crate::subject::Setting::{self, TimeWindow};
use crate::subject::{AsyncWay, HOUR, Peer, Plan, SyncWay};
use crate::work::{Fault, ready, verdict, work};

verdict!(
    CircuitError<Fault>:
    refused CircuitError::Open { .. } | CircuitError::HalfOpenLimitReached { .. } | CircuitError::BulkheadFull { .. }
        | CircuitError::Storage(_),
    failed CircuitError::Execution(_)
);

const SETTINGS: &[Setting] = &[TimeWindow];

fn builder(plan: Plan) -> CircuitBuilder {
    CircuitBreaker::builder("comparison")
        .disable_failure_threshold()
        .failure_rate(plan.share())
        .minimum_calls(100)
        .failure_window_secs(plan.window.as_secs_f64())
        .half_open_timeout_secs(HOUR.as_secs_f64())
}

pub fn sync() -> Peer<SyncWay> {
    Peer::new("breaker-machines", "breaker-machines", SETTINGS, |plan| {
        let breaker = forever(Mutex::new(builder(plan).build()));
        crate::loops::sync!(breaker, x => breaker.lock().expect("no call panics").call(move || work(x)))
    })
    .note("its window ends after 1,000 events")
    .note("its call takes &mut self, so a mutex is held around it")
}

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("breaker-machines", "breaker-machines", SETTINGS, |plan| {
        let breaker = forever(builder(plan).build_async());
        crate::loops::asynchronous!(breaker, x => breaker.call(move || ready(x)))
    })
    .note("its window ends after 1,000 events")
}
