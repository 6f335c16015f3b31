//! The settings of one breaker, or those for all, as serde reads them: a table of keys and values.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::error::shown;
use super::value::{Judged, preset, setting};
use super::{judge_table, words};
use crate::config::ConfigBuilder;
use crate::settings::Key;

/// The names of all settings. Formats pass them on to `#[serde(flatten)]`.
const NAMES: &[&str] = {
    const ALL: [&str; Key::COUNT + 1] = {
        let mut names = ["preset"; Key::COUNT + 1];
        let mut at = 0;
        while at < Key::COUNT {
            names[at + 1] = Key::ALL[at].as_str();
            at += 1;
        }
        names
    };
    &ALL
};

/// Whose settings a table holds.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// Of something that the program reads by itself. Whole, nobody else states anything.
    Alone {
        is_whole: bool,
    },
    Defaults,
    Breaker(&'a str),
}

impl Place<'_> {
    /// A problem and where it is.
    pub(super) fn tell(self, problem: &impl fmt::Display) -> String {
        match self {
            Place::Alone { .. } => problem.to_string(),
            Place::Defaults => format!("defaults: {problem}"),
            Place::Breaker(name) => format!("circuit '{}': {problem}", shown(name)),
        }
    }
}

/// Reads a table. A single mistake is told where it stands, several all at once where the table stands.
pub(super) struct Table<'a>(pub(super) Place<'a>);

impl<'de> DeserializeSeed<'de> for Table<'_> {
    type Value = ConfigBuilder;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ConfigBuilder, D::Error> {
        match self.0 {
            // A struct that is flattened into another one is shown its own names alone.
            Place::Alone { .. } => deserializer.deserialize_struct("Config", NAMES, self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Table<'_> {
    type Value = ConfigBuilder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::Alone { .. } => f.write_str("settings of a circuit breaker, such as `failure_threshold`"),
            Place::Defaults => f.write_str("settings for all circuit breakers, such as `failure_threshold`"),
            Place::Breaker(name) => write!(f, "settings of circuit '{}', such as `failure_threshold`", shown(name)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<ConfigBuilder, E> {
        Ok(ConfigBuilder::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConfigBuilder, A::Error> {
        let Table(place) = self;
        let mut read = ConfigBuilder::default();
        let (mut first, mut mistakes) = (None, Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            let mut take = |given: Result<_, &'static str>| {
                let is_again = if name == "preset" {
                    read.preset.replace(preset(given)?).is_some()
                } else {
                    let key = words::key(&name)?;
                    let value = setting(key, given)?;
                    let is_again = read.stated.iter().any(|(stated, _)| *stated == key);
                    read.stated.push((key, value));
                    is_again
                };
                if is_again { Err(format!("`{name}` is stated twice: state it once")) } else { Ok(()) }
            };
            let mut mistake = None;
            let judge = |given| take(given).map_err(|problem| place.tell(&problem));
            match (map.next_value_seed(Judged { judge, mistake: &mut mistake }), mistake) {
                (Ok(()), _) => {}
                // The value has been read to its end, so reading goes on.
                (Err(error), Some(mistake)) => {
                    first.get_or_insert(error);
                    mistakes.push(mistake);
                }
                (Err(error), None) => return Err(error),
            }
        }
        match first {
            Some(_) if mistakes.len() > 1 => return Err(A::Error::custom(mistakes.join("; "))),
            Some(first) => return Err(first),
            None => {}
        }
        // Of one that is whole its reader judges it all.
        let is_part = !matches!(place, Place::Alone { is_whole: true });
        match judge_table(&read).first() {
            Some(problem) if is_part => Err(A::Error::custom(place.tell(problem))),
            _ => Ok(read),
        }
    }
}
