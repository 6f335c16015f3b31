//! The settings of a breaker as its user states them. What they come to is `policy`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::policy::{Defect, Policy, Stated, out_of_range};
use crate::preset::Preset;
use crate::settings::{Key, Origin, Value};

/// The settings of a breaker, judged: nothing out of range, nothing contradictory.
///
/// `Config::default()` opens after 5 consecutive failures for 60 s and closes after 3 successful
/// trial calls; [`ConfigBuilder`] tells all settings and their defaults.
///
/// ```
/// use breakerbox::{Config, Preset};
/// use std::time::Duration;
///
/// let config = Config::builder()
///     .preset(Preset::ExternalApi)
///     .failure_threshold(3)
///     .recovery_timeout(Duration::from_secs(30))
///     .build()?;
///
/// let error = Config::builder().failure_threshold(0).build().unwrap_err();
/// assert_eq!(error.key(), "failure_threshold");
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    builder: ConfigBuilder,
}

impl Config {
    /// A builder that states nothing yet.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// The settings of a preset, and the defaults for the rest.
    pub fn preset(preset: Preset) -> Config {
        Config { builder: ConfigBuilder::default().preset(preset) }
    }

    /// The value of a setting, by these settings, their preset and the defaults alone.
    ///
    /// What is in force in a breaker, environment included, its [`Status`](crate::Status) tells.
    pub fn get(&self, key: Key) -> Value {
        // A `Config` is made by `build` alone, so its settings resolve.
        Policy::resolve(&self.builder.stated()).map_or(Value::Off, |policy| policy.get(key))
    }

    pub(crate) fn stated_preset(&self) -> Option<Preset> {
        self.builder.preset
    }

    pub(crate) fn stated(&self) -> &[(Key, Value)] {
        &self.builder.stated
    }
}

impl TryFrom<ConfigBuilder> for Config {
    type Error = ConfigError;

    fn try_from(builder: ConfigBuilder) -> Result<Self, ConfigError> {
        builder.build()
    }
}

impl From<&Config> for Config {
    fn from(config: &Config) -> Config {
        config.clone()
    }
}

/// States the settings of a breaker one by one; [`build`](ConfigBuilder::build) judges them.
///
/// What is not stated comes from the environment, then the preset, then the default. A setting
/// that can be off takes `None` for that.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ConfigBuilder {
    pub(crate) preset: Option<Preset>,
    pub(crate) stated: Vec<(Key, Value)>,
}

/// In whatever order they state their settings.
impl PartialEq for ConfigBuilder {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |setting: &(Key, Value)| other.stated.contains(setting);
        self.preset == other.preset && self.stated.len() == other.stated.len() && self.stated.iter().all(is_same)
    }
}

impl ConfigBuilder {
    /// Starts from a preset, which is weaker than anything stated and than the environment.
    pub fn preset(mut self, preset: Preset) -> Self {
        self.preset = Some(preset);
        self
    }

    /// Consecutive failures that open the circuit: 1 to 1,000,000, or `None` to count none. Default 5.
    pub fn failure_threshold(self, calls: impl Into<Option<u32>>) -> Self {
        self.count(Key::FailureThreshold, calls.into())
    }

    /// How long the circuit stays open before trial calls, more than zero. Default 60 s.
    pub fn recovery_timeout(self, time: Duration) -> Self {
        self.time(Key::RecoveryTimeout, Some(time))
    }

    /// Trial calls admitted in one half-open episode, 1 to 1,000,000. Default 3, or `success_threshold` if that is larger.
    pub fn half_open_max_calls(self, calls: u32) -> Self {
        self.count(Key::HalfOpenMaxCalls, Some(calls))
    }

    /// Successful trials that close the circuit, at most `half_open_max_calls`. Default that number if it was given, else 3.
    pub fn success_threshold(self, calls: u32) -> Self {
        self.count(Key::SuccessThreshold, Some(calls))
    }

    /// How long a half-open episode may last without a verdict; each successful trial begins it again.
    /// Default the larger of `recovery_timeout` and 60 s.
    pub fn half_open_timeout(self, time: Duration) -> Self {
        self.time(Key::HalfOpenTimeout, Some(time))
    }

    /// Share of failures in the window that opens the circuit, more than 0 and at most 1. Default off.
    pub fn failure_rate_threshold(self, share: impl Into<Option<f64>>) -> Self {
        self.share(Key::FailureRateThreshold, share.into())
    }

    /// A call that takes longer than this is slow. Default off.
    pub fn slow_call_duration(self, time: impl Into<Option<Duration>>) -> Self {
        self.time(Key::SlowCallDuration, time.into())
    }

    /// Share of slow calls in the window that opens the circuit; needs `slow_call_duration`. Default off.
    pub fn slow_call_rate_threshold(self, share: impl Into<Option<f64>>) -> Self {
        self.share(Key::SlowCallRateThreshold, share.into())
    }

    /// The window of the rates: the last so many calls, 1 to 1,000,000. Default 100.
    pub fn window_size(self, calls: u32) -> Self {
        self.count(Key::WindowSize, Some(calls))
    }

    /// The window of the rates: the calls of so much time, in ten sliding buckets. Excludes `window_size`.
    pub fn window_duration(self, time: Duration) -> Self {
        self.time(Key::WindowDuration, Some(time))
    }

    /// No rate is taken under so many recorded calls. Default 10, or the window if that is smaller.
    pub fn minimum_calls(self, calls: u32) -> Self {
        self.count(Key::MinimumCalls, Some(calls))
    }

