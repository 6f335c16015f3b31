//! Settings as they are read by serde: those of a registry, and those of one breaker that stand elsewhere. Every mistake
//! is told with the breaker, the key and the remedy, at the place in the file that the reader of the format tells.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::table::{Place, Table};
use super::value::Wrong;
use super::{Settings, judge_name, words};
use crate::config::{Config, ConfigBuilder};

/// What settings consist of. Formats pass the names on to `#[serde(flatten)]`.
const PARTS: &[&str] = &["defaults", "breakers"];

impl<'de> Deserialize<'de> for ConfigBuilder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Table(Place::Alone { is_whole: false }).deserialize(deserializer)
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Table(Place::Alone { is_whole: true }).deserialize(deserializer)?;
        read.build().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("Settings", PARTS, Whole)
    }
}

/// The settings of a registry.
struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Settings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings of circuit breakers: `defaults`, and `breakers` by name")
    }

    fn visit_unit<E: Error>(self) -> Result<Settings, E> {
        Ok(Settings::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
        let mut settings = Settings::new();
        let mut seen = Vec::new();
        while let Some(part) = map.next_key::<String>()? {
            match &*part {
                _ if seen.contains(&part) => {
                    map.next_value_seed(Wrong(format!("`{part}` is stated twice: state it once")))?;
                }
                "defaults" => settings.defaults = map.next_value_seed(Table(Place::Defaults))?,
                "breakers" => map.next_value_seed(Breakers(&mut settings))?,
                _ => map.next_value_seed(Wrong(words::no_part(&part)))?,
            }
            seen.push(part);
        }
        Ok(settings)
    }
}

/// The breakers by name.
struct Breakers<'a>(&'a mut Settings);

impl<'de> DeserializeSeed<'de> for Breakers<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Breakers<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings of breakers by name")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Breakers(settings) = self;
        while let Some(name) = map.next_key::<String>()? {
            let place = Place::Breaker(&name);
            if let Err(problem) = judge_name(&name) {
                map.next_value_seed(Wrong(place.tell(&problem)))?;
            }
            if settings.names(&name) {
                map.next_value_seed(Wrong(place.tell(&"it is stated twice: state it once")))?;
            }
            let table = map.next_value_seed(Table(place))?;
            settings.breakers.insert(name, table);
        }
        Ok(())
    }
}
