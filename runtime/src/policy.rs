//! What the settings come to: defaults applied, contradictions refused. Used at compile time by
//! the attribute and at run time by everything else, so that both know the same rules.

use std::time::Duration;

use crate::preset::Preset;
use crate::settings::{Key, Kind, Origin, Value};

/// The largest count that a setting takes.
pub(crate) const MAX_COUNT: u32 = 1_000_000;

const DEFAULT_TIME: Duration = Duration::from_secs(60);
const DEFAULT_WINDOW: u32 = 100;
const DEFAULT_MINIMUM_CALLS: u32 = 10;
const DEFAULT_TRIALS: u32 = 3;
const DEFAULT_KEYS: u32 = 1000;

/// The settings that the layers state, the stronger over the weaker. Not yet judged.
#[derive(Clone, Copy)]
pub(crate) struct Stated {
    slots: [Option<(Value, Origin)>; Key::COUNT],
}

impl Stated {
    pub(crate) const NONE: Stated = Stated { slots: [None; Key::COUNT] };

    pub(crate) const fn get(&self, key: Key) -> Option<Value> {
        match self.slots[key as usize] {
            Some((value, _)) => Some(value),
            None => None,
        }
    }

    pub(crate) const fn origin(&self, key: Key) -> Origin {
        match self.slots[key as usize] {
            Some((_, origin)) => origin,
            None => Origin::Default,
        }
    }

    pub(crate) const fn set(&mut self, key: Key, value: Value, origin: Origin) {
        self.slots[key as usize] = Some((value, origin));
    }

    /// Puts a layer on top. The two kinds of window exclude each other, so a stronger one of the
    /// one kind hides a weaker one of the other.
    pub(crate) const fn overlay(&mut self, layer: &[(Key, Value)], origin: Origin) {
        let mut at = 0;
        while at < layer.len() {
            let (key, value) = layer[at];
            let other = match key {
                Key::WindowSize => Some(Key::WindowDuration),
                Key::WindowDuration => Some(Key::WindowSize),
                _ => None,
            };
            if let Some(other) = other
                && (self.origin(other) as u8) < origin as u8
            {
                self.slots[other as usize] = None;
            }
            self.set(key, value, origin);
            at += 1;
        }
    }
}

/// A setting that cannot be used: its key, what is wrong, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    pub(crate) key: Key,
    pub(crate) text: &'static str,
}

/// The window of the rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum WindowShape {
    Calls(u32),
    Time(Duration),
}

/// The settings that a breaker works by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Policy {
    pub(crate) recovery_timeout: Duration,
    pub(crate) half_open_max_calls: u32,
    pub(crate) success_threshold: u32,
    pub(crate) half_open_timeout: Duration,
    pub(crate) failure_rate_threshold: Option<f64>,
    pub(crate) slow_call_duration: Option<Duration>,
    pub(crate) slow_call_rate_threshold: Option<f64>,
    pub(crate) window: WindowShape,
    pub(crate) minimum_calls: u32,
    pub(crate) multiplier: f64,
    pub(crate) max_recovery_timeout: Option<Duration>,
    pub(crate) jitter: f64,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_keys: u32,
    /// What the thresholds come to at least.
    pub(crate) least: Least,
}

/// More failures than there can be.
pub(crate) const NEVER: u32 = u32::MAX;

/// The least numbers at which a threshold can be reached. Below them nobody has to divide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Least {
    /// The failures in a row that open the circuit; [`NEVER`] if they are not counted.
    pub(crate) in_a_row: u32,
    pub(crate) failures: u32,
    pub(crate) slow: u32,
}

impl Least {
    const fn of(failure_threshold: Option<u32>, failure_rate: Option<f64>, slow_rate: Option<f64>, calls: u32) -> Self {
        let in_a_row = match failure_threshold {
            Some(threshold) => threshold,
            None => NEVER,
        };
        Least { in_a_row, failures: least(failure_rate, calls), slow: least(slow_rate, calls) }
    }
}

