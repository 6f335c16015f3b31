//! The metrics: their names, what they mean, and how they are read from a status. One table for every
//! exporter, so that all of them say the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Reason;
use crate::state::{Mode, State};
use crate::status::{Status, Transitions};

/// What a metric does over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only grows.
    Counter,
    Gauge,
}

/// A label besides the name of the breaker.
pub(super) type Label = (&'static str, &'static str);

/// Takes the values of a metric, each with its labels.
pub(super) type Take<'a> = &'a mut dyn FnMut(&[Label], f64);

/// A metric of every breaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// As Prometheus has it, with `_total` if it is a counter.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) read: fn(&Status, Take<'_>),
}

/// The metrics of every breaker, in the order in which they are shown.
pub(super) const FAMILIES: [Family; 18] = [
    Family {
        name: "circuit_breaker_state",
        kind: Kind::Gauge,
        help: "State that callers meet: 0 closed, 1 open, 2 half_open.",
        read: |status, take| take(&[], f64::from(status.state as u8)),
    },
    Family {
        name: "circuit_breaker_requests_total",
        kind: Kind::Counter,
        help: "Calls that ended or were refused, by the state that judged them.",
        read: |status, take| {
            for state in State::ALL {
                take(&[("state", state.as_str())], number(status.totals.requests.of(state)));
            }
        },
    },
    Family {
        name: "circuit_breaker_successes_total",
        kind: Kind::Counter,
        help: "Calls that succeeded.",
        read: |status, take| take(&[], number(status.totals.successes)),
    },
    Family {
        name: "circuit_breaker_failures_total",
        kind: Kind::Counter,
        help: "Calls that failed, panicked or timed out.",
        read: |status, take| take(&[], number(status.totals.failures)),
    },
    Family {
        name: "circuit_breaker_ignored_total",
        kind: Kind::Counter,
        help: "Calls whose outcome counts neither as success nor as failure.",
        read: |status, take| take(&[], number(status.totals.ignored)),
    },
    Family {
        name: "circuit_breaker_cancelled_total",
        kind: Kind::Counter,
        help: "Calls that were dropped before they had an outcome.",
        read: |status, take| take(&[], number(status.totals.cancelled)),
    },
    Family {
        name: "circuit_breaker_late_total",
        kind: Kind::Counter,
        help: "Calls that ended after the episode in which they began.",
        read: |status, take| take(&[], number(status.totals.late)),
    },
    Family {
        name: "circuit_breaker_rejections_total",
        kind: Kind::Counter,
        help: "Calls that were refused, by reason.",
        read: |status, take| {
            for reason in [Reason::Open, Reason::HalfOpenFull, Reason::ForcedOpen] {
                take(&[("reason", reason.as_str())], number(status.totals.rejections.by(reason)));
            }
        },
    },
    Family {
        name: "circuit_breaker_trips_total",
        kind: Kind::Counter,
        help: "Times that the circuit opened from closed.",
        read: |status, take| take(&[], number(status.totals.trips)),
    },
    Family {
        name: "circuit_breaker_transitions_total",
        kind: Kind::Counter,
        help: "Changes of state, by direction.",
        read: |status, take| {
            for (from, to) in Transitions::DIRECTIONS {
                let count = status.totals.transitions.between(from, to);
                take(&[("from", from.as_str()), ("to", to.as_str())], number(count));
            }
        },
    },
    Family {
        name: "circuit_breaker_fallbacks_total",
        kind: Kind::Counter,
        help: "Times that a fallback answered.",
        read: |status, take| take(&[], number(status.totals.fallbacks)),
    },
    Family {
        name: "circuit_breaker_slow_calls_total",
        kind: Kind::Counter,
        help: "Calls that took longer than slow_call_duration.",
        read: |status, take| take(&[], number(status.totals.slow_calls)),
    },
    Family {
        name: "circuit_breaker_in_flight",
        kind: Kind::Gauge,
        help: "Calls under way.",
        read: |status, take| {
            if let Some(calls) = status.in_flight {
                take(&[], number(calls));
            }
        },
    },
    Family {
        name: "circuit_breaker_forced",
        kind: Kind::Gauge,
        help: "1 while an operator's mode is set: forced open, disabled or metrics only.",
        read: |status, take| take(&[], f64::from(u8::from(status.mode != Mode::Auto))),
    },
    Family {
        name: "circuit_breaker_failure_ratio",
        kind: Kind::Gauge,
        help: "Share of failures in the window, once it holds minimum_calls.",
        read: |status, take| {
            if let Some(ratio) = status.window.and_then(|window| window.failure_rate) {
                take(&[], ratio);
            }
        },
    },
    Family {
        name: "circuit_breaker_slow_call_ratio",
        kind: Kind::Gauge,
        help: "Share of slow calls in the window, once it holds minimum_calls.",
        read: |status, take| {
            if let Some(ratio) = status.window.and_then(|window| window.slow_call_rate) {
                take(&[], ratio);
            }
        },
    },
    Family {
        name: "circuit_breaker_last_transition_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the state last changed, as seconds since the Unix epoch; 0 if it never did.",
        read: |status, take| take(&[], status.last_transition.as_ref().map_or(0.0, |last| unix(last.at))),
    },
    Family {
        name: "circuit_breaker_state_seconds_total",
        kind: Kind::Counter,
        help: "Time spent in each state.",
        read: |status, take| {
            for state in State::ALL {
                take(&[("state", state.as_str())], status.time_in_states.of(state).as_secs_f64());
            }
        },
    },
];

/// What the store of a registry failed at; with the labels `store` and `op`.
pub(super) const STORE_ERRORS: (&str, &str) =
    ("circuit_breaker_store_errors_total", "Times that a store failed at something, by what was tried.");

/// Whether the store of a registry works; with the label `store`.
pub(super) const STORE_DEGRADED: (&str, &str) = (
    "circuit_breaker_store_degraded",
    "1 while states are not kept or shared as they should be; breakers work in memory.",
);

/// The kind of the store that breakers have, and whether one of them is not kept in it as it should be; `None`
/// without a store.
pub(crate) fn store_of(statuses: &[Status]) -> Option<(&'static str, bool)> {
    let mut stores = statuses.iter().filter_map(|status| status.store.as_ref()).peekable();
    let kind = stores.peek()?.store;
    Some((kind, stores.any(|store| store.degraded.is_some())))
}

/// The histogram that is measured when asked for.
#[cfg(feature = "prometheus")]
pub(super) const DURATIONS: (&str, &str) =
    ("circuit_breaker_call_duration_seconds", "How long calls took, by outcome.");

/// A count as exporters take it; exact up to 9 · 10^15.
fn number(count: u64) -> f64 {
    count as f64
}

fn unix(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).as_ref().map_or(0.0, Duration::as_secs_f64)
}
