//! Any environment: what is in force keeps to all limits, and a variable that is not in force and
//! not overruled has one warning, which names it.
//!
//! Each line of an input is a variable. `*a7` is the first key for all breakers, `2a7` for the third
//! breaker; any other line is a name and a value as a shell has them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakerbox::{Config, Event, Key, Origin, Preset, Registry, Setting, Status, Value, Warning};

use crate::duration::{is_of_the_attribute_alone, of_attribute};
use crate::limits::{self, Kind, can_be_off, is_in_range, kind, other_window};

const PREFIX: &str = "CIRCUIT_BREAKER_";
/// Variables of parts that are no settings of a breaker.
const OTHERS: [&str; 3] = ["PERSISTENT", "STATE_DIR", "ADMIN_TOKEN"];
/// Breakers that state nothing, and something of every kind.
const NAMES: [&str; 5] = ["quotes", "Pay-ments.v2", "a_", "日本", "_"];

/// One input; see the module.
pub fn environment(data: &[u8]) {
    let mut variables = BTreeMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let (name, value) = variable(line);
        // Two names that only differ in what is no Unicode are told by one warning.
        variables.entry(name.to_string_lossy().into_owned()).or_insert((name, value));
    }
    let (statuses, warnings) = read(&variables);
    let again = read(&variables);
    assert_eq!(warnings, again.1, "read twice");
    for (status, again) in statuses.iter().zip(&again.0) {
        assert_eq!(status.settings, again.settings, "read twice");
        limits::hold(status);
    }
    for (name, (_, value)) in &variables {
        let told: Vec<&Warning> = warnings.iter().filter(|warning| warning.variable == *name).collect();
        is_told(name, &value.to_string_lossy(), &statuses, &told);
    }
    let strange = warnings.iter().find(|warning| !variables.contains_key(&warning.variable));
    assert!(strange.is_none(), "{strange:?}");
}

fn variable(line: &[u8]) -> (OsString, OsString) {
    let (name, value) = match line {
        [who, key, value @ ..] if *who == b'*' || (b'0'..b'5').contains(who) => {
            let key = Key::ALL[usize::from(*key) % Key::ALL.len()].as_str().to_ascii_uppercase();
            let name = match who {
                b'*' => format!("{PREFIX}{key}"),
                who => format!("{PREFIX}_{}__{key}", shown(NAMES[usize::from(who - b'0')])),
            };
            (name.into_bytes(), value)
        }
        line => {
            let at = line.iter().position(|byte| *byte == b'=').unwrap_or(line.len());
            (line[..at].to_vec(), line.get(at + 1..).unwrap_or_default())
        }
    };
    (OsString::from_vec(name), OsString::from_vec(value.to_vec()))
}

/// A name as it stands in a variable.
fn shown(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }).collect()
}

fn config(at: usize) -> Config {
    let seconds = Duration::from_secs;
    let builder = Config::builder();
    let builder = match at {
        0 => builder,
        1 => builder.failure_threshold(3).failure_rate_threshold(0.5).window_duration(seconds(10)),
        2 => builder.preset(Preset::ExternalApi).success_threshold(2),
        3 => builder
            .failure_threshold(None)
            .slow_call_duration(seconds(1))
            .slow_call_rate_threshold(0.5)
            .recovery_timeout(seconds(5))
            .max_recovery_timeout(seconds(60))
            .multiplier(2.0),
        _ => builder.jitter(0.2).minimum_calls(20).window_size(50).half_open_max_calls(2).timeout(seconds(3)),
    };
    builder.build().expect("settings that fit together")
}

/// What the breakers and the registry say of an environment.
fn read(variables: &BTreeMap<String, (OsString, OsString)>) -> (Vec<Status>, Vec<Warning>) {
    let registry = Registry::with_environment(variables.values().cloned());
    for (at, name) in NAMES.iter().enumerate() {
        registry.get_or_insert(name, config(at)).expect("what the code states is right");
    }
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let subscription = registry.subscribe(move |event: &Event| {
        if let Event::Warning(warning) = event {
            hears.lock().unwrap_or_else(PoisonError::into_inner).push(warning.clone());
        }
    });
    drop(subscription);
    let warnings = registry.warnings();
    assert_eq!(*heard.lock().unwrap_or_else(PoisonError::into_inner), warnings, "what a first listener hears");
    let status = |name: &&str| registry.get(name).expect("it was made").status();
    (NAMES.iter().map(status).collect(), warnings)
}

