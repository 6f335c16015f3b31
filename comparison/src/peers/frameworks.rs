//! The breakers that come with a framework: sentinel, arcly-http and allframe.

use allframe_core::resilience::{CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError};
use arcly_http_core::resilience::{BreakerOpen, circuit_breaker};
use sentinel_macros::circuitbreaker;

use super::forever;
use crate::subject::Setting::{Consecutive, TimeWindow};
use crate::subject::{AsyncWay, Caller, HOUR, Peer, Plan, SyncWay, Use};
use crate::work::{Fault, Pattern, REFUSED, Seen, Verdict, body, ready, verdict, work};

pub fn sync() -> Vec<Peer<SyncWay>> {
    vec![sentinel()]
}

pub fn asynchronous() -> Vec<Peer<AsyncWay>> {
    vec![arcly(), allframe()]
}

#[circuitbreaker(
    threshold = 0.5,
    strategy = "ErrorRatio",
    retry_timeout_ms = 3_600_000,
    stat_interval_ms = 10_000,
    min_request_amount = 100
)]
#[inline(never)]
fn guarded_by_sentinel(x: u64) -> Result<u64, Fault> {
    body!(x)
}

impl Verdict for sentinel_core::Result<Result<u64, Fault>> {
    fn seen(&self) -> Seen {
        self.as_ref().map_or(Seen::Refused, Verdict::seen)
    }
}

/// Its only rule of this kind is a share of the calls in a window of time.
fn sentinel() -> Peer<SyncWay> {
    Peer::new(
        "sentinel, attribute",
        "sentinel-macros",
        &[TimeWindow],
        |_| crate::loops::sync!(x => guarded_by_sentinel(x)),
    )
    .note("appends its rule again on every call, never records an `Err`, changes the return type")
}

impl From<BreakerOpen> for Fault {
    fn from(_: BreakerOpen) -> Self {
        REFUSED
    }
}

/// The attribute of arcly-http takes methods only.
#[derive(Clone, Copy)]
struct Service;

static SERVICE: Service = Service;

macro_rules! guarded_by_arcly {
    ($($name:ident: $threshold:literal),*) => {
        impl Service {
            $(
                #[circuit_breaker(threshold = $threshold, cooldown = "3600s")]
                async fn $name(&self, x: u64) -> Result<u64, Fault> {
                    work(x)
                }
            )*
        }
    };
}

guarded_by_arcly!(open: 5, restart: 5, timed: 5, one_percent: 5, unreachable: 4_000_000_000);

fn arcly() -> Peer<AsyncWay> {
    Peer::new("arcly-http, attribute", "arcly-http-core", &[Consecutive], |plan| -> Caller<AsyncWay> {
        use crate::loops::asynchronous;
        match plan {
            Plan { unreachable: true, .. } => asynchronous!(x => SERVICE.unreachable(x)),
            Plan { used: Use::Open, .. } => asynchronous!(x => SERVICE.open(x)),
            Plan { used: Use::Restart, .. } => asynchronous!(x => SERVICE.restart(x)),
            Plan { used: Use::Timed(Pattern::OnePercent), .. } => asynchronous!(x => SERVICE.one_percent(x)),
            Plan { used: Use::Timed(_), .. } => asynchronous!(x => SERVICE.timed(x)),
        }
    })
    .note("a success only reads the state")
    .records_no_success()
}

verdict!(
    CircuitBreakerError<Fault>:
    refused CircuitBreakerError::CircuitOpen(_), failed CircuitBreakerError::Inner(_)
);

/// The breaker behind the attribute of allframe, which does not compile.
fn allframe() -> Peer<AsyncWay> {
    Peer::new("allframe, by hand", "allframe-core", &[TimeWindow], |plan| {
        // It counts failures in a window, not shares.
        let config = CircuitBreakerConfig::new(plan.failures()).with_timeout(HOUR).with_failure_window(plan.window);
        let breaker = forever(CircuitBreaker::new("comparison", config));
        crate::loops::asynchronous!(breaker, x => breaker.call(move || ready(x)))
    })
    .note("5 failures in 10 s, no share; its attribute does not compile")
    .grows(|_, pattern| pattern != Pattern::Success)
}