/// The least part of so many calls that reaches a share. Of more calls, no lesser part does.
const fn least(share: Option<f64>, calls: u32) -> u32 {
    let Some(share) = share else { return NEVER };
    let mut part = (share * calls as f64) as u32;
    // What the product was rounded to may be beside the quotient that is compared.
    while part > 0 && (part - 1) as f64 / calls as f64 >= share {
        part -= 1;
    }
    while part < calls && (part as f64 / calls as f64) < share {
        part += 1;
    }
    part
}

impl Policy {
    /// Applies the defaults and refuses what is out of range or contradicts itself.
    pub(crate) const fn resolve(stated: &Stated) -> Result<Policy, Defect> {
        let mut at = 0;
        while at < Key::COUNT {
            let key = Key::ALL[at];
            if let Some(value) = stated.get(key)
                && let Some(text) = out_of_range(key, value)
            {
                return Err(Defect { key, text });
            }
            at += 1;
        }
        let policy = Policy::fill_in(stated);
        match policy.contradiction(stated) {
            Some(defect) => Err(defect),
            None => Ok(policy),
        }
    }

    const fn fill_in(stated: &Stated) -> Policy {
        let recovery_timeout = time_or(stated, Key::RecoveryTimeout, DEFAULT_TIME);
        let success_threshold = match (stated.get(Key::SuccessThreshold), stated.get(Key::HalfOpenMaxCalls)) {
            (Some(Value::Count(count)), _) | (None, Some(Value::Count(count))) => count,
            _ => DEFAULT_TRIALS,
        };
        let trials = if success_threshold > DEFAULT_TRIALS { success_threshold } else { DEFAULT_TRIALS };
        let longest =
            if recovery_timeout.as_nanos() > DEFAULT_TIME.as_nanos() { recovery_timeout } else { DEFAULT_TIME };
        let (window, window_calls) = match stated.get(Key::WindowDuration) {
            Some(Value::Time(time)) => (WindowShape::Time(time), MAX_COUNT),
            _ => {
                let calls = count_or(stated, Key::WindowSize, DEFAULT_WINDOW);
                (WindowShape::Calls(calls), calls)
            }
        };
        let failure_threshold = match stated.get(Key::FailureThreshold) {
            Some(Value::Count(count)) => Some(count),
            Some(_) => None,
            None => Some(5),
        };
        let failure_rate_threshold = share(stated, Key::FailureRateThreshold);
        let slow_call_rate_threshold = share(stated, Key::SlowCallRateThreshold);
        let fewest = if window_calls < DEFAULT_MINIMUM_CALLS { window_calls } else { DEFAULT_MINIMUM_CALLS };
        let minimum_calls = count_or(stated, Key::MinimumCalls, fewest);
        Policy {
            recovery_timeout,
            half_open_max_calls: count_or(stated, Key::HalfOpenMaxCalls, trials),
            success_threshold,
            half_open_timeout: time_or(stated, Key::HalfOpenTimeout, longest),
            failure_rate_threshold,
            slow_call_duration: time(stated, Key::SlowCallDuration),
            slow_call_rate_threshold,
            window,
            minimum_calls,
            multiplier: match share(stated, Key::Multiplier) {
                Some(factor) => factor,
                None => 1.0,
            },
            max_recovery_timeout: time(stated, Key::MaxRecoveryTimeout),
            jitter: match share(stated, Key::Jitter) {
                Some(share) => share,
                None => 0.0,
            },
            timeout: time(stated, Key::Timeout),
            max_keys: count_or(stated, Key::MaxKeys, DEFAULT_KEYS),
            least: Least::of(failure_threshold, failure_rate_threshold, slow_call_rate_threshold, minimum_calls),
        }
    }

