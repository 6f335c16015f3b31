//! Settings from outside, such as a configuration file, for all breakers of a registry at once: those there are and
//! those to come. What they say of whom is `configuration`.

use std::sync::Arc;

use super::Registry;
use crate::breaker::{Core, Inner};
use crate::configuration::{Settings, SettingsError, SettingsProblem, family};
use crate::event::{Change, Event, Warning};
use crate::handle::CircuitBreaker;
use crate::layers::Layers;
use crate::policy::Policy;
use crate::settings::Key;

/// What [`Registry::configure`] has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    changed: Vec<Arc<str>>,
    unused: Vec<String>,
}

impl Applied {
    /// The breakers that work by other settings now, sorted by name.
    pub fn changed(&self) -> &[Arc<str>] {
        &self.changed
    }

    /// Names in the settings that neither a breaker nor a family has yet, sorted: misspelt, or of breakers to come.
    pub fn unused(&self) -> &[String] {
        &self.unused
    }
}

impl Registry {
    /// Applies settings from outside, such as a configuration file: to the breakers there are, and to those to come.
    ///
    /// They take the place of those of the call before, so it serves to reload a file too: what is gone from it is again
    /// what it would be without it. State, window and counters are kept. Settings for one breaker are stronger than the
    /// code and weaker than a variable for it; those for all are weaker than the code and variables. Listeners hear of
    /// each breaker that works by other settings now.
    ///
    /// A breaker made later never fails by them: what contradicts its code is left out, told as an event, and listed by
    /// [`Registry::warnings`].
    ///
    /// ```
    /// use breakerbox::{Config, Registry, Settings};
    ///
    /// let registry = Registry::new();
    /// registry.get_or_insert("quotes", Config::builder().half_open_max_calls(2))?;
    ///
    /// let file = |successes| {
    ///     let quotes = Config::builder().failure_threshold(3).success_threshold(successes);
    ///     Settings::new().breaker("quotes", quotes).breaker("qoutes", Config::default())
    /// };
    /// let applied = registry.configure(file(1))?;
    /// assert_eq!(&*applied.changed()[0], "quotes");
    /// assert_eq!(applied.unused(), ["qoutes"]);
    ///
    /// let error = registry.configure(file(5)).unwrap_err();
    /// assert!(error.to_string().starts_with("circuit 'quotes': `success_threshold` is more than `half_open_max_calls`"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A value is out of range, or contradicts what else is stated of a breaker. Nothing is changed then. The error
    /// names every breaker and key.
    pub fn configure(&self, settings: Settings) -> Result<Applied, SettingsError> {
        settings.judge()?;
        // No breaker is made meanwhile by what was there before.
        let mut held = self.inner.configuration.write();
        let applied = self.apply(&settings)?;
        *held = settings;
        drop(held);
        self.deliver();
        Ok(applied)
    }

    /// Applies settings to all breakers, or to none.
    fn apply(&self, settings: &Settings) -> Result<Applied, SettingsError> {
        let families: Vec<_> = self.inner.families.read().values().cloned().collect();
        let breakers = self.all();
        let names = families.iter().map(|family| &*family.name).chain(breakers.iter().map(CircuitBreaker::name));
        let unused = settings.unused(names);

        let mut problems: Vec<SettingsProblem> = Vec::new();
        let mut templates = Vec::new();
        for family in &families {
            let template = family.template.lock();
            match template.configured(&settings.of(&family.name)) {
                Ok((layers, _)) => templates.push((template, layers)),
                Err(error) => problems.push(SettingsProblem::new(Some(&family.name), error)),
            }
        }
        // Whom they leave as they are does not have to wait.
        let concerned: Vec<_> = breakers
            .iter()
            .map(|breaker| (&*breaker.core, settings.of(breaker.name())))
            .filter(|(core, configured)| !core.lock().layers.are_configured(configured))
            .collect();
        let mut locked = Vec::new();
        for (core, configured) in &concerned {
            let mut inner = core.lock();
            // Before anything is changed: a clock is code of the user, and may panic.
            let now = core.now(core.word());
            core.tick(&mut inner, now);
            match inner.layers.configured(configured) {
                Ok((layers, policy)) => locked.push((*core, inner, now, layers, policy)),
                Err(error) => {
                    // What is wrong with a family is told once.
                    let is_told =
                        |told: &SettingsProblem| told.breaker() == family(core.name()) && *told.error() == error;
                    if !problems.iter().any(is_told) {
                        problems.push(SettingsProblem::new(Some(core.name()), error));
                    }
                }
            }
        }
        SettingsError::all(problems)?;
        for (mut template, layers) in templates {
            *template = layers;
        }
        let mut changed = Vec::new();
        for (core, mut inner, now, layers, policy) in locked {
            if core.configure(&mut inner, now, layers, policy) {
                changed.push(Arc::clone(&core.label));
            }
        }
        Ok(Applied { changed, unused })
    }

    /// Has a breaker that is being made, or a template, begin with what the settings say of it. Hold the lock of the
    /// configuration until it is listed. The caller delivers.
    pub(super) fn begin_configured(&self, settings: &Settings, breaker: &str, layers: &mut Layers) {
        for left_out in layers.take_configured(&settings.of(breaker)) {
            self.warn(Warning {
                variable: settings.place(breaker, left_out.key, left_out.origin),
                value: left_out.value,
                problem: format!("for circuit '{breaker}', {}", left_out.problem),
            });
        }
    }
}

impl Core {
    /// Works by another configuration from now on. Tells whether that changes anything. The caller delivers.
    fn configure(&self, inner: &mut Inner, now: u64, layers: Layers, policy: Policy) -> bool {
        *inner.layers = layers;
        let before = inner.policy;
        let change = |key: Key| Change { key, before: before.get(key), after: policy.get(key) };
        let changes: Vec<_> = Key::ALL.into_iter().map(change).filter(|change| change.before != change.after).collect();
        let is_changed = !changes.is_empty();
        if is_changed {
            self.follow(inner, policy);
            if let Some(moved) = inner.machine.close_if_due(&policy, now) {
                self.commit(inner, moved);
            }
            let breaker = Arc::clone(&self.label);
            self.bus.publish(|| Event::Reconfigured { breaker, changes, by: None });
        }
        self.publish(inner);
        is_changed
    }
}
