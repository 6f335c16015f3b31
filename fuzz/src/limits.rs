//! The settings by the words of the design alone: which layers win, what the defaults are, and
//! which limits there are. What the library does is compared with it.

use std::collections::BTreeMap;
use std::time::Duration;

use breakerbox::{Key, Origin, Preset, Status, Value};

/// Settings that somebody stated, and who did.
pub(crate) type Stated = BTreeMap<Key, (Value, Origin)>;

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Count,
    Time,
    Share,
}

pub(crate) fn kind(key: Key) -> Kind {
    match key {
        Key::FailureThreshold
        | Key::HalfOpenMaxCalls
        | Key::SuccessThreshold
        | Key::WindowSize
        | Key::MinimumCalls
        | Key::MaxKeys => Kind::Count,
        Key::FailureRateThreshold | Key::SlowCallRateThreshold | Key::Multiplier | Key::Jitter => Kind::Share,
        _ => Kind::Time,
    }
}

pub(crate) fn can_be_off(key: Key) -> bool {
    matches!(
        key,
        Key::FailureThreshold
            | Key::FailureRateThreshold
            | Key::SlowCallDuration
            | Key::SlowCallRateThreshold
            | Key::MaxRecoveryTimeout
            | Key::Timeout
    )
}

/// The other kind of window.
pub(crate) fn other_window(key: Key) -> Option<Key> {
    match key {
        Key::WindowSize => Some(Key::WindowDuration),
        Key::WindowDuration => Some(Key::WindowSize),
        _ => None,
    }
}

/// A layer over a weaker one. The kinds of window exclude each other, so the stronger kind counts.
pub(crate) fn over(weaker: &Stated, stronger: &Stated) -> Stated {
    let hidden = |key: &Key| other_window(*key).is_some_and(|other| stronger.contains_key(&other));
    let mut stated: Stated = weaker.iter().filter(|(key, _)| !hidden(key)).map(|(key, value)| (*key, *value)).collect();
    stated.extend(stronger);
    stated
}

/// The settings of a preset: failures, open time, successes, and where there is a rate, the rate and
/// its window.
pub(crate) fn preset(preset: Preset) -> Stated {
    let (failures, seconds, successes, rate) = match preset {
        Preset::Conservative => (5, 120, Some(3), None),
        Preset::Aggressive => (3, 30, Some(2), None),
        Preset::Testing => (2, 5, Some(1), None),
        Preset::Kafka | Preset::Postgres => (5, 30, None, None),
        Preset::PostgresPooled => (10, 60, None, Some((0.5, 20))),
        Preset::Redis => (3, 15, None, None),
        Preset::ExternalApi => (5, 60, None, Some((0.5, 20))),
        Preset::Websocket => (10, 30, None, Some((0.3, 50))),
        Preset::ConnectionRecovery => (5, 30, None, Some((0.5, 10))),
        other => panic!("a preset that the design does not know: {other}"),
    };
    let mut settings = vec![
        (Key::FailureThreshold, Value::Count(failures)),
        (Key::RecoveryTimeout, Value::Time(Duration::from_secs(seconds))),
    ];
    settings.extend(successes.map(|successes| (Key::SuccessThreshold, Value::Count(successes))));
    if let Some((share, calls)) = rate {
        settings.extend([(Key::FailureRateThreshold, Value::Share(share)), (Key::WindowSize, Value::Count(calls))]);
    }
    settings.into_iter().map(|(key, value)| (key, (value, Origin::Preset))).collect()
}

pub(crate) fn count(stated: &Stated, key: Key) -> Option<u32> {
    match stated.get(&key) {
        Some((Value::Count(count), _)) => Some(*count),
        _ => None,
    }
}

pub(crate) fn time(stated: &Stated, key: Key) -> Option<Duration> {
    match stated.get(&key) {
        Some((Value::Time(time), _)) => Some(*time),
        _ => None,
    }
}

pub(crate) fn share(stated: &Stated, key: Key) -> Option<f64> {
    match stated.get(&key) {
        Some((Value::Share(share), _)) => Some(*share),
        _ => None,
    }
}

