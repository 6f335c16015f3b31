//! What settings come to, by DESIGN §3: who wins, what the defaults are, what contradicts itself.

use std::collections::BTreeMap;
use std::time::Duration;

use breakerbox::{Config, ConfigBuilder, Key, Origin, Value};

/// Settings in the order in which somebody states them.
pub(crate) type Stated = Vec<(Key, Value)>;

const MINUTE: Duration = Duration::from_secs(60);

/// Who stated what: the code, and over it changes at run time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layers {
    code: BTreeMap<Key, Value>,
    runtime: BTreeMap<Key, Value>,
}

/// The window of the rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Span {
    Calls(usize),
    Time(Duration),
}

/// The settings that a circuit works by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    pub(crate) failure_threshold: Option<u32>,
    pub(crate) recovery: u64,
    pub(crate) trials: u32,
    pub(crate) successes: u32,
    pub(crate) half_open: u64,
    pub(crate) failure_rate: Option<f64>,
    pub(crate) slow_after: Option<u64>,
    pub(crate) slow_rate: Option<f64>,
    /// `None` where no rate is set.
    pub(crate) window: Option<Span>,
    pub(crate) minimum_calls: u32,
    pub(crate) multiplier: f64,
    pub(crate) longest: u64,
    pub(crate) jitter: f64,
    /// Every setting as it is in force, and who stated it.
    pub(crate) in_force: Vec<(Key, Value, Origin)>,
}

