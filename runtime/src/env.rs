//! Settings from environment variables.
//!
//! `CIRCUIT_BREAKER_<KEY>` is for all breakers, `CIRCUIT_BREAKER__<NAME>__<KEY>` for one. They are
//! read once, when the registry is made. What cannot be used is told once, and ignored.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::event::Warning;
use crate::policy::out_of_range;
use crate::settings::{Key, Value};

const PREFIX: &str = "CIRCUIT_BREAKER_";

/// Variables with the prefix that are not settings of a breaker, but of its optional parts.
const OTHERS: [&str; 3] = ["PERSISTENT", "STATE_DIR", "ADMIN_TOKEN"];

/// Parts of names whose values are not for logs: the name may be that of the token, misspelt.
const SECRETS: [&str; 4] = ["TOK", "SECRET", "PASS", "AUTH"];

/// The settings that the environment states.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) all: Vec<(Key, Value)>,
    named: HashMap<String, Vec<(Key, Value)>>,
    /// Where state is to be kept, if it is.
    pub(crate) state_dir: Option<PathBuf>,
}

impl Environment {
    /// Reads variables; also returns what cannot be used.
    pub(crate) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> (Self, Vec<Warning>) {
        let mut environment = Environment::default();
        let mut warnings = Vec::new();
        let (mut persistent, mut state_dir) = (None, None);
        for (variable, value) in variables {
            let variable = variable.to_string_lossy();
            let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
            match rest {
                "PERSISTENT" => persistent = Some(value.clone()),
                "STATE_DIR" => state_dir = Some(value.clone()).filter(|folder| !folder.is_empty()),
                _ => {}
            }
            if OTHERS.contains(&rest) {
                continue;
            }
            let text = value.to_string_lossy();
            if let Err(problem) = environment.take(rest, &text) {
                let is_secret = SECRETS.iter().any(|part| rest.to_ascii_uppercase().contains(part));
                let value = if is_secret { "***".to_owned() } else { text.into_owned() };
                warnings.push(Warning { variable: variable.into_owned(), value, problem });
            }
        }
        if let Some(text) = persistent {
            match persists(&text, state_dir) {
                Ok(folder) => environment.state_dir = folder,
                Err(problem) => {
                    let value = text.to_string_lossy().into_owned();
                    warnings.push(Warning { variable: format!("{PREFIX}PERSISTENT"), value, problem: problem.into() });
                }
            }
        }
        (environment, warnings)
    }

    fn take(&mut self, rest: &str, text: &str) -> Result<(), String> {
        let (name, suffix) = match rest.strip_prefix('_') {
            Some(named) => {
                let (name, suffix) = named.rsplit_once("__").filter(|(name, _)| !name.is_empty()).ok_or(
                    "write CIRCUIT_BREAKER__<NAME>__<KEY>, such as CIRCUIT_BREAKER__QUOTES__FAILURE_THRESHOLD",
                )?;
                if name.contains(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')) {
                    return Err(format!("no breaker is meant by it: write its name as `{}`", variable_part(name)));
                }
                (Some(name), suffix)
            }
            None => (None, rest),
        };
        let key = Key::ALL
            .into_iter()
            .find(|key| key.as_str().to_ascii_uppercase() == suffix)
            .ok_or_else(|| format!("there is no setting `{}`", suffix.to_ascii_lowercase()))?;
        let value = key.parse(text)?;
        if let Some(problem) = out_of_range(key, value) {
            return Err(problem.to_owned());
        }
        match name {
            Some(name) => self.named.entry(name.to_owned()).or_default().push((key, value)),
            None => self.all.push((key, value)),
        }
        Ok(())
    }

    /// What is stated for a breaker by its name.
    pub(crate) fn of(&self, breaker: &str) -> &[(Key, Value)] {
        if self.named.is_empty() {
            return &[];
        }
        self.named.get(&variable_part(breaker)).map_or(&[], Vec::as_slice)
    }
}

/// Where state is to be kept, if it is.
fn persists(text: &OsStr, state_dir: Option<OsString>) -> Result<Option<PathBuf>, &'static str> {
    let is_on = match text.to_string_lossy().trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => true,
        "false" | "0" | "off" | "no" | "" => false,
        _ => return Err("it must be `true` or `false`"),
    };
    match state_dir {
        _ if !is_on => Ok(None),
        _ if cfg!(not(feature = "persist")) => Err("breakerbox is built without the feature `persist`"),
        None => Err("state has nowhere to go: set CIRCUIT_BREAKER_STATE_DIR to a folder too"),
        Some(folder) => Ok(Some(folder.into())),
    }
}

/// The name of a breaker as it stands in a variable: upper case, everything else `_`.
fn variable_part(breaker: &str) -> String {
    breaker.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The name of the variable that states a key, for one breaker or for all.
pub(crate) fn variable(breaker: Option<&str>, key: Key) -> String {
    let key = key.as_str().to_ascii_uppercase();
    match breaker {
        Some(breaker) => format!("{PREFIX}_{}__{key}", variable_part(breaker)),
        None => format!("{PREFIX}{key}"),
    }
}
