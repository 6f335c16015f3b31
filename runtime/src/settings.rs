//! The keys that a breaker is set by, their kinds of value, and where a value came from.
//!
//! One vocabulary: the name of a key is the argument of the attribute, the method of the builder,
//! the key in JSON and the suffix of the environment variable. What the values do is `policy`.

use std::fmt;
use std::time::Duration;

use crate::duration;

/// A setting of a breaker, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// Consecutive failures that open the circuit.
    FailureThreshold,
    /// How long it stays open.
    RecoveryTimeout,
    /// Trial calls admitted in one half-open episode.
    HalfOpenMaxCalls,
    /// Successful trials that close it.
    SuccessThreshold,
    /// How long a half-open episode may last without a verdict.
    HalfOpenTimeout,
    /// Share of failures in the window that opens it.
    FailureRateThreshold,
    /// A call that takes longer is slow.
    SlowCallDuration,
    /// Share of slow calls in the window that opens it.
    SlowCallRateThreshold,
    /// The window of the rates, in calls.
    WindowSize,
    /// The window of the rates, in time.
    WindowDuration,
    /// Fewest recorded calls for a rate.
    MinimumCalls,
    /// Growth of the open time from one re-opening to the next.
    Multiplier,
    /// The longest open time.
    MaxRecoveryTimeout,
    /// Random share by which the open time is spread.
    Jitter,
    /// Time limit of an async call.
    Timeout,
    /// How many keys of a keyed breaker have a breaker of their own.
    MaxKeys,
}

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Count,
    Time,
    Share,
}

impl Key {
    pub(crate) const COUNT: usize = 16;

    /// All keys, in the order of the documentation.
    pub const ALL: [Key; Key::COUNT] = [
        Key::FailureThreshold,
        Key::RecoveryTimeout,
        Key::HalfOpenMaxCalls,
        Key::SuccessThreshold,
        Key::HalfOpenTimeout,
        Key::FailureRateThreshold,
        Key::SlowCallDuration,
        Key::SlowCallRateThreshold,
        Key::WindowSize,
        Key::WindowDuration,
        Key::MinimumCalls,
        Key::Multiplier,
        Key::MaxRecoveryTimeout,
        Key::Jitter,
        Key::Timeout,
        Key::MaxKeys,
    ];

    /// The name of the key: `failure_threshold`, `recovery_timeout`, ...
    pub const fn as_str(self) -> &'static str {
        match self {
            Key::FailureThreshold => "failure_threshold",
            Key::RecoveryTimeout => "recovery_timeout",
            Key::HalfOpenMaxCalls => "half_open_max_calls",
            Key::SuccessThreshold => "success_threshold",
            Key::HalfOpenTimeout => "half_open_timeout",
            Key::FailureRateThreshold => "failure_rate_threshold",
            Key::SlowCallDuration => "slow_call_duration",
            Key::SlowCallRateThreshold => "slow_call_rate_threshold",
            Key::WindowSize => "window_size",
            Key::WindowDuration => "window_duration",
            Key::MinimumCalls => "minimum_calls",
            Key::Multiplier => "multiplier",
            Key::MaxRecoveryTimeout => "max_recovery_timeout",
            Key::Jitter => "jitter",
            Key::Timeout => "timeout",
            Key::MaxKeys => "max_keys",
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Key::FailureThreshold
            | Key::HalfOpenMaxCalls
            | Key::SuccessThreshold
            | Key::WindowSize
            | Key::MinimumCalls
            | Key::MaxKeys => Kind::Count,
            Key::RecoveryTimeout
            | Key::HalfOpenTimeout
            | Key::SlowCallDuration
            | Key::WindowDuration
            | Key::MaxRecoveryTimeout
            | Key::Timeout => Kind::Time,
            Key::FailureRateThreshold | Key::SlowCallRateThreshold | Key::Multiplier | Key::Jitter => Kind::Share,
        }
    }

    /// Whether the setting can be switched off with the word `off`.
    pub(crate) const fn can_be_off(self) -> bool {
        matches!(
            self,
            Key::FailureThreshold
                | Key::FailureRateThreshold
                | Key::SlowCallDuration
                | Key::SlowCallRateThreshold
                | Key::MaxRecoveryTimeout
                | Key::Timeout
        )
    }

    /// Reads a value as text, as an environment variable holds it.
    pub(crate) fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        if self.can_be_off() && text.eq_ignore_ascii_case("off") {
            return Ok(Value::Off);
        }
        match self.kind() {
            Kind::Count => {
                text.parse().map(Value::Count).map_err(|_| "it must be a whole number from 1 to 1000000".to_owned())
            }
            Kind::Time => duration::parse(text).map(Value::Time),
            Kind::Share => text.parse().map(Value::Share).map_err(|_| "it must be a number".to_owned()),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum Value {
    /// A number of calls.
    Count(u32),
    /// A length of time.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_seconds"))]
    Time(Duration),
    /// A share or a factor.
    Share(f64),
    /// Switched off.
    Off,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Count(count) => count.fmt(f),
            Value::Time(time) => f.pad(&duration::text(*time)),
            Value::Share(share) => share.fmt(f),
            Value::Off => f.pad("off"),
        }
    }
}

/// Where the value of a setting came from, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Origin {
    /// Built in.
    #[default]
    Default,
    /// A preset, such as `conservative`.
    Preset,
    /// What [`Registry::configure`](crate::Registry::configure) was told for all breakers: `defaults` in a file.
    Configuration,
    /// `CIRCUIT_BREAKER_<KEY>`, which is for all breakers.
    Environment,
    /// The attribute, or the builder.
    Code,
    /// What [`Registry::configure`](crate::Registry::configure) was told for one breaker: `breakers.<name>` in a file.
    BreakerConfiguration,
    /// `CIRCUIT_BREAKER__<NAME>__<KEY>`, which is for one breaker.
    BreakerEnvironment,
    /// A change at run time.
    Runtime,
}

impl Origin {
    /// The name of the origin in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::Preset => "preset",
            Origin::Configuration => "configuration",
            Origin::Environment => "environment",
            Origin::Code => "code",
            Origin::BreakerConfiguration => "breaker_configuration",
            Origin::BreakerEnvironment => "breaker_environment",
            Origin::Runtime => "runtime",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
