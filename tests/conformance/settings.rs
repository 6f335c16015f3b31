//! The settings of a trace in our words. Whatever means the same for the trace is used, nothing
//! else; what our `Config` refuses is told in its own words.

use std::time::Duration;

use breakerbox::{Config, ConfigBuilder, Key};
use serde_json::{Map, Value};

use crate::reference::settings::Stated;
use crate::trace::{Step, Trace};

/// Longer than any trace, so as good as never.
const NEVER: Duration = Duration::MAX;

/// What a window of failures, which we have not, is played as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Failures in a row.
    InARow,
    /// `threshold` of `size` calls as a share, taken of a full window.
    Share,
}

/// The window in which a trace counts failures, where it counts them in one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailureWindow {
    pub(crate) threshold: usize,
    /// In calls; otherwise in milliseconds, with the width of a bucket.
    pub(crate) calls: Option<usize>,
    pub(crate) time_ms: f64,
    pub(crate) bucket_ms: f64,
}

/// The settings of a trace, read.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    map: Map<String, Value>,
    steps: &'a [Step],
    is_quirk: bool,
}

const WINDOW_KEYS: [&str; 7] = ["calls", "failed", "succeeded", "slow", "slow_failed", "failure_rate", "slow_rate"];

impl<'a> Settings<'a> {
    pub(crate) fn of(trace: &Trace, steps: &'a [Step]) -> Self {
        Settings { map: trace.settings(), steps, is_quirk: trace.is_quirk() }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.map.get(key).and_then(Value::as_str)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.map.get(key).and_then(Value::as_f64)
    }

