//! seatbelt: a layered service with ten buckets behind a mutex.

use layered::{Execute, Service, Stack};
use seatbelt::breaker::Breaker;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;

use super::forever;
use crate::subject::Setting::{self, TimeWindow};
use crate::subject::{AsyncWay, Caller, HOUR, Peer, Plan};
use crate::tasks;
use crate::work::{Fault, REFUSED, ready};

const SETTINGS: &[Setting] = &[TimeWindow];

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("seatbelt", "seatbelt", SETTINGS, |plan| start(plan, false))
}

pub fn with_fast_clock() -> Peer<AsyncWay> {
    Peer::new("seatbelt, fast clock", "seatbelt", SETTINGS, |plan| start(plan, true))
        .note("with the coarse clock that it does not use by default")
}

fn start(plan: Plan, fast_clock: bool) -> Caller<AsyncWay> {
    // It panics at 1.0.
    let threshold = if plan.unreachable { 0.999 } else { 0.5 };
    let clock = tasks::wait(async { Clock::new_tokio() }).with_fast_instant(fast_clock);
    let context = ResilienceContext::new(clock);
    let layer = Breaker::layer("comparison", &context)
        .recovery_with(|result: &Result<u64, Fault>, _| match result {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_, _| REFUSED)
        .failure_threshold(threshold)
        .min_throughput(100)
        .sampling_duration(plan.window)
        .break_duration(HOUR);
    let service = forever((layer, Execute::new(ready)).into_service());
    crate::loops::asynchronous!(service, x => service.execute(x))
}
