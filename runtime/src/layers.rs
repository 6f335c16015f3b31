//! Who stated which setting of a breaker: the layers from preset to run time, and how several
//! functions that share a name come to one set of settings.

use std::sync::Arc;

use crate::config::ConfigError;
use crate::env::{self, Environment};
use crate::event::{Conflict, Warning};
use crate::location::Location;
use crate::policy::{Defect, Policy, Stated};
use crate::preset::Preset;
use crate::settings::{Key, Origin, Value};

/// One setting as somebody stated it.
#[derive(Clone, Copy, Debug)]
struct Statement {
    key: Key,
    value: Value,
    origin: Origin,
    /// Who stated it, as an index of `locations`; of use for settings of the code alone.
    by: usize,
}

/// The statements about one breaker. They resolve: nobody is let in who contradicts the others.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    preset: Option<(Preset, usize)>,
    configured_presets: Presets,
    statements: Vec<Statement>,
    /// The functions behind the breaker, in the order in which they came.
    locations: Vec<Location>,
    /// What they disagree about.
    pub(crate) conflicts: Vec<Conflict>,
}

/// The presets that a configuration names: of the breaker itself, which is stronger than that of the code, and for all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Presets {
    pub(crate) own: Option<Preset>,
    pub(crate) for_all: Option<Preset>,
}

/// What the configuration of a registry says of one breaker. Where that is from is `configuration`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Configured {
    pub(crate) presets: Presets,
    /// Each with its origin, which is one of the two of a configuration.
    pub(crate) settings: Vec<(Key, Value, Origin)>,
}

/// A statement that is left out because it contradicts the others.
pub(crate) struct LeftOut {
    /// `None` is the preset.
    pub(crate) key: Option<Key>,
    pub(crate) value: String,
    pub(crate) origin: Origin,
    pub(crate) problem: ConfigError,
}

/// The layers that settings are stated in, the weakest first; under them are the preset and the defaults.
const LAYERS: [Origin; 6] = [
    Origin::Configuration,
    Origin::Environment,
    Origin::Code,
    Origin::BreakerConfiguration,
    Origin::BreakerEnvironment,
    Origin::Runtime,
];

/// What a function, or a line that makes a breaker by hand, says about its breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declaration<'a> {
    pub(crate) location: Location,
    pub(crate) preset: Option<Preset>,
    pub(crate) settings: &'a [(Key, Value)],
}

impl Layers {
    /// The first declaration of a breaker, and what the environment says of it.
    pub(crate) fn new(
        breaker: &str,
        declaration: Declaration<'_>,
        environment: &Environment,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let state = |&(key, value): &(Key, Value)| Statement { key, value, origin: Origin::Code, by: 0 };
        let mut layers = Layers {
            preset: declaration.preset.map(|preset| (preset, 0)),
            configured_presets: Presets::default(),
            statements: declaration.settings.iter().map(state).collect(),
            locations: vec![declaration.location],
            conflicts: Vec::new(),
        };
        layers.resolve()?;
        let warnings = layers.take_environment(breaker, environment);
        Ok((layers, warnings))
    }

    /// All settings laid over each other.
    pub(crate) fn stated(&self) -> Stated {
        let mut stated = Stated::NONE;
        if let Some(preset) = self.preset() {
            stated.overlay(preset.settings(), Origin::Preset);
        }
        for origin in LAYERS {
            let layer = self.statements.iter().filter(|statement| statement.origin == origin);
            layer.for_each(|statement| stated.overlay(&[(statement.key, statement.value)], origin));
        }
        stated
    }

    /// What the settings come to.
    pub(crate) fn resolve(&self) -> Result<Policy, ConfigError> {
        Policy::resolve(&self.stated()).map_err(ConfigError::from)
    }

    pub(crate) fn preset(&self) -> Option<Preset> {
        let Presets { own, for_all } = self.configured_presets;
        own.or(self.preset.map(|(preset, _)| preset)).or(for_all)
    }

    /// The functions behind the breaker, sorted.
    pub(crate) fn locations(&self) -> Vec<Location> {
        let mut locations = self.locations.clone();
        locations.sort_unstable();
        locations
    }

