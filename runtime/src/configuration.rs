//! The settings of a whole registry, as a configuration file states them: those for all breakers, and those of each
//! by name. How serde reads them is `read`, how it writes them `write`; who applies them is the registry.

mod error;
#[cfg(feature = "serde")]
mod read;
#[cfg(feature = "serde")]
mod table;
#[cfg(feature = "serde")]
mod value;
#[cfg(feature = "serde")]
mod words;
#[cfg(feature = "serde")]
mod write;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{ConfigBuilder, ConfigError, check_name};
use crate::layers::{Configured, Presets, excludes};
use crate::policy::{Policy, out_of_range};
use crate::settings::{Key, Origin, Value};

pub use error::{SettingsError, SettingsProblem};

/// Bytes of the name of a member beyond that of its family: a key, and the brackets.
const LONGEST_MEMBER: usize = 128 + 256 + 2;

/// The settings of a whole registry: those for all breakers, and those of each by name. For
/// [`Registry::configure`](crate::Registry::configure).
///
/// What they leave open is left to the code, the environment and the defaults. With the feature `serde` they are read
/// from TOML, JSON and YAML, and written: `defaults`, and `breakers` by name.
///
/// ```
/// use breakerbox::{Config, Key, Registry, Settings, Value};
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let quotes = registry.get_or_insert("quotes", Config::default())?;
///
/// let settings = Settings::new()
///     .defaults(Config::builder().recovery_timeout(Duration::from_secs(45)))
///     .breaker("quotes", Config::builder().failure_threshold(3));
/// registry.configure(settings)?;
/// assert_eq!(quotes.status().setting(Key::FailureThreshold).value, Value::Count(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Settings {
    defaults: ConfigBuilder,
    breakers: BTreeMap<String, ConfigBuilder>,
}

impl Settings {
    /// Settings that state nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// States settings for all breakers, in place of those stated before. They are weaker than what the code states of
    /// a breaker.
    pub fn defaults(mut self, settings: impl Into<ConfigBuilder>) -> Self {
        self.defaults = settings.into();
        self
    }

    /// States settings of one breaker, in place of those stated of it before. They are stronger than what the code
    /// states.
    ///
    /// Those of a family, `fetch`, hold for each of its breakers; those of one of them, `fetch[api.example.com]`, are
    /// stronger.
    pub fn breaker(mut self, name: impl Into<String>, settings: impl Into<ConfigBuilder>) -> Self {
        self.breakers.insert(name.into(), settings.into());
        self
    }

    /// What they say of one breaker: of its family first, if it has one.
    pub(crate) fn of(&self, breaker: &str) -> Configured {
        let names = [family(breaker), Some(breaker)].into_iter().flatten();
        let tables = names.filter_map(|name| self.breakers.get(name));
        let mut own = ConfigBuilder::default();
        for table in tables {
            own.preset = table.preset.or(own.preset);
            for &(key, value) in &table.stated {
                own.stated.retain(|(weaker, _)| *weaker != key && !excludes(key, *weaker));
                own.stated.push((key, value));
            }
        }
        let state = |origin| move |&(key, value): &(Key, Value)| (key, value, origin);
        let for_all = self.defaults.stated.iter().map(state(Origin::Configuration));
        Configured {
            presets: Presets { own: own.preset, for_all: self.defaults.preset },
            settings: for_all.chain(own.stated.iter().map(state(Origin::BreakerConfiguration))).collect(),
        }
    }

    /// Whether they name just this breaker.
    pub(crate) fn names(&self, breaker: &str) -> bool {
        self.breakers.contains_key(breaker)
    }

    /// The names that neither a breaker nor a family has.
    pub(crate) fn unused<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<String> {
        let used: BTreeSet<&str> = names.flat_map(|name| [Some(name), family(name)]).flatten().collect();
        self.breakers.keys().filter(|name| !used.contains(name.as_str())).cloned().collect()
    }

    /// Where a setting of a breaker is stated, as a path: `breakers.fetch.failure_threshold`.
    pub(crate) fn place(&self, breaker: &str, key: Option<Key>, origin: Origin) -> String {
        let name = key.map_or("preset", Key::as_str);
        if origin == Origin::Configuration {
            return format!("defaults.{name}");
        }
        let states = |table: &ConfigBuilder| match key {
            Some(key) => table.stated.iter().any(|(stated, _)| *stated == key),
            None => table.preset.is_some(),
        };
        let is_own = self.breakers.get(breaker).is_some_and(states);
        let table = family(breaker).filter(|_| !is_own).unwrap_or(breaker);
        format!("breakers.{table}.{name}")
    }

    /// Judges what can be judged without the breakers.
    pub(crate) fn judge(&self) -> Result<(), SettingsError> {
        let mut problems = Vec::new();
        let tables = self.breakers.iter().map(|(name, table)| (Some(name.as_str()), table));
        for (breaker, table) in [(None, &self.defaults)].into_iter().chain(tables) {
            let named = breaker.map_or(Ok(()), judge_name).err();
            let errors = named.into_iter().chain(judge_table(table));
            problems.extend(errors.map(|error| SettingsProblem::new(breaker, error)));
        }
        SettingsError::all(problems)
    }
}

/// The family that a breaker would be of by its name: `fetch` of `fetch[api.example.com]`.
pub(crate) fn family(breaker: &str) -> Option<&str> {
    let (family, _) = breaker.strip_suffix(']')?.split_once('[')?;
    (!family.is_empty()).then_some(family)
}

/// Judges a name as one that a breaker, or one of a family, may have.
fn judge_name(name: &str) -> Result<(), ConfigError> {
    match family(name) {
        Some(family) if name.len() <= LONGEST_MEMBER && !name.contains(char::is_control) => check_name(family),
        _ => check_name(name),
    }
}

/// What is wrong with settings whatever else is stated elsewhere: values out of range, and such as contradict each other.
fn judge_table(table: &ConfigBuilder) -> Vec<ConfigError> {
    let wrong = |&(key, value): &(Key, Value)| Some(ConfigError::new(key.as_str(), out_of_range(key, value)?));
    let problems: Vec<_> = table.stated.iter().filter_map(wrong).collect();
    if !problems.is_empty() {
        return problems;
    }
    let is_stated = |key: Key| table.stated.iter().any(|(stated, _)| *stated == key);
    match Policy::resolve(&table.stated()) {
        // What another layer could mend is judged with the breaker.
        Err(defect) if defect.text.split('`').filter_map(|part| part.parse().ok()).all(is_stated) => {
            vec![defect.into()]
        }
        _ => Vec::new(),
    }
}
