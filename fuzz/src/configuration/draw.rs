//! Settings, times and commands drawn from the bytes of an input, with a liking for the edges.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use breakerbox::{Config, ConfigBuilder, Key, Origin, Preset, Value};

use crate::limits::{self, Kind, Stated, can_be_off, kind, over};

/// A preset and settings, as a user states them.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) preset: Option<Preset>,
    /// In the order in which they are stated, the last of a key alone.
    pub(super) stated: Vec<(Key, Value)>,
}

impl Wish {
    pub(super) fn draw(bytes: &mut Unstructured<'_>) -> Result<Wish> {
        let mut wish = Wish::default();
        if bytes.ratio(1, 4)? {
            wish.preset = Some(*bytes.choose(&Preset::ALL)?);
        }
        let mut last = 0;
        for _ in 0..bytes.int_in_range(0..=6)? {
            let key = *bytes.choose(&Key::ALL)?;
            let value = match kind(key) {
                _ if can_be_off(key) && bytes.ratio(1, 4)? => Value::Off,
                Kind::Count => {
                    last = count(bytes, last)?;
                    Value::Count(last)
                }
                Kind::Time => Value::Time(time(bytes)?),
                Kind::Share => Value::Share(share(bytes)?),
            };
            wish.stated.retain(|(known, _)| *known != key);
            wish.stated.push((key, value));
        }
        Ok(wish)
    }

    /// What is stated, for the model.
    pub(super) fn code(&self) -> Stated {
        self.stated.iter().map(|(key, value)| (*key, (*value, Origin::Code))).collect()
    }

    /// What it comes to by itself.
    pub(super) fn alone(&self) -> Stated {
        over(&self.preset.map(limits::preset).unwrap_or_default(), &self.code())
    }

    pub(super) fn states_both_windows(&self) -> bool {
        [Key::WindowSize, Key::WindowDuration].iter().all(|key| self.stated.iter().any(|(stated, _)| stated == key))
    }

    pub(super) fn builder(&self) -> ConfigBuilder {
        let builder = self.preset.map_or_else(Config::builder, |preset| Config::builder().preset(preset));
        self.stated.iter().fold(builder, |builder, setting| match *setting {
            (key, Value::Count(count)) => of_count(builder, key, Some(count)),
            (key, Value::Time(time)) => of_time(builder, key, Some(time)),
            (key, Value::Share(share)) => of_share(builder, key, Some(share)),
            (key, _) => match kind(key) {
                Kind::Count => of_count(builder, key, None),
                Kind::Time => of_time(builder, key, None),
                Kind::Share => of_share(builder, key, None),
            },
        })
    }
}

fn of_count(builder: ConfigBuilder, key: Key, count: Option<u32>) -> ConfigBuilder {
    match (key, count) {
        (Key::FailureThreshold, count) => builder.failure_threshold(count),
        (Key::HalfOpenMaxCalls, Some(count)) => builder.half_open_max_calls(count),
        (Key::SuccessThreshold, Some(count)) => builder.success_threshold(count),
        (Key::WindowSize, Some(count)) => builder.window_size(count),
        (Key::MinimumCalls, Some(count)) => builder.minimum_calls(count),
        (Key::MaxKeys, Some(count)) => builder.max_keys(count),
        other => unreachable!("{other:?}"),
    }
}

fn of_time(builder: ConfigBuilder, key: Key, time: Option<Duration>) -> ConfigBuilder {
    match (key, time) {
        (Key::SlowCallDuration, time) => builder.slow_call_duration(time),
        (Key::MaxRecoveryTimeout, time) => builder.max_recovery_timeout(time),
        (Key::Timeout, time) => builder.timeout(time),
        (Key::RecoveryTimeout, Some(time)) => builder.recovery_timeout(time),
        (Key::HalfOpenTimeout, Some(time)) => builder.half_open_timeout(time),
        (Key::WindowDuration, Some(time)) => builder.window_duration(time),
        other => unreachable!("{other:?}"),
    }
}

fn of_share(builder: ConfigBuilder, key: Key, share: Option<f64>) -> ConfigBuilder {
    match (key, share) {
        (Key::FailureRateThreshold, share) => builder.failure_rate_threshold(share),
        (Key::SlowCallRateThreshold, share) => builder.slow_call_rate_threshold(share),
        (Key::Multiplier, Some(share)) => builder.multiplier(share),
        (Key::Jitter, Some(share)) => builder.jitter(share),
        other => unreachable!("{other:?}"),
    }
}

/// Counts contradict each other where one is just larger than the last.
fn count(bytes: &mut Unstructured<'_>, last: u32) -> Result<u32> {
    const EDGES: [u32; 12] = [0, 1, 2, 3, 4, 5, 10, 100, 999_999, 1_000_000, 1_000_001, u32::MAX];
    match bytes.int_in_range(0..=7)? {
        0 => Ok(last),
        1 => Ok(last.saturating_add(1)),
        2 => bytes.arbitrary::<u8>().map(u32::from),
        _ => bytes.choose(&EDGES).copied(),
    }
}

/// A length of time, for settings and for clocks.
pub(super) fn time(bytes: &mut Unstructured<'_>) -> Result<Duration> {
    const EDGES: [Duration; 15] = [
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_nanos(9),
        Duration::from_micros(1),
        Duration::from_millis(1),
        Duration::from_secs(1),
        Duration::from_secs(5),
        Duration::from_secs(10),
        Duration::from_secs(60),
        Duration::from_secs(120),
        Duration::from_nanos(u64::MAX / 2),
        Duration::from_nanos(u64::MAX - 1),
        Duration::from_nanos(u64::MAX),
        Duration::from_secs(u64::MAX),
        Duration::MAX,
    ];
    match bytes.int_in_range(0..=7)? {
        0 => bytes.arbitrary().map(Duration::from_nanos),
        1 => bytes.arbitrary::<u16>().map(|millis| Duration::from_millis(millis.into())),
        _ => bytes.choose(&EDGES).copied(),
    }
}

fn share(bytes: &mut Unstructured<'_>) -> Result<f64> {
    const EDGES: [f64; 18] = [
        0.0,
        -0.0,
        f64::MIN_POSITIVE,
        5e-324,
        0.1,
        0.5,
        0.9,
        1.0 - f64::EPSILON,
        1.0,
        1.0 + f64::EPSILON,
        2.0,
        -1.0,
        1e9,
        1e9 + 1.0,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    if bytes.ratio(3, 4)? { bytes.choose(&EDGES).copied() } else { bytes.arbitrary() }
}
