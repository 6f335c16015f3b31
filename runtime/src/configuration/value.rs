//! The value of one setting as serde reads it: a number, a text, a switch or nothing. What it may be is judged in one
//! place, whatever the format.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::error::shown;
use super::words;
use crate::policy::out_of_range;
use crate::preset::Preset;
use crate::settings::{Key, Kind, Value};

/// Where `serde_json` puts the text of a number if it is built to keep all its digits.
const JSON_NUMBER: &str = "$serde_json::private::Number";

/// A text that is longer is no value.
const LONGEST: usize = 60;

/// A value as it is given.
#[derive(Debug)]
pub(super) enum Given {
    Nothing,
    Switch(bool),
    /// As it is written in decimal digits.
    Number(String),
    Text(String),
}

/// Or what is given instead of a value.
type Or = Result<Given, &'static str>;

/// Reads a preset by name.
pub(super) fn preset(given: Or) -> Result<Preset, String> {
    let all = || Preset::ALL.map(Preset::as_str);
    match given {
        Ok(Given::Text(text)) => {
            let name = text.trim();
            Preset::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| {
                let unknown = format!("there is no preset `{}`", shown(name));
                match words::nearest(name, &all()) {
                    Some(near) => format!("{unknown}, did you mean `{near}`?"),
                    None => format!("{unknown}; the presets are {}", all().join(", ")),
                }
            })
        }
        _ => Err(format!("`preset` must be the name of one: {}", all().join(", "))),
    }
}

/// Reads the value of a setting.
pub(super) fn setting(key: Key, given: Or) -> Result<Value, String> {
    let value = match given {
        Err(other) => return Err(format!("`{key}` must be {}, not {other}", wanted(key))),
        Ok(Given::Nothing | Given::Switch(false)) if key.can_be_off() => Value::Off,
        Ok(Given::Nothing) => return Err(format!("`{key}` cannot be off: leave it out, or give it {}", wanted(key))),
        Ok(Given::Switch(switch)) => return Err(format!("`{key}` must be {}, not {switch}", wanted(key))),
        Ok(Given::Number(text) | Given::Text(text)) => read(key, text.trim())?,
    };
    match out_of_range(key, value) {
        Some(problem) => Err(problem.to_owned()),
        None => Ok(value),
    }
}

fn read(key: Key, text: &str) -> Result<Value, String> {
    let wrong = || format!("`{key}` must be {}, not `{}`", wanted(key), shown(text));
    // Rust reads them as numbers.
    let is_odd = text.bytes().any(|byte| byte.is_ascii_control())
        || ["nan", "inf"].iter().any(|odd| text.to_ascii_lowercase().contains(odd));
    if text.is_empty() || text.len() > LONGEST || is_odd {
        return Err(wrong());
    }
    match key.kind() {
        // What is wrong with a unit is told best by who reads it.
        Kind::Time if text.parse::<f64>().is_err() => key.parse(text).map_err(|problem| format!("`{key}`: {problem}")),
        _ => key.parse(text).map_err(|_| wrong()),
    }
}

/// What a setting takes.
fn wanted(key: Key) -> String {
    let wanted = match key.kind() {
        Kind::Count => "a whole number from 1 to 1000000",
        Kind::Time => "a time longer than zero, in seconds or as a text such as \"1m30s\"",
        Kind::Share => "a number such as 0.5",
    };
    let off = if key.can_be_off() { ", or \"off\"" } else { "" };
    format!("{wanted}{off}")
}

/// Reads a value and judges it.
pub(super) struct Judged<'a, F> {
    pub(super) judge: F,
    /// What is wrong with a value that was read to its end. Behind a list or a table that is refused not every format can
    /// go on reading.
    pub(super) mistake: &'a mut Option<String>,
}

/// A value that is wrong wherever it stands, whatever it is. It is judged there, so that the place is told.
pub(super) struct Wrong(pub(super) String);

impl<'de> DeserializeSeed<'de> for Wrong {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Wrong(problem) = self;
        deserializer.deserialize_any(Judged { judge: |_| Err(problem), mistake: &mut None })
    }
}

impl<F: FnOnce(Or) -> Result<(), String>> Judged<'_, F> {
    fn judge<E: Error>(self, given: Or) -> Result<(), E> {
        let is_read = given.is_ok();
        (self.judge)(given).map_err(|mistake| {
            let error = E::custom(&mistake);
            *self.mistake = is_read.then_some(mistake);
            error
        })
    }

    fn number<E: Error>(self, number: impl fmt::Display) -> Result<(), E> {
        self.judge(Ok(Given::Number(number.to_string())))
    }
}

impl<'de, F: FnOnce(Or) -> Result<(), String>> DeserializeSeed<'de> for Judged<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnOnce(Or) -> Result<(), String>> Visitor<'de> for Judged<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text such as \"30s\", or \"off\"")
    }

    fn visit_bool<E: Error>(self, switch: bool) -> Result<(), E> {
        self.judge(Ok(Given::Switch(switch)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<(), E> {
        self.number(number)
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<(), E> {
        self.number(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        // `5.0` is the number 5; Rust writes it so. Hundreds of digits are no help.
        let is_short = number == 0.0 || (1e-9..1e20).contains(&number.abs());
        if is_short { self.number(number) } else { self.number(format_args!("{number:e}")) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.judge(Ok(Given::Text(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.judge(Ok(Given::Nothing))
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.judge(Err("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match map.next_key::<String>()? {
            Some(name) if name == JSON_NUMBER => {
                let number = map.next_value()?;
                self.judge(Ok(Given::Number(number)))
            }
            _ => self.judge(Err("a table")),
        }
    }
}
