//! The body of `PUT /circuit-breakers/{name}/config`, read as settings. What is wrong with it is told
//! all at once; whether the settings go together, the breaker judges.

use std::fmt;

use axum::http::StatusCode;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::error::Category;

use super::answers::KeyProblem;
use super::problem::Refused;
use crate::config::{Config, ConfigBuilder};
use crate::settings::{Key, Kind, Value};

/// Of a value that is refused, so many characters are repeated.
const LONGEST_VALUE: usize = 40;

/// Reads a body. `None` if it states nothing.
///
/// # Errors
/// It is no JSON (400), or no object of settings and values (422).
pub(super) fn read(body: &[u8]) -> Result<Option<ConfigBuilder>, Refused> {
    let Members(members) = serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the body cannot be used: {error}")),
        _ => Refused::bad_request(format!("the body is no JSON: {error}")),
    })?;
    let mut errors = Vec::new();
    let mut stated: Vec<(Key, Value)> = Vec::new();
    for (name, json) in members {
        let setting = setting(&name, &json).and_then(|(key, value)| {
            let is_known = stated.iter().any(|(known, _)| *known == key);
            if is_known { Err(format!("`{name}` is stated twice: state it once")) } else { Ok((key, value)) }
        });
        match setting {
            Ok(setting) => stated.push(setting),
            Err(detail) => errors.push(KeyProblem { key: name, detail }),
        }
    }
    // Members of an object have no order, so there is none of the two that was stated later.
    if [Key::WindowSize, Key::WindowDuration].iter().all(|window| stated.iter().any(|(key, _)| key == window)) {
        let detail = "`window_size` and `window_duration` exclude each other: state one of them".to_owned();
        errors.push(KeyProblem { key: Key::WindowDuration.to_string(), detail });
    }
    if !errors.is_empty() {
        return Err(Refused::settings(errors));
    }
    let change = stated.iter().fold(Config::builder(), |change, (key, value)| change.set(*key, *value));
    Ok((!stated.is_empty()).then_some(change))
}

fn setting(name: &str, json: &Json) -> Result<(Key, Value), String> {
    let key: Key = name.parse().map_err(|unknown: crate::config::ConfigError| match nearest(name) {
        Some(key) => format!("there is no setting `{}`: did you mean `{key}`?", name.escape_debug()),
        None => shortened(&unknown.to_string(), name),
    })?;
    let text = match json {
        Json::Null => "off".to_owned(),
        Json::String(text) => text.clone(),
        // `5.0` is the number 5; Rust writes it so, and no number with an exponent.
        Json::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        Json::Number(number) => number.to_string(),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            return Err(format!("`{key}` must be a number, a text such as \"30s\", or null for off"));
        }
    };
    let value = match json {
        Json::Null => key.read(&text).map_err(|_| format!("`{key}` cannot be off: leave it out to keep its value")),
        _ => key.read(&text).map_err(|error| {
            // Whatever is no count gets the sentence of a count out of range.
            let error = if key.kind() == Kind::Count { key.read("0").err().unwrap_or(error) } else { error };
            shortened(&error.to_string(), text.trim())
        }),
    }?;
    Ok((key, value))
}

/// A message without the end of a value that is too long to be repeated.
fn shortened(message: &str, value: &str) -> String {
    let message = if value.is_empty() { message.to_owned() } else { message.replace(value, &cut(value)) };
    // A part of the value, or the value as it was understood. Sentences have spaces.
    let parts = message.split('`').map(|part| if part.contains(' ') { part.to_owned() } else { cut(part) });
    parts.collect::<Vec<_>>().join("`")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        // An ellipsis that is there already is none of the value.
        Some((end, _)) if &text[end..] != "…" => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

/// The key that was probably meant, if one is near enough.
fn nearest(name: &str) -> Option<Key> {
    let name: String = name.chars().take(64).collect::<String>().to_ascii_lowercase().replace('-', "_");
    let near = Key::ALL.into_iter().map(|key| (distance(&name, key.as_str()), key)).min_by_key(|(far, _)| *far)?;
    (near.0 <= near.1.as_str().len() / 3).then_some(near.1)
}

/// How many letters have to be changed, added or left out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The members of an object, those of one name too.
struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of settings, such as {\"failure_threshold\": 3}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
