//! Sets of settings with a name. They are weaker than anything that is stated.

use std::fmt;
use std::time::Duration;

use crate::settings::{Key, Value};

/// A set of settings with a name: `#[circuit_breaker(preset = conservative)]`, [`Config::preset`](crate::Config::preset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Preset {
    /// Opens after 5 failures for 120 s, closes after 3 successes.
    Conservative,
    /// Opens after 3 failures for 30 s, closes after 2 successes.
    Aggressive,
    /// Opens after 2 failures for 5 s, closes after 1 success.
    Testing,
    /// Opens after 5 failures for 30 s.
    Kafka,
    /// Opens after 5 failures for 30 s.
    Postgres,
    /// Opens after 10 failures, or at 50 % of the last 20 calls, for 60 s.
    PostgresPooled,
    /// Opens after 3 failures for 15 s.
    Redis,
    /// Opens after 5 failures, or at 50 % of the last 20 calls, for 60 s.
    ExternalApi,
    /// Opens after 10 failures, or at 30 % of the last 50 calls, for 30 s.
    Websocket,
    /// Opens after 5 failures, or at 50 % of the last 10 calls, for 30 s.
    ConnectionRecovery,
}

impl Preset {
    /// All presets.
    pub const ALL: [Preset; 10] = [
        Preset::Conservative,
        Preset::Aggressive,
        Preset::Testing,
        Preset::Kafka,
        Preset::Postgres,
        Preset::PostgresPooled,
        Preset::Redis,
        Preset::ExternalApi,
        Preset::Websocket,
        Preset::ConnectionRecovery,
    ];

    /// The name of the preset in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Preset::Conservative => "conservative",
            Preset::Aggressive => "aggressive",
            Preset::Testing => "testing",
            Preset::Kafka => "kafka",
            Preset::Postgres => "postgres",
            Preset::PostgresPooled => "postgres_pooled",
            Preset::Redis => "redis",
            Preset::ExternalApi => "external_api",
            Preset::Websocket => "websocket",
            Preset::ConnectionRecovery => "connection_recovery",
        }
    }

    /// The settings of the preset.
    pub(crate) const fn settings(self) -> &'static [(Key, Value)] {
        match self {
            Preset::Conservative => const { &[failures(5), open_for(120), successes(3)] },
            Preset::Aggressive => const { &[failures(3), open_for(30), successes(2)] },
            Preset::Testing => const { &[failures(2), open_for(5), successes(1)] },
            Preset::Kafka | Preset::Postgres => const { &[failures(5), open_for(30)] },
            Preset::PostgresPooled => const { &[failures(10), open_for(60), rate(0.5), window(20)] },
            Preset::Redis => const { &[failures(3), open_for(15)] },
            Preset::ExternalApi => const { &[failures(5), open_for(60), rate(0.5), window(20)] },
            Preset::Websocket => const { &[failures(10), open_for(30), rate(0.3), window(50)] },
            Preset::ConnectionRecovery => const { &[failures(5), open_for(30), rate(0.5), window(10)] },
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

const fn failures(count: u32) -> (Key, Value) {
    (Key::FailureThreshold, Value::Count(count))
}

const fn open_for(seconds: u64) -> (Key, Value) {
    (Key::RecoveryTimeout, Value::Time(Duration::from_secs(seconds)))
}

const fn successes(count: u32) -> (Key, Value) {
    (Key::SuccessThreshold, Value::Count(count))
}

const fn rate(share: f64) -> (Key, Value) {
    (Key::FailureRateThreshold, Value::Share(share))
}

const fn window(calls: u32) -> (Key, Value) {
    (Key::WindowSize, Value::Count(calls))
}
