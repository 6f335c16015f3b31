//! The settings of a trace about a fleet, translated to ours.

use std::collections::BTreeMap;
use std::time::Duration;

use breakerbox::Config;
use breakerbox::shared::FleetCounts;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::settings::{Reading, Settings as OfBreaker};
use crate::trace::Trace;

/// How long a lease holds if the trace does not say.
const LEASE: u64 = 30_000;

/// The settings of the breakers themselves, in the words of the format.
const OF_BREAKERS: [&str; 13] = [
    "window",
    "failure_threshold",
    "failure_rate",
    "slow_call_ms",
    "slow_rate",
    "window_size",
    "window_secs",
    "bucket_ms",
    "half_open_max_calls",
    "success_threshold",
    "recovery_timeout_ms",
    "backoff",
    "minimum_calls",
];

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) instances: Vec<String>,
    /// Milliseconds.
    pub(crate) interval: u64,
    /// `None`: half of those that live, three at most.
    pub(crate) quorum: Option<u32>,
    pub(crate) counts: Option<FleetCounts>,
    lease: u64,
    offsets: BTreeMap<String, i64>,
    of_breakers: Map<String, Value>,
}

/// What is about the fleet.
#[derive(Debug, Deserialize)]
struct Stated {
    instances: Vec<String>,
    #[serde(default)]
    quorum: Option<Value>,
    #[serde(default)]
    sync_interval_ms: Option<u64>,
    #[serde(default)]
    lease_ttl_ms: Option<u64>,
    #[serde(default)]
    clock_offset_ms: BTreeMap<String, i64>,
    #[serde(default)]
    fleet_failure_threshold: Option<u64>,
    #[serde(default)]
    fleet_failure_rate: Option<f64>,
    #[serde(default)]
    fleet_window_secs: Option<f64>,
    #[serde(default)]
    minimum_calls: Option<u64>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Settings {
    pub(crate) fn read(fleet: &Value) -> Result<Settings, String> {
        let mut stated =
            Stated::deserialize(fleet).map_err(|error| format!("`fleet` is not of the format: {error}"))?;
        if let Some(key) = stated.rest.keys().find(|key| !OF_BREAKERS.contains(&key.as_str())) {
            return Err(format!("`fleet.{key}`: not of the format, and nothing of ours"));
        }
        let quorum = match &stated.quorum {
            None => None,
            Some(auto) if auto == "auto" => None,
            Some(eager) if eager == "eager" => Some(1),
            Some(number) => {
                let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
                Some(number.ok_or_else(|| format!("`quorum` = {:?}: not of the format", stated.quorum))?)
            }
        };
        let (threshold, rate) = (stated.fleet_failure_threshold, stated.fleet_failure_rate);
        let counts = (threshold.is_some() || rate.is_some()).then(|| {
            let window = stated.fleet_window_secs.unwrap_or(60.0);
            let mut counts = FleetCounts::new(Duration::from_secs_f64(window));
            if let Some(threshold) = threshold {
                counts = counts.failure_threshold(threshold);
            }
            if let Some(rate) = rate {
                counts = counts.failure_rate_threshold(rate);
            }
            // They are those of the fleet.
            counts.minimum_calls(stated.minimum_calls.take().unwrap_or(1))
        });
        if let Some(minimum) = stated.minimum_calls {
            stated.rest.insert("minimum_calls".to_owned(), json!(minimum));
        }
        let lease = stated.lease_ttl_ms.unwrap_or(LEASE);
        // Our leases last longer than a trial by four intervals.
        let interval = stated.sync_interval_ms.unwrap_or(1000).min(lease / 5).max(1);
        Ok(Settings {
            instances: stated.instances,
            interval,
            quorum,
            counts,
            lease,
            offsets: stated.clock_offset_ms,
            of_breakers: stated.rest,
        })
    }

    /// How far the clock of an instance is ahead.
    pub(crate) fn offset(&self, instance: &str) -> i64 {
        self.offsets.get(instance).copied().unwrap_or_default()
    }

    pub(crate) fn config(&self) -> Result<Config, String> {
        let mut config = self.of_breakers.clone();
        config.insert("max_wait_half_open_ms".to_owned(), json!(self.lease - 4 * self.interval));
        let trace = Trace::of_settings(config);
        OfBreaker::of(&trace, &[]).translate(Reading::InARow)
    }
}