/// Every setting: what is stated, and the defaults. What is off is stated as that.
pub(crate) fn in_force(stated: &Stated) -> Stated {
    const MINUTE: Duration = Duration::from_secs(60);
    let mut all = stated.clone();
    let mut default = |key: Key, value: Value| {
        all.entry(key).or_insert((value, Origin::Default));
    };
    let (successes, trials) = (count(stated, Key::SuccessThreshold), count(stated, Key::HalfOpenMaxCalls));
    let recovery = time(stated, Key::RecoveryTimeout).unwrap_or(MINUTE);
    default(Key::FailureThreshold, Value::Count(5));
    default(Key::RecoveryTimeout, Value::Time(MINUTE));
    default(Key::HalfOpenMaxCalls, Value::Count(successes.unwrap_or(3).max(3)));
    default(Key::SuccessThreshold, Value::Count(trials.unwrap_or(3)));
    default(Key::HalfOpenTimeout, Value::Time(recovery.max(MINUTE)));
    if stated.contains_key(&Key::WindowDuration) {
        default(Key::WindowSize, Value::Off);
        default(Key::MinimumCalls, Value::Count(10));
    } else {
        let window = count(stated, Key::WindowSize).unwrap_or(100);
        default(Key::WindowSize, Value::Count(100));
        default(Key::WindowDuration, Value::Off);
        default(Key::MinimumCalls, Value::Count(window.min(10)));
    }
    default(Key::Multiplier, Value::Share(1.0));
    default(Key::Jitter, Value::Share(0.0));
    default(Key::MaxKeys, Value::Count(1000));
    for key in Key::ALL {
        default(key, Value::Off);
    }
    all
}

/// The keys that an error about these settings may name; none if no limit is broken.
pub(crate) fn broken(stated: &Stated) -> Vec<Key> {
    let outside: Vec<Key> =
        stated.iter().filter(|(key, (value, _))| !is_in_range(**key, *value)).map(|(key, _)| *key).collect();
    if !outside.is_empty() {
        return outside;
    }
    let all = in_force(stated);
    let mut keys = Vec::new();
    if count(&all, Key::SuccessThreshold) > count(&all, Key::HalfOpenMaxCalls) {
        keys.extend([Key::SuccessThreshold, Key::HalfOpenMaxCalls]);
    }
    if stated.contains_key(&Key::WindowSize) && stated.contains_key(&Key::WindowDuration) {
        keys.extend([Key::WindowSize, Key::WindowDuration]);
    }
    if time(&all, Key::WindowDuration).is_none() && count(&all, Key::MinimumCalls) > count(&all, Key::WindowSize) {
        keys.extend([Key::MinimumCalls, Key::WindowSize]);
    }
    let slow_share = share(&all, Key::SlowCallRateThreshold);
    if slow_share.is_some() && time(&all, Key::SlowCallDuration).is_none() {
        keys.extend([Key::SlowCallRateThreshold, Key::SlowCallDuration]);
    }
    if time(&all, Key::MaxRecoveryTimeout).is_some_and(|longest| Some(longest) < time(&all, Key::RecoveryTimeout)) {
        keys.extend([Key::MaxRecoveryTimeout, Key::RecoveryTimeout]);
    }
    let is_counted = count(&all, Key::FailureThreshold).is_some();
    if !is_counted && share(&all, Key::FailureRateThreshold).is_none() && slow_share.is_none() {
        keys.push(Key::FailureThreshold);
    }
    keys
}

pub(crate) fn is_in_range(key: Key, value: Value) -> bool {
    match (kind(key), value) {
        (_, Value::Off) => can_be_off(key),
        (Kind::Count, Value::Count(count)) => (1..=1_000_000).contains(&count),
        (Kind::Time, Value::Time(time)) => time > Duration::ZERO,
        (Kind::Share, Value::Share(share)) => match key {
            Key::Multiplier => (1.0..=1e9).contains(&share),
            Key::Jitter => (0.0..=1.0).contains(&share),
            _ => share > 0.0 && share <= 1.0,
        },
        _ => false,
    }
}

/// Whatever has been stated and refused before: what is in force keeps to all limits.
pub(crate) fn hold(status: &Status) {
    let is_window_off = |key: Key, value: Value| other_window(key).is_some() && value == Value::Off;
    let settings = status.settings.iter().filter(|setting| !is_window_off(setting.key, setting.value));
    let stated: Stated = settings.map(|setting| (setting.key, (setting.value, setting.origin))).collect();
    assert_eq!(broken(&stated), [], "{stated:?}");
    let windows = [Key::WindowSize, Key::WindowDuration].into_iter().filter(|key| stated.contains_key(key));
    assert_eq!(windows.count(), 1, "{stated:?}");
}
