//! The JSON of the admin API, as its server writes it and its clients read it. What stands in a
//! view is what [`Status`](crate::Status) tells; how it is laid out is fixed here.
//!
//! A reader skips what it does not know, so that an older one reads a newer server.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::times::{maybe_rfc3339, maybe_seconds, rfc3339, seconds};
use crate::settings::{Key, Value};
use crate::state::{Mode, State};

/// A word of the vocabulary, such as the name of a cause. A text, because a newer server knows more of them.
pub type Word = Cow<'static, str>;

/// A breaker: what `GET /circuit-breakers/{name}` answers.
///
/// `None` means that it does not apply, or that there is not enough data. The nine fields from `failure_count` on say
/// what others say too, by the names that users of other libraries look for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BreakerView {
    /// The name of the breaker.
    pub name: String,
    /// What callers meet: a forced mode shows as its effect.
    pub state: State,
    /// What an operator has ordered.
    pub mode: Mode,
    /// How many episodes there have been.
    pub generation: u64,
    /// When the state began.
    #[serde(with = "rfc3339")]
    pub since: SystemTime,
    /// How long it has lasted, in seconds.
    #[serde(with = "seconds")]
    pub time_in_state: Duration,
    /// Seconds until a trial call may be admitted; `None` unless the circuit is open by itself.
    #[serde(with = "maybe_seconds")]
    pub retry_after: Option<Duration>,
    /// Calls under way; `None` if they are not counted.
    pub in_flight: Option<u64>,
    /// How often the circuit has re-opened since it was last closed.
    pub reopened: u32,
    /// What the rates and the count of failures in a row are taken of.
    pub window: WindowView,
    /// The half-open episode, if there is one.
    pub half_open: Option<HalfOpenView>,
    /// Counters, which only grow.
    pub totals: TotalsView,
    /// How long the breaker was in each state, in seconds.
    pub state_seconds: StateSecondsView,
    /// The last change of state.
    pub last_transition: Option<TransitionView>,
    /// When a call last failed.
    #[serde(with = "maybe_rfc3339")]
    pub last_failure: Option<SystemTime>,
    /// The preset, if one was named.
    pub preset: Option<Word>,
    /// Every setting in force; `Value::Off` is null in JSON.
    #[serde(deserialize_with = "settings")]
    pub config: BTreeMap<Key, Value>,
    /// Where each of them came from: `default`, `preset`, `configuration`, `environment`, `code`, `breaker_configuration`,
    /// `breaker_environment` or `runtime`.
    #[serde(deserialize_with = "origins")]
    pub origins: BTreeMap<Key, Word>,
    /// The first of the functions behind the breaker.
    pub location: Option<LocationView>,
    /// The functions behind the breaker.
    pub locations: Vec<LocationView>,
    /// What they disagree about.
    pub conflicts: Vec<ConflictView>,
    /// How its state is kept or shared; `None` without a store.
    pub store: Option<StoreView>,
    /// Failures in a row, as `window.consecutive_failures`.
    pub failure_count: u32,
    /// Successful trials of the half-open episode, else 0.
    pub success_count: u32,
    /// As `totals.requests`.
    pub total_calls: u64,
    /// As `config.failure_threshold`.
    pub failure_threshold: Option<u32>,
    /// As `config.recovery_timeout`.
    #[serde(with = "seconds")]
    pub recovery_timeout: Duration,
    /// As `last_failure`.
    #[serde(with = "maybe_rfc3339")]
    pub last_failure_time: Option<SystemTime>,
    /// As `time_in_state`.
    #[serde(with = "seconds")]
    pub time_in_current_state: Duration,
    /// As `retry_after`.
    #[serde(with = "maybe_seconds")]
    pub recovery_in_seconds: Option<Duration>,
    /// Share of the half-open episodes that closed the circuit; `None` if none has ended.
    pub recovery_success_rate: Option<f64>,
}

/// What the thresholds are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WindowView {
    /// Calls in the window; `None`, like the next four, when no rate is set.
    pub calls: Option<u64>,
    /// Those that failed.
    pub failures: Option<u64>,
    /// Those that were slow.
    pub slow_calls: Option<u64>,
    /// Share of failures; `None` under `minimum_calls`.
    pub failure_ratio: Option<f64>,
    /// Share of slow calls; `None` under `minimum_calls`.
    pub slow_call_ratio: Option<f64>,
    /// Failures in a row, towards `failure_threshold`; while open, those that opened it, and 0 after a trial.
    pub consecutive_failures: u32,
}

