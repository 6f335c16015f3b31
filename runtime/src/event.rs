//! What happened to a breaker, with cause and numbers. Who is told, and in what order, is `bus`.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::duration;
use crate::error::Reason;
use crate::location::Location;
use crate::settings::{Key, Value};
use crate::state::{Mode, State};

/// Why a circuit changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cause {
    /// Consecutive failures reached `failure_threshold`.
    FailureThreshold,
    /// The share of failures reached `failure_rate_threshold`.
    FailureRateThreshold,
    /// The share of slow calls reached `slow_call_rate_threshold`.
    SlowCallRateThreshold,
    /// The open time is over and a trial call came.
    RecoveryTimeout,
    /// A trial call failed.
    TrialFailed,
    /// `success_threshold` trial calls succeeded.
    SuccessThreshold,
    /// A half-open episode brought no verdict in `half_open_timeout`.
    HalfOpenTimeout,
    /// Someone called `open`, `open_for`, `half_open` or `close`.
    Manual,
    /// Someone called `reset`.
    Reset,
    /// The state was restored from a snapshot.
    Restored,
    /// Another instance of the fleet found it, or an operator ordered it there.
    Remote,
}

impl Cause {
    /// The name of the cause in snake case, such as `failure_threshold`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cause::FailureThreshold => "failure_threshold",
            Cause::FailureRateThreshold => "failure_rate_threshold",
            Cause::SlowCallRateThreshold => "slow_call_rate_threshold",
            Cause::RecoveryTimeout => "recovery_timeout",
            Cause::TrialFailed => "trial_failed",
            Cause::SuccessThreshold => "success_threshold",
            Cause::HalfOpenTimeout => "half_open_timeout",
            Cause::Manual => "manual",
            Cause::Reset => "reset",
            Cause::Restored => "restored",
            Cause::Remote => "remote",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A change of state, with its cause and the numbers that led to it.
///
/// As text it is the line of a log: `circuit 'quotes': closed -> open (5 consecutive failures)`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Transition {
    /// The name of the breaker.
    pub breaker: Arc<str>,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// Why.
    pub cause: Cause,
    /// When, by the wall clock.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_unix"))]
    pub at: SystemTime,
    /// The episode that begins.
    pub generation: u64,
    /// Consecutive failures when it happened.
    pub consecutive_failures: u32,
    /// Calls, failures and slow calls in the window when it happened; zero without a window.
    pub calls: u64,
    /// Failures in the window.
    pub failures: u64,
    /// Slow calls in the window.
    pub slow_calls: u64,
    /// Successful trials of the half-open episode that ended.
    pub trials_succeeded: u32,
    /// The time until a trial call may be admitted, if it opened.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_optional_seconds"))]
    pub retry_after: Option<Duration>,
    /// Who ordered it, if an operator did who gave a name: see [`CircuitBreaker::by`](crate::CircuitBreaker::by).
    pub by: Option<Arc<str>>,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circuit '{}': {} -> {} (", self.breaker, self.from, self.to)?;
        match self.cause {
            Cause::FailureThreshold => plural(f, u64::from(self.consecutive_failures), "consecutive failure")?,
            Cause::FailureRateThreshold => write!(f, "{} of {} calls failed", self.failures, self.calls)?,
            Cause::SlowCallRateThreshold => write!(f, "{} of {} calls were slow", self.slow_calls, self.calls)?,
            Cause::RecoveryTimeout => f.write_str("open time over")?,
            Cause::TrialFailed => f.write_str("trial call failed")?,
            Cause::SuccessThreshold => {
                plural(f, u64::from(self.trials_succeeded), "trial call")?;
                f.write_str(" succeeded")?;
            }
            Cause::HalfOpenTimeout => f.write_str("no verdict in time")?,
            Cause::Manual if self.by.is_some() => {}
            Cause::Manual => f.write_str("by hand")?,
            Cause::Reset => f.write_str("reset")?,
            Cause::Restored => f.write_str("restored")?,
            Cause::Remote => f.write_str("told by the fleet")?,
        }
        match &self.by {
            Some(who) if self.cause == Cause::Manual => write!(f, "by {who})"),
            Some(who) => write!(f, " by {who})"),
            None => f.write_str(")"),
        }
    }
}

fn plural(f: &mut fmt::Formatter<'_>, count: u64, noun: &str) -> fmt::Result {
    write!(f, "{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Two functions with the same name that state different values of one setting.
///
/// The value of the first, by source location, counts.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Conflict {
    /// The name of the breaker.
    pub breaker: Arc<str>,
    /// The setting; `preset` for the preset.
    pub key: &'static str,
    /// The value that counts.
    pub kept: String,
    /// Who stated the value that counts.
    pub kept_at: Location,
    /// The value that was set aside.
    pub ignored: String,
    /// Who stated the value that was set aside.
    pub ignored_at: Location,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "circuit '{}': `{}` is {} at {} but {} at {}; the first counts",
            self.breaker, self.key, self.kept, self.kept_at, self.ignored, self.ignored_at
        )
    }
}

/// An environment variable that cannot be used and is ignored; or a setting of
/// [`Registry::configure`](crate::Registry::configure) that contradicts the code of a breaker made later.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Warning {
    /// The name of the variable; of such a setting the path, `breakers.fetch.failure_threshold`.
    pub variable: String,
    /// Its value; `***` if its name looks like that of a secret.
    pub value: String,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} is ignored: {}", self.variable, self.value, self.problem)
    }
}

/// A setting before and after a change at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Change {
    /// The setting.
    pub key: Key,
    /// Its value before.
    pub before: Value,
    /// Its value after.
    pub after: Value,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.key, self.before, self.after)
    }
}

