//! tokitai-macros: an attribute on atomics of the function.

use tokitai_macros::circuit_breaker;

use crate::subject::Setting::{self, Consecutive};
use crate::subject::{AsyncWay, Caller, Peer, Plan, SyncWay, Use};
use crate::work::{Fault, body, work};

const SETTINGS: &[Setting] = &[Consecutive];
const NOTE: &str = "reads the wall clock on every call; a `?` in a synchronous body is not recorded";

/// Its breakers are statics that nothing can reset, so each use has a function of its own.
macro_rules! annotated {
    ($($name:ident: $threshold:literal),*) => {
        mod annotated {
            use super::*;
            $(
                #[circuit_breaker(failure_threshold = $threshold, reset_timeout = "1h")]
                #[inline(never)]
                pub fn $name(x: u64) -> Result<u64, Fault> {
                    body!(x)
                }
            )*
        }
        mod annotated_async {
            use super::*;
            $(
                #[circuit_breaker(failure_threshold = $threshold, reset_timeout = "1h")]
                pub async fn $name(x: u64) -> Result<u64, Fault> {
                    work(x)
                }
            )*
        }
    };
}

annotated!(open: 5, restart: 5, timed: 5, unreachable: 1_000_000);

macro_rules! start {
    ($start:ident, $module:ident, $plan:ident) => {
        match $plan {
            Plan { unreachable: true, .. } => crate::loops::$start!(x => $module::unreachable(x)),
            Plan { used: Use::Open, .. } => crate::loops::$start!(x => $module::open(x)),
            Plan { used: Use::Restart, .. } => crate::loops::$start!(x => $module::restart(x)),
            Plan { used: Use::Timed(_), .. } => crate::loops::$start!(x => $module::timed(x)),
        }
    };
}

pub fn sync() -> Peer<SyncWay> {
    Peer::new("tokitai, attribute", "tokitai-macros", SETTINGS, |plan| -> Caller<SyncWay> {
        start!(sync, annotated, plan)
    })
    .note(NOTE)
}

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("tokitai, attribute", "tokitai-macros", SETTINGS, |plan| -> Caller<AsyncWay> {
        start!(asynchronous, annotated_async, plan)
    })
    .note(NOTE)
}