/// A half-open episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HalfOpenView {
    /// Trial calls that it admits.
    pub max_calls: u32,
    /// Trial calls under way.
    pub in_flight: u32,
    /// Trial calls that succeeded.
    pub successes: u32,
    /// Successes that close the circuit.
    pub success_threshold: u32,
    /// Seconds until it ends without a verdict; `None` before its first trial call.
    #[serde(with = "maybe_seconds")]
    pub time_left: Option<Duration>,
}

/// Counters of a breaker. They only grow, and survive a reset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TotalsView {
    /// Calls that ended or were refused.
    pub requests: u64,
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls whose outcome was ignored.
    pub ignored: u64,
    /// Calls that were dropped before they had an outcome.
    pub cancelled: u64,
    /// Calls that ended after the episode in which they began.
    pub late: u64,
    /// Calls that were refused.
    pub rejections: u64,
    /// Those, by reason.
    pub rejections_by_reason: RejectionsView,
    /// `requests`, by the state that judged them.
    pub requests_by_state: RequestsView,
    /// Calls that were slow.
    pub slow_calls: u64,
    /// How often a fallback answered.
    pub fallbacks: u64,
    /// How often the circuit opened from closed.
    pub trips: u64,
    /// Changes of state: `closed_to_open`, ...
    pub transitions: BTreeMap<Word, u64>,
}

/// Refused calls by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RejectionsView {
    /// The circuit was open.
    pub open: u64,
    /// The circuit was half-open and its trials were taken.
    pub half_open_full: u64,
    /// The circuit was forced open.
    pub forced_open: u64,
}

/// Calls by the state that judged them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestsView {
    /// While closed.
    pub closed: u64,
    /// While open.
    pub open: u64,
    /// While half-open.
    pub half_open: u64,
}

/// Seconds in each state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateSecondsView {
    /// While closed.
    #[serde(with = "seconds")]
    pub closed: Duration,
    /// While open.
    #[serde(with = "seconds")]
    pub open: Duration,
    /// While half-open.
    #[serde(with = "seconds")]
    pub half_open: Duration,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransitionView {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// Why: `failure_threshold`, `recovery_timeout`, `reset`, ...
    pub reason: Word,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
    /// The line of a log.
    pub message: String,
    /// Who ordered it, if an operator did who gave a name.
    pub by: Option<String>,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LocationView {
    /// The path of the module; empty for a breaker made by hand.
    pub module: Word,
    /// The name of the function; empty for a breaker made by hand.
    pub function: Word,
    /// The path of the file.
    pub file: Word,
    /// The line.
    pub line: u32,
}

/// A setting that two functions of one name state differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConflictView {
    /// The setting.
    pub key: Word,
    /// The value that counts.
    pub kept: String,
    /// Who stated it, as `file:line`.
    pub kept_at: String,
    /// The value that does not.
    pub ignored: String,
    /// Who stated that.
    pub ignored_at: String,
}

/// How the state of a breaker is kept outside of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoreView {
    /// The kind of the store: `file`, `redis`, `memory`, ...
    pub store: Word,
    /// Where the state comes from: `local`, `restored` or `remote`.
    pub source: Word,
    /// The fleet's number of the change that the state is of; `None` if it is not shared.
    pub epoch: Option<u64>,
    /// Votes of the fleet for opening; `None` if it is not shared.
    pub votes: Option<VotesView>,
    /// When the state was last read or written; `None` before the first time.
    #[serde(with = "maybe_rfc3339")]
    pub synced: Option<SystemTime>,
    /// What keeps it from being kept or shared; the breaker works in memory meanwhile. `None` if nothing does.
    pub degraded: Option<String>,
}

/// Votes of a fleet for opening a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VotesView {
    /// How many instances have opened by themselves.
    pub given: u32,
    /// How many open the fleet.
    pub needed: u32,
}

/// Reads settings; keys that this version does not know are skipped.
fn settings<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Key, Value>, D::Error> {
    let read = BTreeMap::<String, Option<serde_json::Number>>::deserialize(deserializer)?;
    let known = read.into_iter().filter_map(|(key, number)| Some((key.parse::<Key>().ok()?, number)));
    known
        .map(|(key, number)| {
            let value = number.map_or(Ok(Value::Off), |number| key.read(&number.to_string()));
            Ok((key, value.map_err(serde::de::Error::custom)?))
        })
        .collect()
}

/// Reads origins; keys that this version does not know are skipped.
fn origins<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Key, Word>, D::Error> {
    let read = BTreeMap::<String, Word>::deserialize(deserializer)?;
    Ok(read.into_iter().filter_map(|(key, origin)| Some((key.parse().ok()?, origin))).collect())
}