/// Who ordered something, as the end of a line.
struct By<'a>(&'a Option<Arc<str>>);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |who| write!(f, " by {who}"))
    }
}

/// What happened to a breaker, or to the registry. Listeners hear events in order, outside every lock.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "event", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Event {
    /// A circuit changed its state.
    Transition(Transition),
    /// An operator changed the mode of a breaker.
    #[non_exhaustive]
    ModeChanged {
        /// The name of the breaker.
        breaker: Arc<str>,
        /// The mode before.
        from: Mode,
        /// The mode after.
        to: Mode,
        /// The state underneath.
        state: State,
        /// Who ordered it, if a name was given.
        by: Option<Arc<str>>,
    },
    /// An operator reset a breaker: closed, window empty, mode `auto`.
    #[non_exhaustive]
    Reset {
        /// The name of the breaker.
        breaker: Arc<str>,
        /// Who ordered it, if a name was given.
        by: Option<Arc<str>>,
    },
    /// A threshold was reached in the mode `metrics_only`: in `auto` the circuit would have opened.
    /// Told once for each threshold and episode.
    #[non_exhaustive]
    WouldOpen {
        /// The name of the breaker.
        breaker: Arc<str>,
        /// The threshold.
        cause: Cause,
    },
    /// Settings of a breaker changed at run time.
    #[non_exhaustive]
    Reconfigured {
        /// The name of the breaker.
        breaker: Arc<str>,
        /// The settings that were stated, and those that changed with them.
        changes: Vec<Change>,
        /// Who ordered it, if a name was given.
        by: Option<Arc<str>>,
    },
    /// Calls were refused. Told once in a while, if [`Registry::tell_refusals`](crate::Registry::tell_refusals)
    /// asks for it.
    #[non_exhaustive]
    Refused {
        /// The name of the breaker.
        breaker: Arc<str>,
        /// Why the last of them was refused.
        reason: Reason,
        /// The time until a trial call may be admitted; `None` unless the circuit is open by itself.
        #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_optional_seconds"))]
        retry_after: Option<Duration>,
        /// How many were refused since this was last told.
        calls: u64,
    },
    /// A breaker came into the registry.
    #[non_exhaustive]
    Registered {
        /// The name of the breaker.
        breaker: Arc<str>,
    },
    /// A breaker left the registry.
    #[non_exhaustive]
    Removed {
        /// The name of the breaker.
        breaker: Arc<str>,
    },
    /// Two functions with one name contradict each other.
    Conflict(Conflict),
    /// An environment variable cannot be used.
    Warning(Warning),
    /// A store fails. Breakers work by themselves meanwhile, and it is tried again.
    #[non_exhaustive]
    StoreDegraded {
        /// The kind of the store, such as `file`.
        store: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A store works again.
    #[non_exhaustive]
    StoreRecovered {
        /// The kind of the store, such as `file`.
        store: &'static str,
    },
    /// The state that a store holds of a breaker cannot be used: the breaker begins closed.
    #[non_exhaustive]
    StateUnusable {
        /// The name of the breaker.
        breaker: Arc<str>,
        /// The kind of the store, such as `file`.
        store: &'static str,
        /// What is wrong, and what became of it.
        problem: String,
    },
}

impl Event {
    /// The name of the breaker that the event is about, if it is about one.
    pub fn breaker(&self) -> Option<&str> {
        match self {
            Event::Transition(transition) => Some(&transition.breaker),
            Event::Conflict(conflict) => Some(&conflict.breaker),
            Event::ModeChanged { breaker, .. }
            | Event::Reset { breaker, .. }
            | Event::Refused { breaker, .. }
            | Event::WouldOpen { breaker, .. }
            | Event::Reconfigured { breaker, .. }
            | Event::Registered { breaker }
            | Event::Removed { breaker }
            | Event::StateUnusable { breaker, .. } => Some(breaker),
            Event::Warning(_) | Event::StoreDegraded { .. } | Event::StoreRecovered { .. } => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Transition(transition) => transition.fmt(f),
            Event::Conflict(conflict) => conflict.fmt(f),
            Event::Warning(warning) => warning.fmt(f),
            Event::ModeChanged { breaker, from, to, by, .. } => {
                write!(f, "circuit '{breaker}': mode {from} -> {to}{}", By(by))
            }
            Event::Reset { breaker, by } => write!(f, "circuit '{breaker}': reset{}", By(by)),
            Event::Refused { breaker, reason, retry_after, calls } => {
                write!(f, "circuit '{breaker}': refused ")?;
                plural(f, *calls, "call")?;
                write!(f, " ({reason}")?;
                if let Some(left) = retry_after.and_then(duration::rough) {
                    write!(f, ", next trial in {left}")?;
                }
                f.write_str(")")
            }
            Event::WouldOpen { breaker, cause } => {
                write!(f, "circuit '{breaker}': would open ({cause}), but only measures")
            }
            Event::Reconfigured { breaker, changes, by } => {
                let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
                write!(f, "circuit '{breaker}': reconfigured ({}){}", changes.join(", "), By(by))
            }
            Event::Registered { breaker } => write!(f, "circuit '{breaker}': registered"),
            Event::Removed { breaker } => write!(f, "circuit '{breaker}': removed"),
            Event::StoreDegraded { store, problem } => {
                write!(f, "{store} store: degraded, breakers work in memory ({problem})")
            }
            Event::StoreRecovered { store } => write!(f, "{store} store: recovered"),
            Event::StateUnusable { breaker, store, problem } => {
                write!(f, "circuit '{breaker}': its state in the {store} store cannot be used ({problem})")
            }
        }
    }
}
