//! Who stated which setting of a breaker: the layers from preset to run time, and how several
//! functions that share a name come to one set of settings.

use std::sync::Arc;

use crate::config::ConfigError;
use crate::env::{self, Environment};
use crate::event::{Conflict, Warning};
use crate::location::Location;
use crate::policy::{Policy, Stated};
use crate::preset::Preset;
use crate::settings::{Key, Origin, Value};

type Layer = Vec<(Key, Value)>;

/// The statements about one breaker. What is in here resolves: [`Layers::policy`] cannot fail.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    policy: Policy,
    preset: Option<(Preset, Location)>,
    environment: Layer,
    code: Layer,
    /// Who stated each setting of `code`, by index.
    code_at: Vec<Location>,
    named: Layer,
    runtime: Layer,
    /// The functions behind the breaker.
    pub(crate) locations: Vec<Location>,
    /// What they disagree about.
    pub(crate) conflicts: Vec<Conflict>,
}

/// What a function, or a line that makes a breaker by hand, says about its breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement<'a> {
    pub(crate) location: Location,
    pub(crate) preset: Option<Preset>,
    pub(crate) settings: &'a [(Key, Value)],
}

impl Layers {
    /// The first statement about a breaker, and what the environment says of it.
    pub(crate) fn new(
        breaker: &str,
        statement: Statement<'_>,
        environment: &Environment,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let mut layers = Layers {
            policy: Policy::resolve(&Stated::NONE)?,
            preset: statement.preset.map(|preset| (preset, statement.location)),
            environment: Layer::new(),
            code: statement.settings.to_vec(),
            code_at: vec![statement.location; statement.settings.len()],
            named: Layer::new(),
            runtime: Layer::new(),
            locations: vec![statement.location],
            conflicts: Vec::new(),
        };
        layers.settle()?;
        let warnings = layers.take_environment(breaker, environment);
        Ok((layers, warnings))
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn preset(&self) -> Option<Preset> {
        self.preset.map(|(preset, _)| preset)
    }

    /// All settings laid over each other.
    pub(crate) fn stated(&self) -> Stated {
        let mut stated = Stated::NONE;
        if let Some((preset, _)) = self.preset {
            stated.overlay(preset.settings(), Origin::Preset);
        }
        stated.overlay(&self.environment, Origin::Environment);
        stated.overlay(&self.code, Origin::Code);
        stated.overlay(&self.named, Origin::BreakerEnvironment);
        stated.overlay(&self.runtime, Origin::Runtime);
        stated
    }

    fn settle(&mut self) -> Result<(), ConfigError> {
        self.policy = Policy::resolve(&self.stated())?;
        Ok(())
    }

    /// Applies a change, or leaves everything as it was.
    fn attempt(&mut self, change: impl FnOnce(&mut Layers)) -> Result<(), ConfigError> {
        let mut changed = self.clone();
        change(&mut changed);
        changed.settle()?;
        *self = changed;
        Ok(())
    }

    /// Takes what the environment states. A variable that contradicts the rest is told and left
    /// out; two that only fit together are taken together.
    fn take_environment(&mut self, breaker: &str, environment: &Environment) -> Vec<Warning> {
        let named = environment.of(breaker);
        let both = |layers: &mut Layers| {
            layers.environment = environment.all.clone();
            layers.named = named.to_vec();
        };
        if self.attempt(both).is_ok() {
            return Vec::new();
        }
        let mut left: Vec<(bool, Key, Value)> = named.iter().map(|(key, value)| (true, *key, *value)).collect();
        left.extend(environment.all.iter().map(|(key, value)| (false, *key, *value)));
        loop {
            let before = left.len();
            let mut problems = Vec::new();
            left.retain(|&(is_named, key, value)| {
                let taken = self.attempt(|layers| {
                    let layer = if is_named { &mut layers.named } else { &mut layers.environment };
                    layer.push((key, value));
                });
                taken.map_err(|error| problems.push(error)).is_err()
            });
            if left.len() == before {
                let warning = |((is_named, key, value), problem): ((bool, Key, Value), ConfigError)| Warning {
                    variable: env::variable(is_named.then_some(breaker), key),
                    value: value.to_string(),
                    problem: format!("for circuit '{breaker}', {problem}"),
                };
                return left.into_iter().zip(problems).map(warning).collect();
            }
        }
    }

    /// Takes what another function of the same name states, and returns what it contradicts.
    pub(crate) fn merge(&mut self, breaker: &Arc<str>, statement: Statement<'_>) -> Vec<Conflict> {
        let at = statement.location;
        if !self.locations.contains(&at) {
            self.locations.push(at);
            self.locations.sort_unstable();
        }
        let mut conflicts = Vec::new();
        let mut conflict = |key: &'static str, kept: String, kept_at: Location, ignored: String| {
            let breaker = Arc::clone(breaker);
            conflicts.push(Conflict { breaker, key, kept, kept_at, ignored, ignored_at: at });
        };
        match (self.preset, statement.preset) {
            (Some((kept, kept_at)), Some(preset)) if kept != preset => {
                conflict("preset", kept.to_string(), kept_at, preset.to_string());
            }
            (None, Some(preset)) => {
                if let Err(error) = self.attempt(|layers| layers.preset = Some((preset, at))) {
                    conflict("preset", error.to_string(), self.locations[0], preset.to_string());
                }
            }
            _ => {}
        }
        for &(key, value) in statement.settings {
            if let Some(index) = self.code.iter().position(|(known, _)| *known == key) {
                let kept = self.code[index].1;
                if kept != value {
                    conflict(key.as_str(), kept.to_string(), self.code_at[index], value.to_string());
                }
                continue;
            }
            let added = self.attempt(|layers| {
                layers.code.push((key, value));
                layers.code_at.push(at);
            });
            if added.is_err() {
                let kept = self.policy.get(key).to_string();
                conflict(key.as_str(), kept, self.locations[0], value.to_string());
            }
        }
        conflicts.retain(|conflict| !self.conflicts.contains(conflict));
        self.conflicts.extend(conflicts.iter().cloned());
        conflicts
    }

    /// Changes settings at run time: all of them, or none and an error.
    pub(crate) fn reconfigure(&mut self, changes: &[(Key, Value)]) -> Result<(), ConfigError> {
        self.attempt(|layers| {
            for &(key, value) in changes {
                layers.runtime.retain(|(known, _)| *known != key && !excludes(key, *known));
                layers.runtime.push((key, value));
            }
        })
    }
}

/// Whether a later statement of the one key takes the place of the other: the two kinds of window.
fn excludes(key: Key, other: Key) -> bool {
    matches!((key, other), (Key::WindowSize, Key::WindowDuration) | (Key::WindowDuration, Key::WindowSize))
}