    fn count(&self, key: &str) -> Option<u32> {
        // What is no count becomes one that our `Config` refuses.
        self.map.get(key).map(|value| value.as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0))
    }

    fn millis(&self, key: &str) -> Option<Duration> {
        self.map.get(key).and_then(millis)
    }

    pub(crate) fn initial_state(&self) -> &str {
        self.text("initial_state").unwrap_or("closed")
    }

    pub(crate) fn slow_call_ms(&self) -> Option<u64> {
        self.map.get("slow_call_ms").and_then(Value::as_u64)
    }

    pub(crate) fn rates(&self) -> (Option<f64>, Option<f64>) {
        (self.number("failure_rate"), self.number("slow_rate"))
    }

    /// The length of a window of time.
    pub(crate) fn window_time(&self) -> Option<Duration> {
        self.number("window_secs").filter(|_| self.text("window") == Some("time")).map(Duration::from_secs_f64)
    }

    /// The window in which failures are counted; `None` where they are counted in a row, as ours.
    pub(crate) fn failure_window(&self) -> Option<FailureWindow> {
        let threshold = self.count("failure_threshold")? as usize;
        let calls = match self.text("window") {
            Some("count") => Some(self.count("window_size").unwrap_or(u32::MAX) as usize),
            Some("time") => None,
            _ => return None,
        };
        let time_ms = self.number("window_secs").unwrap_or(f64::INFINITY) * 1000.0;
        Some(FailureWindow { threshold, calls, time_ms, bucket_ms: self.number("bucket_ms").unwrap_or(1000.0) })
    }

    /// Whether a step looks into the window.
    fn is_window_asked_for(&self) -> bool {
        let asks = |step: &Step| WINDOW_KEYS.iter().any(|key| step.expectation(self.is_quirk).contains_key(*key));
        self.steps.iter().any(asks)
    }

    /// Our settings, or why there are none.
    pub(crate) fn translate(&self, reading: Reading) -> Result<Config, String> {
        let mut config = self.recovery(Config::builder())?;
        config = self.half_open(config);
        config = match (reading, self.failure_window()) {
            (Reading::InARow, _) => config.failure_threshold(self.count("failure_threshold")),
            (Reading::Share, Some(FailureWindow { threshold, calls: Some(size), .. })) => config
                .failure_threshold(None)
                .failure_rate_threshold(threshold as f64 / size as f64)
                .minimum_calls(u32::try_from(size).unwrap_or(0)),
            (Reading::Share, _) => return Err("a share needs a window of calls".into()),
        };
        config = self.window(config, reading)?;
        config.build().map_err(|error| format!("our `Config` refuses it: {error}"))
    }

    fn window(&self, mut config: ConfigBuilder, reading: Reading) -> Result<ConfigBuilder, String> {
        let (failure_rate, slow_rate) = self.rates();
        let has_rate = failure_rate.is_some() || slow_rate.is_some() || reading == Reading::Share;
        let window = self.text("window").unwrap_or("consecutive");
        if window == "consecutive" {
            let problem = "rates need a window: neither the format nor ours has one for \"consecutive\"";
            return if has_rate { Err(problem.into()) } else { Ok(config) };
        }
        if !matches!(window, "count" | "time") {
            return Err(format!("`window` = \"{window}\" is not of the format"));
        }
        if has_rate {
            if let Some(rate) = failure_rate {
                config = config.failure_rate_threshold(rate);
            }
            if let Some(rate) = slow_rate {
                config = config.slow_call_rate_threshold(rate);
            }
            if let Some(slow) = self.millis("slow_call_ms") {
                config = config.slow_call_duration(slow);
            }
        } else if self.is_window_asked_for() && self.slow_call_ms().is_none() {
            // A window to look into. Harmless: no call lasts for ever, so the share of slow ones
            // is 0 and never reaches 1.
            config = config.slow_call_duration(NEVER).slow_call_rate_threshold(1.0);
        } else {
            return Ok(config);
        }
        if reading == Reading::InARow {
            // No `minimum_calls` means none; our default would be 10.
            config = config.minimum_calls(self.count("minimum_calls").unwrap_or(1));
        }
        if let Some(time) = self.window_time() {
            config = config.window_duration(time);
        } else if let Some(size) = self.count("window_size") {
            config = config.window_size(size);
        }
        Ok(config)
    }

    fn half_open(&self, config: ConfigBuilder) -> ConfigBuilder {
        let trials = self.count("half_open_max_calls").unwrap_or(1);
        let mut successes = self.count("success_threshold").unwrap_or(1);
        if successes > trials && !self.steps.iter().any(Step::is_success) {
            // Ours refuses a threshold that cannot be reached; here nothing tries to reach it.
            successes = trials;
        }
        let longest = self.millis("max_wait_half_open_ms").unwrap_or(NEVER);
        config.half_open_max_calls(trials).success_threshold(successes).half_open_timeout(longest)
    }

    fn recovery(&self, config: ConfigBuilder) -> Result<ConfigBuilder, String> {
        let Some(backoff) = self.map.get("backoff") else {
            return Ok(match self.millis("recovery_timeout_ms") {
                Some(time) => config.recovery_timeout(time),
                None => config,
            });
        };
        let part = |key: &str| backoff.get(key).and_then(Value::as_f64);
        let (initial, factor, longest) = match backoff.get("kind").and_then(Value::as_str) {
            Some("exponential") => (part("initial_ms"), part("factor"), part("max_ms")),
            Some("list") => {
                let times: Vec<f64> =
                    backoff["ms"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
                let (initial, factor, longest) =
                    growth(&times).ok_or_else(|| format!("`backoff` = {backoff}: ours grows by one factor"))?;
                (Some(initial), Some(factor), Some(longest))
            }
            _ => return Err(format!("`backoff` = {backoff}: a kind that is not of the format")),
        };
        let time = |ms: f64| Duration::from_secs_f64(ms / 1000.0);
        let initial = initial.ok_or_else(|| format!("`backoff` = {backoff}: no first time"))?;
        Ok(config
            .recovery_timeout(time(initial))
            .multiplier(factor.unwrap_or(1.0))
            .max_recovery_timeout(longest.map(time)))
    }
}

/// The first time, the factor and the last time of a list that grows by one factor.
fn growth(times: &[f64]) -> Option<(f64, f64, f64)> {
    let (first, last) = (*times.first()?, *times.last()?);
    let factor = times.get(1).map_or(1.0, |second| second / first);
    let grown = |index: usize| (first * factor.powi(i32::try_from(index).unwrap_or(i32::MAX))).min(last);
    times.iter().enumerate().all(|(index, time)| (grown(index) - time).abs() < 1e-6).then_some((first, factor, last))
}

fn millis(value: &Value) -> Option<Duration> {
    match value.as_u64() {
        Some(whole) => Some(Duration::from_millis(whole)),
        None => value.as_f64().and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok()),
    }
}

/// All settings of a `Config`, as if they were stated one by one.
pub(crate) fn stated(config: &Config) -> Stated {
    let is_stated = |key: &Key| match key {
        Key::WindowSize | Key::WindowDuration => config.get(*key) != breakerbox::Value::Off,
        _ => true,
    };
    Key::ALL.into_iter().filter(is_stated).map(|key| (key, config.get(key))).collect()
}
