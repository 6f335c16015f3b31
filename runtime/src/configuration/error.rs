//! What is wrong with the settings of a registry: all of it at once.

use std::fmt;

use crate::config::ConfigError;

/// How many problems a message tells; the others it counts.
const TOLD: usize = 10;

/// Settings that were not applied, and why: each problem with the breaker, the key and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingsError {
    problems: Vec<SettingsProblem>,
}

impl SettingsError {
    /// An error, if there are problems.
    pub(crate) fn all(problems: Vec<SettingsProblem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(SettingsError { problems }) }
    }

    /// What is wrong, one by one.
    pub fn problems(&self) -> &[SettingsProblem] {
        &self.problems
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<_> = self.problems.iter().take(TOLD).map(ToString::to_string).collect();
        f.write_str(&told.join("; "))?;
        match self.problems.len().saturating_sub(TOLD) {
            0 => Ok(()),
            others => write!(f, "; and {others} more"),
        }
    }
}

impl std::error::Error for SettingsError {}

/// One thing that is wrong with the settings of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsProblem {
    breaker: Option<String>,
    error: ConfigError,
}

impl SettingsProblem {
    pub(crate) fn new(breaker: Option<&str>, error: ConfigError) -> Self {
        SettingsProblem { breaker: breaker.map(str::to_owned), error }
    }

    /// The breaker whose settings are wrong; `None` for those for all breakers.
    pub fn breaker(&self) -> Option<&str> {
        self.breaker.as_deref()
    }

    /// The key of the setting, such as `failure_threshold`; `name` for the breaker's name.
    pub fn key(&self) -> &str {
        self.error.key()
    }

    /// What is wrong with it.
    pub(crate) fn error(&self) -> &ConfigError {
        &self.error
    }
}

impl fmt::Display for SettingsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.breaker {
            Some(breaker) => write!(f, "circuit '{}': {}", shown(breaker), self.error),
            None => write!(f, "defaults: {}", self.error),
        }
    }
}

/// Of what a file says, so many characters are repeated.
const LONGEST: usize = 80;

/// A text from a file as messages repeat it: on one line, and not at any length.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