    /// Factor by which the open time grows with each re-opening, at least 1. Default 1.
    pub fn multiplier(self, factor: f64) -> Self {
        self.share(Key::Multiplier, Some(factor))
    }

    /// The longest open time, at least `recovery_timeout`. Default none.
    pub fn max_recovery_timeout(self, time: impl Into<Option<Duration>>) -> Self {
        self.time(Key::MaxRecoveryTimeout, time.into())
    }

    /// Random share by which each open time is made longer or shorter, 0 to 1. Default 0.
    pub fn jitter(self, share: f64) -> Self {
        self.share(Key::Jitter, Some(share))
    }

    /// Time limit of an async call; a call cut off is a failure. Default none.
    pub fn timeout(self, time: impl Into<Option<Duration>>) -> Self {
        self.time(Key::Timeout, time.into())
    }

    /// How many keys of a keyed breaker have a breaker of their own, 1 to 1,000,000; of use in
    /// [`Registry::keyed`](crate::Registry::keyed) alone. Default 1,000.
    pub fn max_keys(self, keys: u32) -> Self {
        self.count(Key::MaxKeys, Some(keys))
    }

    /// Judges what was stated.
    ///
    /// # Errors
    /// A value out of range, or two that contradict each other; the error names the key and the remedy.
    pub fn build(self) -> Result<Config, ConfigError> {
        Policy::resolve(&self.stated())?;
        Ok(Config { builder: self })
    }

    /// What is stated, for a change of a breaker that exists: the preset first, if there is one.
    pub(crate) fn changes(&self) -> Vec<(Key, Value)> {
        let preset = self.preset.map_or(&[][..], Preset::settings);
        preset.iter().chain(&self.stated).copied().collect()
    }

    pub(crate) fn stated(&self) -> Stated {
        let mut stated = Stated::NONE;
        if let Some(preset) = self.preset {
            stated.overlay(preset.settings(), Origin::Preset);
        }
        stated.overlay(&self.stated, Origin::Code);
        stated
    }

    fn count(self, key: Key, calls: Option<u32>) -> Self {
        self.state(key, calls.map_or(Value::Off, Value::Count))
    }

    fn time(self, key: Key, time: Option<Duration>) -> Self {
        self.state(key, time.map_or(Value::Off, Value::Time))
    }

    fn share(self, key: Key, share: Option<f64>) -> Self {
        self.state(key, share.map_or(Value::Off, Value::Share))
    }

    /// States a setting by its key. [`build`](ConfigBuilder::build) refuses a value of another kind.
    ///
    /// ```
    /// use breakerbox::{Config, Key};
    ///
    /// let key: Key = "recovery_timeout".parse()?;
    /// let config = Config::builder().set(key, key.read("1m30s")?).build()?;
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn set(self, key: Key, value: Value) -> Self {
        self.state(key, value)
    }

    fn state(mut self, key: Key, value: Value) -> Self {
        self.stated.retain(|(stated, _)| *stated != key);
        self.stated.push((key, value));
        self
    }
}

impl From<Config> for ConfigBuilder {
    fn from(config: Config) -> ConfigBuilder {
        config.builder
    }
}

impl From<&Config> for ConfigBuilder {
    fn from(config: &Config) -> ConfigBuilder {
        config.builder.clone()
    }
}

/// A setting or a name that cannot be used: which one, why, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    key: &'static str,
    message: Cow<'static, str>,
}

impl ConfigError {
    pub(crate) fn new(key: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        ConfigError { key, message: message.into() }
    }

    /// The key of the setting, such as `failure_threshold`; `name` for a breaker's name.
    pub fn key(&self) -> &str {
        self.key
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

impl From<Infallible> for ConfigError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<Defect> for ConfigError {
    fn from(defect: Defect) -> Self {
        ConfigError::new(defect.key.as_str(), defect.text)
    }
}

impl FromStr for Key {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Key::ALL.into_iter().find(|key| key.as_str() == name).ok_or_else(|| {
            let keys: Vec<_> = Key::ALL.iter().map(|key| key.as_str()).collect();
            ConfigError::new("key", format!("there is no setting `{name}`; the settings are {}", keys.join(", ")))
        })
    }
}

impl Key {
    /// Reads a value as environment variables hold it: a number, a time in seconds or with units such as
    /// `1m30s`, or `off`.
    ///
    /// # Errors
    /// The text is no value of this setting, or out of range.
    pub fn read(self, text: &str) -> Result<Value, ConfigError> {
        let value =
            self.parse(text).map_err(|problem| ConfigError::new(self.as_str(), format!("`{self}`: {problem}")))?;
        match out_of_range(self, value) {
            Some(problem) => Err(ConfigError::new(self.as_str(), problem)),
            None => Ok(value),
        }
    }
}

/// Names that would hide behind routes of the admin API.
const RESERVED: [&str; 2] = ["reset-all", "events"];

/// Judges the name of a breaker: 1 to 128 bytes, no control characters, no spaces around it, not reserved.
pub(crate) fn check_name(name: &str) -> Result<(), ConfigError> {
    let problem = if name.trim().is_empty() {
        "`name` must not be empty"
    } else if name.len() > 128 {
        "`name` must be at most 128 bytes long"
    } else if name.chars().any(char::is_control) {
        "`name` must not hold control characters"
    } else if name.trim() != name {
        "`name` must not start or end with spaces"
    } else if RESERVED.contains(&name) {
        "`name` must not be `reset-all` or `events`, which are routes of the admin API"
    } else if matches!(name, "." | "..") {
        "`name` must not be `.` or `..`, which no address can hold"
    } else {
        return Ok(());
    };
    Err(ConfigError::new("name", problem))
}
