//! The layers of one breaker by the words of the design: what was stated first, what others of the
//! name added, what was changed at run time.

use breakerbox::{Key, Origin, Preset, Status};

use super::draw::Wish;
use crate::limits::{self, Stated, broken, in_force, other_window, over};

/// Who stated what; it resolves.
#[derive(Clone, Debug)]
pub(super) struct Model {
    preset: Option<Preset>,
    code: Stated,
    runtime: Stated,
}

impl Model {
    pub(super) fn new(wish: &Wish) -> Model {
        Model { preset: wish.preset, code: wish.code(), runtime: Stated::new() }
    }

    fn stated(&self) -> Stated {
        let preset = self.preset.map(limits::preset).unwrap_or_default();
        over(&over(&preset, &self.code), &self.runtime)
    }

    /// After a change at run time, and the keys that are wrong then. The settings of its preset are
    /// changed too; of the two kinds of window the later counts.
    pub(super) fn reconfigured(&self, wish: &Wish) -> (Model, Vec<Key>) {
        let mut changed = self.clone();
        let preset = wish.preset.map(limits::preset).unwrap_or_default();
        let preset = preset.into_iter().map(|(key, (value, _))| (key, value));
        for (key, value) in preset.chain(wish.stated.iter().copied()) {
            if let Some(other) = other_window(key) {
                changed.runtime.remove(&other);
            }
            changed.runtime.insert(key, (value, Origin::Runtime));
        }
        let broken = broken(&changed.stated());
        (changed, broken)
    }

    /// Takes what is new and contradicts nothing, one by one; returns the keys that are set aside.
    pub(super) fn merge(&mut self, wish: &Wish) -> Vec<&'static str> {
        let mut set_aside = Vec::new();
        if let Some(preset) = wish.preset {
            let attempt = Model { preset: Some(preset), ..self.clone() };
            match self.preset {
                Some(known) if known != preset => set_aside.push("preset"),
                Some(_) => {}
                None if broken(&attempt.stated()).is_empty() => *self = attempt,
                None => set_aside.push("preset"),
            }
        }
        for (key, value) in &wish.stated {
            let mut attempt = self.clone();
            let known = attempt.code.insert(*key, (*value, Origin::Code));
            match known {
                Some((known, _)) if known == *value => {}
                None if broken(&attempt.stated()).is_empty() => *self = attempt,
                _ => set_aside.push(key.as_str()),
            }
        }
        set_aside
    }

    /// Every setting, with its origin.
    pub(super) fn is_in_force(&self, status: &Status) {
        let all = in_force(&self.stated());
        for setting in &status.settings {
            assert_eq!(all[&setting.key], (setting.value, setting.origin), "{} of {self:?}", setting.key);
        }
    }
}