    const fn contradiction(&self, stated: &Stated) -> Option<Defect> {
        if self.success_threshold > self.half_open_max_calls {
            return Some(Defect {
                key: Key::SuccessThreshold,
                text: "`success_threshold` is more than `half_open_max_calls`, so the circuit could never close: \
                       raise `half_open_max_calls` or lower `success_threshold`",
            });
        }
        if stated.get(Key::WindowSize).is_some() && stated.get(Key::WindowDuration).is_some() {
            return Some(Defect {
                key: Key::WindowDuration,
                text: "`window_size` and `window_duration` exclude each other: state one of them",
            });
        }
        if let WindowShape::Calls(calls) = self.window
            && self.minimum_calls > calls
        {
            return Some(Defect {
                key: Key::MinimumCalls,
                text: "`minimum_calls` is more than `window_size`, so no rate could ever be taken: \
                       raise `window_size` or lower `minimum_calls`",
            });
        }
        if self.slow_call_rate_threshold.is_some() && self.slow_call_duration.is_none() {
            return Some(Defect {
                key: Key::SlowCallRateThreshold,
                text: "`slow_call_rate_threshold` needs `slow_call_duration`, which says when a call is slow: \
                       `slow_call_duration = 2`",
            });
        }
        if let Some(longest) = self.max_recovery_timeout
            && longest.as_nanos() < self.recovery_timeout.as_nanos()
        {
            return Some(Defect {
                key: Key::MaxRecoveryTimeout,
                text: "`max_recovery_timeout` is shorter than `recovery_timeout`: \
                       raise `max_recovery_timeout` or lower `recovery_timeout`",
            });
        }
        if self.least.in_a_row == NEVER
            && self.failure_rate_threshold.is_none()
            && self.slow_call_rate_threshold.is_none()
        {
            return Some(Defect {
                key: Key::FailureThreshold,
                text: "`failure_threshold` is off and no rate is set, so nothing could open the circuit: \
                       set `failure_rate_threshold`, or give `failure_threshold` a number",
            });
        }
        None
    }

    /// The same, but nothing opens the circuit.
    pub(crate) const fn that_never_opens(mut self) -> Policy {
        self.least = Least { in_a_row: NEVER, failures: NEVER, slow: NEVER };
        self.failure_rate_threshold = None;
        self.slow_call_rate_threshold = None;
        self
    }

    /// Whether a window is kept at all.
    pub(crate) const fn has_window(&self) -> bool {
        self.failure_rate_threshold.is_some() || self.slow_call_rate_threshold.is_some()
    }

    /// The value of a key, as it is in force.
    pub(crate) fn get(&self, key: Key) -> Value {
        let count = |count: Option<u32>| count.map_or(Value::Off, Value::Count);
        let time = |time: Option<Duration>| time.map_or(Value::Off, Value::Time);
        let share = |share: Option<f64>| share.map_or(Value::Off, Value::Share);
        match key {
            Key::FailureThreshold => count(Some(self.least.in_a_row).filter(|threshold| *threshold != NEVER)),
            Key::RecoveryTimeout => Value::Time(self.recovery_timeout),
            Key::HalfOpenMaxCalls => Value::Count(self.half_open_max_calls),
            Key::SuccessThreshold => Value::Count(self.success_threshold),
            Key::HalfOpenTimeout => Value::Time(self.half_open_timeout),
            Key::FailureRateThreshold => share(self.failure_rate_threshold),
            Key::SlowCallDuration => time(self.slow_call_duration),
            Key::SlowCallRateThreshold => share(self.slow_call_rate_threshold),
            Key::WindowSize => match self.window {
                WindowShape::Calls(calls) => Value::Count(calls),
                WindowShape::Time(_) => Value::Off,
            },
            Key::WindowDuration => match self.window {
                WindowShape::Calls(_) => Value::Off,
                WindowShape::Time(time) => Value::Time(time),
            },
            Key::MinimumCalls => Value::Count(self.minimum_calls),
            Key::Multiplier => Value::Share(self.multiplier),
            Key::MaxRecoveryTimeout => time(self.max_recovery_timeout),
            Key::Jitter => Value::Share(self.jitter),
            Key::Timeout => time(self.timeout),
            Key::MaxKeys => Value::Count(self.max_keys),
        }
    }
}

