//! breakerbox, through the handle and through the attribute.

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, circuit_breaker};

use super::forever;
use crate::subject::Setting::{Consecutive, CountWindow, TimeWindow};
use crate::subject::{AsyncWay, Caller, HOUR, Peer, Plan, Setting, SyncWay};
use crate::work::{Fault, REFUSED, body, ready, work};

const SETTINGS: &[Setting] = &[Consecutive, CountWindow, TimeWindow];

impl From<CircuitBreakerError> for Fault {
    #[inline]
    fn from(_: CircuitBreakerError) -> Self {
        REFUSED
    }
}

fn breaker(plan: Plan) -> CircuitBreaker {
    let config = Config::builder().recovery_timeout(HOUR);
    let rate = |threshold| config.clone().failure_threshold(None).failure_rate_threshold(threshold).minimum_calls(100);
    let config = match plan.setting {
        Consecutive => config.failure_threshold(plan.failures()),
        CountWindow => rate(plan.share()).window_size(100),
        TimeWindow => rate(plan.share()).window_duration(plan.window),
    };
    CircuitBreaker::new("comparison", config).expect("the settings are valid")
}

pub fn handle() -> Peer<SyncWay> {
    Peer::new("breakerbox, handle", "breakerbox", SETTINGS, |plan| {
        let breaker = breaker(plan);
        crate::loops::sync!(breaker, x => breaker.call(|| work(x)))
    })
}

pub fn async_handle() -> Peer<AsyncWay> {
    Peer::new("breakerbox, handle", "breakerbox", SETTINGS, |plan| {
        let breaker = forever(breaker(plan));
        crate::loops::asynchronous!(breaker, x => breaker.call_async(ready(x)))
    })
}

/// The same function once for each setting, since the settings of an attribute are part of the source.
macro_rules! annotated {
    ($($name:ident($($argument:tt)*);)*) => {
        mod annotated {
            use super::*;
            $(
                #[circuit_breaker($($argument)*)]
                #[inline(never)]
                pub fn $name(x: u64) -> Result<u64, Fault> {
                    body!(x)
                }
            )*
        }
        mod annotated_async {
            use super::*;
            $(
                #[circuit_breaker($($argument)*)]
                pub async fn $name(x: u64) -> Result<u64, Fault> {
                    work(x)
                }
            )*
        }
    };
}

annotated! {
    consecutive(recovery_timeout = HOUR);
    count_window(
        recovery_timeout = HOUR, failure_threshold = off, failure_rate_threshold = 0.5, window_size = 100,
        minimum_calls = 100
    );
    time_window(
        recovery_timeout = HOUR, failure_threshold = off, failure_rate_threshold = 0.5, window_duration = 10,
        minimum_calls = 100
    );
    never_consecutive(failure_threshold = 1_000_000);
    never_count_window(
        failure_threshold = off, failure_rate_threshold = 1.0, window_size = 100, minimum_calls = 100
    );
    never_time_window(
        failure_threshold = off, failure_rate_threshold = 1.0, window_duration = 10, minimum_calls = 100
    );
}

/// Each use begins with a breaker that has seen nothing.
fn fresh(path: &str, name: &str) {
    let name = format!("{}::{path}::{name}", module_path!());
    breakerbox::breaker(&name).unwrap_or_else(|| panic!("no function is annotated as {name}")).reset();
}

macro_rules! start {
    ($plan:ident, $start:ident, $module:ident: $($setting:ident, $unreachable:literal => $name:ident),* $(,)?) => {
        match ($plan.setting, $plan.unreachable) {
            $(($setting, $unreachable) => {
                fresh(stringify!($module), stringify!($name));
                crate::loops::$start!(x => $module::$name(x))
            })*
        }
    };
    ($plan:ident, $start:ident, $module:ident) => {
        start!(
            $plan, $start, $module:
            Consecutive, false => consecutive,
            CountWindow, false => count_window,
            TimeWindow, false => time_window,
            Consecutive, true => never_consecutive,
            CountWindow, true => never_count_window,
            TimeWindow, true => never_time_window,
        )
    };
}

pub fn attribute() -> Peer<SyncWay> {
    Peer::new("breakerbox, attribute", "breakerbox", SETTINGS, |plan| -> Caller<SyncWay> {
        start!(plan, sync, annotated)
    })
}

pub fn async_attribute() -> Peer<AsyncWay> {
    Peer::new("breakerbox, attribute", "breakerbox", SETTINGS, |plan| -> Caller<AsyncWay> {
        start!(plan, asynchronous, annotated_async)
    })
}
