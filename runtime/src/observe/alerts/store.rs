//! The alert about the store of a registry: one for all breakers, by the one that has met it for longest.

use std::time::{Duration, SystemTime};

use super::memory::people;
use super::rules::Rules;
use super::{Alert, Severity};
use crate::keeper::StoreStatus;

/// What a breaker has met.
#[derive(Debug)]
pub(super) struct Degraded {
    lasted: Duration,
    store: &'static str,
    problem: String,
}

impl Degraded {
    pub(super) fn new(lasted: Duration, store: StoreStatus) -> Option<Self> {
        Some(Degraded { lasted, store: store.store, problem: store.degraded? })
    }

    /// The one that has lasted for longer.
    pub(super) fn longer(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if b.lasted > a.lasted { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    /// What is to be told of it, if it has lasted for long enough.
    pub(super) fn alert(self, rules: &Rules) -> Option<Alert> {
        let Degraded { lasted, store, problem } = self;
        rules.store_degraded.filter(|limit| lasted >= *limit)?;
        let now = SystemTime::now();
        Some(Alert {
            name: "CircuitBreakerStoreDegraded",
            breaker: None,
            severity: Severity::Warning,
            since: now.checked_sub(lasted).unwrap_or(now),
            value: 1.0,
            summary: format!("the {store} store has been degraded for {}: {problem}", people(lasted)),
        })
    }
}
