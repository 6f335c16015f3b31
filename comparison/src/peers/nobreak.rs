//! nobreak: a mutex, locked twice a call.

use nobreak::{CircuitBreaker, CircuitError};

use super::forever;
use crate::subject::Setting::{self, Consecutive};
use crate::subject::{AsyncWay, HOUR, Peer, Plan, SyncWay};
use crate::work::{Fault, ready, verdict, work};

verdict!(CircuitError<Fault>: refused CircuitError::Open, failed CircuitError::Failed { .. });

const SETTINGS: &[Setting] = &[Consecutive];
const NOTE: &str = "no limit of trials";

fn breaker(plan: Plan) -> &'static CircuitBreaker {
    let threshold = plan.failures() as usize;
    forever(nobreak::builder().with_failure_threshold(threshold).with_open_duration(HOUR).build())
}

pub fn sync() -> Peer<SyncWay> {
    Peer::new("nobreak", "nobreak", SETTINGS, |plan| {
        let breaker = breaker(plan);
        crate::loops::sync!(breaker, x => breaker.call(|| work(x)))
    })
    .note(NOTE)
}

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("nobreak", "nobreak", SETTINGS, |plan| {
        let breaker = breaker(plan);
        crate::loops::asynchronous!(breaker, x => breaker.call_async(move || ready(x)))
    })
    .note(NOTE)
}