/// Two that share a name and state different values: the key, the value that counts, the other.
pub(crate) type Disagreement = (&'static str, String, String);

impl Layers {
    pub(crate) fn new(stated: &Stated) -> Layers {
        Layers { code: stated.iter().copied().collect(), runtime: BTreeMap::new() }
    }

    /// Changes at run time: all of them or none. A window of one kind takes the place of the other.
    pub(crate) fn change(&mut self, changes: &Stated) -> Result<Policy, Vec<Key>> {
        let mut changed = self.clone();
        for &(key, value) in changes {
            other_window(key).map(|other| changed.runtime.remove(&other));
            changed.runtime.insert(key, value);
        }
        let policy = changed.policy()?;
        *self = changed;
        Ok(policy)
    }

    /// Adds what another place in the code states, one by one: what is stated already, and what does not go
    /// with the rest, is set aside.
    pub(crate) fn merge(&mut self, stated: &Stated) -> Vec<Disagreement> {
        let mut disagreements = Vec::new();
        for &(key, value) in stated {
            let mut merged = self.clone();
            merged.code.insert(key, value);
            let kept = self.code.get(&key).copied();
            if kept.is_none() && merged.policy().is_ok() {
                *self = merged;
            } else if kept != Some(value) {
                let in_force = self.policy().map(|policy| policy.in_force[key as usize].1);
                let kept = kept.or(in_force.ok()).map_or_else(String::new, |value| value.to_string());
                disagreements.push((key.as_str(), kept, value.to_string()));
            }
        }
        disagreements
    }

    /// A stated setting and who stated it: run time before code, and a stronger window before the other kind.
    fn stated(&self, key: Key) -> Option<(Value, Origin)> {
        let is_hidden = other_window(key).is_some_and(|other| self.runtime.contains_key(&other));
        match self.runtime.get(&key) {
            Some(value) => Some((*value, Origin::Runtime)),
            None => self.code.get(&key).filter(|_| !is_hidden).map(|value| (*value, Origin::Code)),
        }
    }

    /// What the settings come to, or the keys that are wrong.
    pub(crate) fn policy(&self) -> Result<Policy, Vec<Key>> {
        let value = |key| self.stated(key).map(|(value, _)| value);
        let count = |key| if let Some(Value::Count(count)) = value(key) { Some(count) } else { None };
        let share = |key| if let Some(Value::Share(share)) = value(key) { Some(share) } else { None };
        let time = |key| if let Some(Value::Time(time)) = value(key) { Some(time) } else { None };

        let failure_threshold = value(Key::FailureThreshold).map_or(Some(5), |_| count(Key::FailureThreshold));
        let recovery = time(Key::RecoveryTimeout).unwrap_or(MINUTE);
        let successes = count(Key::SuccessThreshold).or(count(Key::HalfOpenMaxCalls)).unwrap_or(3);
        let trials = count(Key::HalfOpenMaxCalls).unwrap_or(successes.max(3));
        let half_open = time(Key::HalfOpenTimeout).unwrap_or(recovery.max(MINUTE));
        let (failure_rate, slow_rate) = (share(Key::FailureRateThreshold), share(Key::SlowCallRateThreshold));
        let slow_after = time(Key::SlowCallDuration);
        let duration = time(Key::WindowDuration);
        let size = count(Key::WindowSize).unwrap_or(100);
        let minimum_calls = count(Key::MinimumCalls).unwrap_or(if duration.is_some() { 10 } else { size.min(10) });
        let multiplier = share(Key::Multiplier).unwrap_or(1.0);
        let longest = time(Key::MaxRecoveryTimeout);
        let jitter = share(Key::Jitter).unwrap_or(0.0);

        let is_in_range = |key| match (key, value(key)) {
            (_, Some(Value::Count(count))) => (1..=1_000_000).contains(&count),
            (_, Some(Value::Time(time))) => !time.is_zero(),
            (Key::Multiplier, Some(Value::Share(factor))) => (1.0..=1e9).contains(&factor),
            (Key::Jitter, Some(Value::Share(share))) => (0.0..=1.0).contains(&share),
            (_, Some(Value::Share(share))) => share > 0.0 && share <= 1.0,
            _ => true,
        };
        let mut wrong: Vec<Key> = Key::ALL.into_iter().filter(|key| !is_in_range(*key)).collect();
        let contradictions = [
            (successes > trials, Key::SuccessThreshold),
            (value(Key::WindowSize).is_some() && duration.is_some(), Key::WindowDuration),
            (duration.is_none() && minimum_calls > size, Key::MinimumCalls),
            (slow_rate.is_some() && slow_after.is_none(), Key::SlowCallRateThreshold),
            (longest.is_some_and(|longest| longest < recovery), Key::MaxRecoveryTimeout),
            (failure_threshold.is_none() && failure_rate.is_none() && slow_rate.is_none(), Key::FailureThreshold),
        ];
        wrong.extend(contradictions.into_iter().filter(|(is, _)| *is).map(|(_, key)| key));
        if !wrong.is_empty() {
            return Err(wrong);
        }

        let is_off = |_| Value::Off;
        let in_force = Key::ALL.map(|key| {
            let default = match key {
                Key::FailureThreshold => Value::Count(5),
                Key::RecoveryTimeout => Value::Time(recovery),
                Key::HalfOpenMaxCalls => Value::Count(trials),
                Key::SuccessThreshold => Value::Count(successes),
                Key::HalfOpenTimeout => Value::Time(half_open),
                Key::WindowSize => duration.map_or(Value::Count(size), is_off),
                Key::MinimumCalls => Value::Count(minimum_calls),
                Key::Multiplier => Value::Share(multiplier),
                Key::Jitter => Value::Share(jitter),
                Key::MaxKeys => Value::Count(1000),
                _ => Value::Off,
            };
            let (value, origin) = self.stated(key).unwrap_or((default, Origin::Default));
            (key, value, origin)
        });
        let has_window = failure_rate.is_some() || slow_rate.is_some();
        let span = duration.map_or(Span::Calls(size as usize), Span::Time);
        Ok(Policy {
            failure_threshold,
            recovery: nanos(recovery),
            trials,
            successes,
            half_open: nanos(half_open),
            failure_rate,
            slow_after: slow_after.map(nanos),
            slow_rate,
            window: has_window.then_some(span),
            minimum_calls,
            multiplier,
            longest: longest.map_or(u64::MAX, nanos),
            jitter,
            in_force: in_force.to_vec(),
        })
    }
}

fn other_window(key: Key) -> Option<Key> {
    match key {
        Key::WindowSize => Some(Key::WindowDuration),
        Key::WindowDuration => Some(Key::WindowSize),
        _ => None,
    }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The same settings, stated to a breaker.
pub(crate) fn builder(stated: &Stated) -> ConfigBuilder {
    stated.iter().fold(Config::builder(), |builder, &(key, value)| {
        let count = if let Value::Count(count) = value { Some(count) } else { None };
        let time = if let Value::Time(time) = value { Some(time) } else { None };
        let share = if let Value::Share(share) = value { Some(share) } else { None };
        match key {
            Key::FailureThreshold => builder.failure_threshold(count),
            Key::RecoveryTimeout => builder.recovery_timeout(time.unwrap_or_default()),
            Key::HalfOpenMaxCalls => builder.half_open_max_calls(count.unwrap_or_default()),
            Key::SuccessThreshold => builder.success_threshold(count.unwrap_or_default()),
            Key::HalfOpenTimeout => builder.half_open_timeout(time.unwrap_or_default()),
            Key::FailureRateThreshold => builder.failure_rate_threshold(share),
            Key::SlowCallDuration => builder.slow_call_duration(time),
            Key::SlowCallRateThreshold => builder.slow_call_rate_threshold(share),
            Key::WindowSize => builder.window_size(count.unwrap_or_default()),
            Key::WindowDuration => builder.window_duration(time.unwrap_or_default()),
            Key::MinimumCalls => builder.minimum_calls(count.unwrap_or_default()),
            Key::Multiplier => builder.multiplier(share.unwrap_or_default()),
            Key::MaxRecoveryTimeout => builder.max_recovery_timeout(time),
            Key::Jitter => builder.jitter(share.unwrap_or_default()),
            Key::Timeout => builder.timeout(time),
            Key::MaxKeys => builder.max_keys(count.unwrap_or_default()),
            other => panic!("no setting of the model: {other}"),
        }
    })
}
