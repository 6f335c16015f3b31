//! Settings as they are written by serde: what is stated, and as it is read again.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Settings;
use crate::config::{Config, ConfigBuilder};
use crate::duration;
use crate::settings::{Key, Value};

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ConfigBuilder::from(self).serialize(serializer)
    }
}

impl Serialize for ConfigBuilder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.stated.len() + usize::from(self.preset.is_some())))?;
        if let Some(preset) = self.preset {
            map.serialize_entry("preset", preset.as_str())?;
        }
        let value = |key: Key| self.stated.iter().find(|(stated, _)| *stated == key);
        for (key, value) in Key::ALL.into_iter().filter_map(value) {
            match *value {
                Value::Count(count) => map.serialize_entry(key, &count),
                Value::Share(share) => map.serialize_entry(key, &share),
                // A number of seconds would lose what is finer than a float can tell.
                Value::Time(time) => map.serialize_entry(key, &duration::text(time)),
                Value::Off => map.serialize_entry(key, "off"),
            }?;
        }
        map.end()
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let has_defaults = self.defaults != ConfigBuilder::default();
        let mut map = serializer.serialize_map(None)?;
        if has_defaults {
            map.serialize_entry("defaults", &self.defaults)?;
        }
        if !self.breakers.is_empty() {
            map.serialize_entry("breakers", &self.breakers)?;
        }
        map.end()
    }
}
