//! What happens, as events of tracing.

use std::time::Duration;

use tracing::{debug, info, warn};

use crate::bus::Subscription;
use crate::event::{Cause, Event, Transition};
use crate::registry::Registry;
use crate::state::State;

/// Refusals of a breaker are told at most so often.
const REFUSALS: Duration = Duration::from_secs(1);

/// Says what happens to the breakers of a registry, as events of tracing with the target `breakerbox`.
///
/// | what | level | fields |
/// |---|---|---|
/// | a circuit opens, or an operator moves it | WARN | `breaker`, `from`, `to`, `reason`, `failures`, `retry_after_ms`, `by` |
/// | it half-opens or closes by itself | INFO | the same |
/// | a mode is set, a breaker is reset, its settings change | WARN | `breaker`, `by`, and `from`, `to` or `changes` |
/// | it would open, but only measures | INFO | `breaker`, `reason` |
/// | calls are refused, at once and then each second | DEBUG | `breaker`, `reason`, `calls`, `retry_after_ms` |
/// | a breaker comes or goes | DEBUG | `breaker` |
/// | functions contradict each other, a variable cannot be used | WARN | `breaker` and `key`, or `variable` |
///
/// The message is the line that the event is as text: `circuit 'quotes': closed -> open (5 consecutive
/// failures)`. With the feature `log` they are records of the log crate too, where no subscriber of tracing
/// is set. A call pays nothing; a refused one some nanoseconds.
///
/// ```
/// use breakerbox::observe::trace;
///
/// trace(breakerbox::registry()).keep();
/// ```
pub fn trace(registry: &Registry) -> Subscription {
    registry.tell_refusals(REFUSALS);
    registry.subscribe(say)
}

fn say(event: &Event) {
    match event {
        Event::Transition(transition) => say_transition(transition),
        Event::ModeChanged { breaker, from, to, by, .. } => {
            warn!(target: "breakerbox", breaker = &**breaker, from = from.as_str(), to = to.as_str(), by = by.as_deref(), "{event}");
        }
        Event::Reset { breaker, by } => {
            warn!(target: "breakerbox", breaker = &**breaker, by = by.as_deref(), "{event}");
        }
        Event::Reconfigured { breaker, changes, by } => {
            let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
            warn!(target: "breakerbox", breaker = &**breaker, changes = changes.join(", "), by = by.as_deref(), "{event}");
        }
        Event::WouldOpen { breaker, cause } => {
            info!(target: "breakerbox", breaker = &**breaker, reason = cause.as_str(), "{event}");
        }
        Event::Refused { breaker, reason, retry_after, calls } => {
            let retry_after_ms = retry_after.map(millis);
            debug!(target: "breakerbox", breaker = &**breaker, reason = reason.as_str(), calls, retry_after_ms, "{event}");
        }
        Event::Registered { breaker } | Event::Removed { breaker } => {
            debug!(target: "breakerbox", breaker = &**breaker, "{event}");
        }
        Event::Conflict(conflict) => {
            warn!(target: "breakerbox", breaker = &*conflict.breaker, key = conflict.key, "{event}");
        }
        Event::Warning(warning) => {
            warn!(target: "breakerbox", variable = &*warning.variable, "{event}");
        }
    }
}

fn say_transition(transition: &Transition) {
    let Transition { breaker, from, to, cause, by, .. } = transition;
    let (breaker, from, to_name, reason, by) = (&**breaker, from.as_str(), to.as_str(), cause.as_str(), by.as_deref());
    // Those that the cause is about.
    let failures = match cause {
        Cause::FailureRateThreshold => transition.failures,
        _ => u64::from(transition.consecutive_failures),
    };
    let retry_after_ms = transition.retry_after.map(millis);
    if *to == State::Open || matches!(cause, Cause::Manual | Cause::Reset) {
        warn!(target: "breakerbox", breaker, from, to = to_name, reason, failures, retry_after_ms, by, "{transition}");
    } else {
        info!(target: "breakerbox", breaker, from, to = to_name, reason, failures, retry_after_ms, by, "{transition}");
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}
