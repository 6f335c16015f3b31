//! What the routes of the admin API answer besides a breaker, as the server writes it and clients read it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::times::rfc3339;
use super::view::{BreakerView, Word};
use crate::state::{Mode, State};

/// What `GET /circuit-breakers` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListView {
    /// The breakers, by name.
    pub circuit_breakers: Vec<BreakerView>,
}

/// What `GET /circuit-breakers/{name}/state` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateView {
    /// The name of the breaker.
    pub name: String,
    /// What callers meet.
    pub state: State,
    /// What an operator has ordered.
    pub mode: Mode,
}

/// What `GET /health` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HealthView {
    /// `ok`, or `degraded` if at least one circuit is open.
    pub status: Word,
    /// The name of the service, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// All breakers.
    pub total: usize,
    /// Those that are closed.
    pub closed: usize,
    /// Those that are open, or forced open.
    pub open: usize,
    /// Those that are half-open.
    pub half_open: usize,
    /// The names of those that are open, sorted.
    pub open_breakers: Vec<String>,
    /// The store that keeps or shares the states, if there is one. One that fails makes nothing `degraded` but
    /// itself: breakers work in memory meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreHealthView>,
}

/// How the store of a registry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoreHealthView {
    /// The kind of the store: `file`, `redis`, `memory`, ...
    pub store: Word,
    /// Whether states are not kept or shared as they should be. Why, the breakers tell.
    pub degraded: bool,
}

/// What `POST /circuit-breakers/reset-all` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResetView {
    /// How many breakers were reset.
    pub reset: usize,
}

/// What `GET /alerts` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AlertsView {
    /// The active alerts.
    pub alerts: Vec<AlertView>,
}

/// An active alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AlertView {
    /// The rule, such as `CircuitBreakerOpen`.
    pub name: Word,
    /// The name of the breaker; `None` if the alert is about all of them.
    pub breaker: Option<String>,
    /// `info`, `warning` or `critical`.
    pub severity: Word,
    /// Since when it has been active.
    #[serde(with = "rfc3339")]
    pub since: SystemTime,
    /// What the rule looked at.
    pub value: f64,
    /// A sentence for people.
    pub summary: String,
}

/// The data of the stream's event `snapshot`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SnapshotView {
    /// The breakers, by name.
    pub circuit_breakers: Vec<BreakerView>,
    /// As `GET /health`.
    pub summary: HealthView,
    /// As `GET /alerts`.
    pub alerts: Vec<AlertView>,
    /// Totals of the last two minutes by breaker: Unix time, successes, failures, rejections.
    pub history: BTreeMap<String, Vec<(f64, u64, u64, u64)>>,
}

/// The data of the stream's event `stats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatsView {
    /// The breakers about which something but the passing of time has changed.
    pub circuit_breakers: Vec<BreakerView>,
    /// As `GET /health`.
    pub summary: HealthView,
    /// As `GET /alerts`.
    pub alerts: Vec<AlertView>,
    /// The names of breakers that have left the registry.
    pub removed: Vec<String>,
}

/// An error of the admin API, by RFC 9457: `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is: `about:blank`, so its status tells.
    #[serde(rename = "type")]
    pub kind: Word,
    /// The name of the status.
    pub title: Word,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: Cow<'static, str>,
    /// The key of the first setting that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Every setting that was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<KeyProblem>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// A setting that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyProblem {
    /// The key, as it was sent.
    pub key: String,
    /// What is wrong with it, and what to do.
    pub detail: String,
}