/// Judges the settings of an attribute while the user's crate is compiled.
///
/// # Panics
/// At compile time, with the sentence that the same mistake gets at run time.
pub const fn check(preset: Option<Preset>, settings: &[(Key, Value)]) {
    let mut stated = Stated::NONE;
    if let Some(preset) = preset {
        stated.overlay(preset.settings(), Origin::Preset);
    }
    stated.overlay(settings, Origin::Code);
    if let Err(defect) = Policy::resolve(&stated) {
        panic!("{}", defect.text);
    }
}

const fn count_or(stated: &Stated, key: Key, default: u32) -> u32 {
    match stated.get(key) {
        Some(Value::Count(count)) => count,
        _ => default,
    }
}

const fn time(stated: &Stated, key: Key) -> Option<Duration> {
    match stated.get(key) {
        Some(Value::Time(time)) => Some(time),
        _ => None,
    }
}

const fn time_or(stated: &Stated, key: Key, default: Duration) -> Duration {
    match time(stated, key) {
        Some(time) => time,
        None => default,
    }
}

const fn share(stated: &Stated, key: Key) -> Option<f64> {
    match stated.get(key) {
        Some(Value::Share(share)) => Some(share),
        _ => None,
    }
}

/// What is wrong with one value by itself.
pub(crate) const fn out_of_range(key: Key, value: Value) -> Option<&'static str> {
    match (key.kind(), value) {
        (_, Value::Off) if key.can_be_off() => None,
        (Kind::Count, Value::Count(1..=MAX_COUNT)) => None,
        (Kind::Count, _) => Some(match key {
            Key::FailureThreshold => "`failure_threshold` must be a whole number from 1 to 1000000, or off",
            Key::HalfOpenMaxCalls => "`half_open_max_calls` must be a whole number from 1 to 1000000",
            Key::SuccessThreshold => "`success_threshold` must be a whole number from 1 to 1000000",
            Key::WindowSize => "`window_size` must be a whole number of calls from 1 to 1000000",
            Key::MaxKeys => "`max_keys` must be a whole number from 1 to 1000000",
            _ => "`minimum_calls` must be a whole number from 1 to 1000000",
        }),
        (Kind::Time, Value::Time(time)) if !time.is_zero() => None,
        (Kind::Time, _) => Some(match key {
            Key::RecoveryTimeout => "`recovery_timeout` must be longer than zero",
            Key::HalfOpenTimeout => "`half_open_timeout` must be longer than zero",
            Key::SlowCallDuration => "`slow_call_duration` must be longer than zero, or off",
            Key::WindowDuration => "`window_duration` must be longer than zero",
            Key::MaxRecoveryTimeout => "`max_recovery_timeout` must be longer than zero, or off",
            _ => "`timeout` must be longer than zero, or off",
        }),
        (Kind::Share, Value::Share(share)) => match key {
            Key::FailureRateThreshold if !(share > 0.0 && share <= 1.0) => {
                Some("`failure_rate_threshold` is a share: it must be more than 0 and at most 1, such as 0.5")
            }
            Key::SlowCallRateThreshold if !(share > 0.0 && share <= 1.0) => {
                Some("`slow_call_rate_threshold` is a share: it must be more than 0 and at most 1, such as 0.5")
            }
            Key::Multiplier if !(share >= 1.0 && share <= 1e9) => {
                Some("`multiplier` must be at least 1, such as 2.0, and at most 1e9")
            }
            Key::Jitter if !(share >= 0.0 && share <= 1.0) => {
                Some("`jitter` is a share: it must be at least 0 and at most 1, such as 0.1")
            }
            _ => None,
        },
        (Kind::Share, _) => Some("a share must be a number such as 0.5"),
    }
}