    /// Applies a change, or leaves everything as it was.
    fn attempt(&mut self, change: impl FnOnce(&mut Layers)) -> Result<Policy, ConfigError> {
        let mut changed = self.clone();
        change(&mut changed);
        let policy = changed.resolve()?;
        *self = changed;
        Ok(policy)
    }

    /// Takes what the environment states. A variable that contradicts the rest is told and left out.
    fn take_environment(&mut self, breaker: &str, environment: &Environment) -> Vec<Warning> {
        let state = |origin| move |&(key, value): &(Key, Value)| Statement { key, value, origin, by: 0 };
        let named = environment.of(breaker).iter().map(state(Origin::BreakerEnvironment));
        let stated = named.chain(environment.all.iter().map(state(Origin::Environment))).collect();
        let warning = |(statement, problem): (Statement, ConfigError)| Warning {
            variable: env::variable((statement.origin == Origin::BreakerEnvironment).then_some(breaker), statement.key),
            value: statement.value.to_string(),
            problem: format!("for circuit '{breaker}', {problem}"),
        };
        self.take(stated).into_iter().map(warning).collect()
    }

    /// Takes as many statements as go together with the rest, and returns the others. Two that only fit together are
    /// taken together.
    fn take(&mut self, mut left: Vec<Statement>) -> Vec<(Statement, ConfigError)> {
        if left.is_empty() || self.attempt(|layers| layers.statements.extend(&left)).is_ok() {
            return Vec::new();
        }
        loop {
            let before = left.len();
            let mut problems = Vec::new();
            left.retain(|statement| {
                let taken = self.attempt(|layers| layers.statements.push(*statement));
                taken.map_err(|error| problems.push(error)).is_err()
            });
            if left.len() == before {
                return left.into_iter().zip(problems).collect();
            }
        }
    }

    /// Whether the layers hold just this configuration.
    pub(crate) fn are_configured(&self, configured: &Configured) -> bool {
        let statements = self.statements.iter().filter(|known| is_configured(known));
        let known = statements.map(|known| (known.key, known.value, known.origin));
        self.configured_presets == configured.presets && known.eq(configured.settings.iter().copied())
    }

    /// The layers with another configuration in place of the one that they hold, and what they come to.
    ///
    /// # Errors
    /// It contradicts the rest; the error tells who states what.
    pub(crate) fn configured(&self, configured: &Configured) -> Result<(Layers, Policy), ConfigError> {
        let mut layers = self.clone();
        layers.unconfigure();
        layers.configured_presets = configured.presets;
        layers.statements.extend(statements(configured));
        let stated = layers.stated();
        let policy = Policy::resolve(&stated).map_err(|defect| with_origins(defect, &stated))?;
        Ok((layers, policy))
    }

    /// Takes a configuration for a breaker that is being made, which may not fail: what contradicts the rest is left out.
    pub(crate) fn take_configured(&mut self, configured: &Configured) -> Vec<LeftOut> {
        if let Ok((layers, _)) = self.configured(configured) {
            *self = layers;
            return Vec::new();
        }
        self.unconfigure();
        let mut left_out = Vec::new();
        let Presets { own, for_all } = configured.presets;
        for (preset, origin) in [(own, Origin::BreakerConfiguration), (for_all, Origin::Configuration)] {
            let Some(preset) = preset else { continue };
            let taken = self.attempt(|layers| match origin {
                Origin::Configuration => layers.configured_presets.for_all = Some(preset),
                _ => layers.configured_presets.own = Some(preset),
            });
            if let Err(problem) = taken {
                left_out.push(LeftOut { key: None, value: preset.to_string(), origin, problem });
            }
        }
        let others = self.take(statements(configured).collect()).into_iter().map(|(statement, problem)| {
            let Statement { key, value, origin, .. } = statement;
            LeftOut { key: Some(key), value: value.to_string(), origin, problem }
        });
        left_out.extend(others);
        left_out
    }

    fn unconfigure(&mut self) {
        self.configured_presets = Presets::default();
        self.statements.retain(|known| !is_configured(known));
    }