/// The breakers that a variable is for, the strength of its layer, and its key; `None` if it has no key.
fn aim(rest: &str) -> Option<(Option<&str>, Origin, Key)> {
    let (name, key) = match rest.strip_prefix('_') {
        Some(named) => {
            let (name, key) = named.rsplit_once("__").filter(|(name, _)| !name.is_empty())?;
            (Some(name), key)
        }
        None => (None, rest),
    };
    let key = Key::ALL.into_iter().find(|known| known.as_str().to_ascii_uppercase() == key)?;
    Some((name, if name.is_some() { Origin::BreakerEnvironment } else { Origin::Environment }, key))
}

/// A variable is in force, or overruled, or there is one warning of it.
fn is_told(name: &str, value: &str, statuses: &[Status], told: &[&Warning]) {
    assert!(told.len() <= 1, "{told:?}");
    for warning in told {
        let is_about_a_breaker = warning.problem.starts_with("for circuit '");
        assert!(is_about_a_breaker || warning.value == value, "{name}={value}: {warning:?}");
        assert!(!warning.problem.is_empty());
    }
    if name.strip_prefix(PREFIX) == Some("PERSISTENT") {
        // The fuzzers' runtime keeps no files: anything but a no has to be told.
        let is_no = ["", "false", "0", "off", "no"].contains(&value.trim().to_ascii_lowercase().as_str());
        assert_eq!(told.is_empty(), is_no, "{name}={value}: {told:?}");
        return;
    }
    let ours = name.strip_prefix(PREFIX).filter(|rest| !OTHERS.contains(rest));
    let Some(rest) = ours else {
        assert!(told.is_empty(), "{told:?}");
        return;
    };
    let Some((breaker, origin, key)) = aim(rest) else {
        assert_eq!(told.len(), 1, "{name} is no setting");
        return;
    };
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if breaker.is_some_and(|breaker| !breaker.chars().all(is_upper)) {
        assert_eq!(told.len(), 1, "{name} can mean no breaker");
        return;
    }
    // Where each word is right, the settings of a breaker are all that it can be at odds with.
    let is_at_odds = told.iter().all(|warning| warning.problem.starts_with("for circuit '"));
    assert!(is_at_odds || !is_value(key, value), "{name}={value}: {told:?}");
    let meant = statuses.iter().filter(|status| breaker.is_none_or(|breaker| shown(&status.name) == breaker));
    let (mut is_in_force, mut is_ignored) = (false, false);
    for status in meant {
        let Setting { value: set, origin: by, .. } = status.setting(key);
        let is_hidden = other_window(key).is_some_and(|other| status.setting(other).origin > origin);
        if by == origin {
            assert!(means(key, value, set), "{name}={value} is {set}");
            is_in_force = true;
        } else if by < origin && !is_hidden {
            is_ignored = true;
        }
    }
    if is_ignored {
        assert_eq!(told.len(), 1, "{name}={value} is ignored");
    } else if is_in_force {
        assert!(told.is_empty(), "{name}={value} is in force: {told:?}");
    }
}

/// Whether a text is a value of the key, as far as variable and attribute have one spelling.
fn is_value(key: Key, text: &str) -> bool {
    let text = text.trim();
    let value = match kind(key) {
        _ if can_be_off(key) && text.eq_ignore_ascii_case("off") => Some(Value::Off),
        Kind::Count => text.parse().ok().map(Value::Count),
        Kind::Share => text.parse().ok().map(Value::Share),
        Kind::Time => of_attribute(text).flatten().filter(|_| !is_of_the_attribute_alone(text)).map(Value::Time),
    };
    value.is_some_and(|value| is_in_range(key, value))
}

/// Whether a text is this value.
fn means(key: Key, text: &str, value: Value) -> bool {
    let text = text.trim();
    match value {
        Value::Off => can_be_off(key) && text.eq_ignore_ascii_case("off"),
        Value::Count(count) => text.parse() == Ok(count),
        Value::Share(share) => text.parse() == Ok(share),
        Value::Time(time) => of_attribute(text).flatten().is_none_or(|other| other == time),
        _ => false,
    }
}