    /// Takes what another function of the same name states, and returns what it contradicts.
    pub(crate) fn merge(&mut self, breaker: &Arc<str>, declaration: Declaration<'_>) -> Vec<Conflict> {
        let at = declaration.location;
        let by = self.locations.iter().position(|known| *known == at).unwrap_or_else(|| {
            self.locations.push(at);
            self.locations.len() - 1
        });
        let mut conflicts = Vec::new();
        let mut conflict = |key: &'static str, kept: String, kept_at: Location, ignored: String| {
            let breaker = Arc::clone(breaker);
            conflicts.push(Conflict { breaker, key, kept, kept_at, ignored, ignored_at: at });
        };
        if let Some(preset) = declaration.preset {
            let known = self.preset.map(|(known, by)| (known, self.locations[by]));
            let kept = known.map_or(("none".to_owned(), self.locations[0]), |(known, at)| (known.to_string(), at));
            let is_refused = match known {
                Some((known, _)) => known != preset,
                None => self.attempt(|layers| layers.preset = Some((preset, by))).is_err(),
            };
            if is_refused {
                conflict("preset", kept.0, kept.1, preset.to_string());
            }
        }
        for &(key, value) in declaration.settings {
            let known = self.statements.iter().find(|known| known.key == key && known.origin == Origin::Code);
            if let Some(&Statement { value: kept, by, .. }) = known {
                if kept != value {
                    conflict(key.as_str(), kept.to_string(), self.locations[by], value.to_string());
                }
                continue;
            }
            let statement = Statement { key, value, origin: Origin::Code, by };
            if self.attempt(|layers| layers.statements.push(statement)).is_err() {
                // It contradicts other keys; in force is what those leave of it.
                let in_force = self.resolve().map_or(Value::Off, |policy| policy.get(key));
                conflict(key.as_str(), in_force.to_string(), self.locations[0], value.to_string());
            }
        }
        // One for each key and place, however often the place is passed and whatever it states.
        let is_known = |conflict: &Conflict| {
            self.conflicts.iter().any(|known| (known.key, known.ignored_at) == (conflict.key, conflict.ignored_at))
        };
        conflicts.retain(|conflict| !is_known(conflict));
        self.conflicts.extend(conflicts.iter().cloned());
        conflicts
    }

    /// Changes settings at run time: all of them, or none and an error.
    pub(crate) fn reconfigure(&mut self, changes: &[(Key, Value)]) -> Result<Policy, ConfigError> {
        self.attempt(|layers| {
            for &(key, value) in changes {
                let gives_way = |other: &Statement| other.key == key || excludes(key, other.key);
                layers.statements.retain(|known| known.origin != Origin::Runtime || !gives_way(known));
                layers.statements.push(Statement { key, value, origin: Origin::Runtime, by: 0 });
            }
        })
    }
}

/// Whether a later statement of the one key takes the place of the other: the two kinds of window.
pub(crate) fn excludes(key: Key, other: Key) -> bool {
    matches!((key, other), (Key::WindowSize, Key::WindowDuration) | (Key::WindowDuration, Key::WindowSize))
}

fn is_configured(statement: &Statement) -> bool {
    matches!(statement.origin, Origin::Configuration | Origin::BreakerConfiguration)
}

fn statements(configured: &Configured) -> impl Iterator<Item = Statement> {
    configured.settings.iter().map(|&(key, value, origin)| Statement { key, value, origin, by: 0 })
}

/// What is wrong, and who states what of the settings that it names.
fn with_origins(defect: Defect, stated: &Stated) -> ConfigError {
    let is_named = |key: &Key| defect.text.split('`').any(|part| part == key.as_str());
    let origins: Vec<String> = Key::ALL
        .into_iter()
        .filter(is_named)
        .filter_map(|key| Some(format!("`{key}` is {} by {}", stated.get(key)?, stated.origin(key))))
        .collect();
    let key = defect.key.as_str();
    if origins.is_empty() {
        return ConfigError::new(key, defect.text);
    }
    ConfigError::new(key, format!("{} ({})", defect.text, origins.join(", ")))
}
