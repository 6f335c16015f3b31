//! What the tests of configuration share: each format in one word, and what a breaker works by.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakerbox::{CircuitBreaker, Event, Key, Origin, Registry, Settings, Value};

pub(crate) fn toml(text: &str) -> Settings {
    toml::from_str(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

pub(crate) fn toml_error(text: &str) -> String {
    toml::from_str::<Settings>(text).expect_err(text).to_string()
}

/// The last line of an error of TOML, without the place.
pub(crate) fn mistake(text: &str) -> String {
    toml_error(text).trim_end().lines().last().unwrap_or_default().to_owned()
}

pub(crate) fn json(text: &str) -> Result<Settings, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

pub(crate) fn yaml(text: &str) -> Result<Settings, String> {
    yaml_serde::from_str(text).map_err(|error| error.to_string())
}

/// What a breaker works by, and who said so.
pub(crate) fn setting(breaker: &CircuitBreaker, key: Key) -> (Value, Origin) {
    let status = breaker.status();
    let setting = status.setting(key);
    (setting.value, setting.origin)
}

pub(crate) fn seconds(seconds: u64) -> Value {
    Value::Time(Duration::from_secs(seconds))
}

/// The lines of everything that happens from now on.
pub(crate) fn listen(registry: &Registry) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&lines);
    registry.subscribe(move |event: &Event| heard.lock().expect("no panic").push(event.to_string())).keep();
    lines
}

pub(crate) fn taken(lines: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *lines.lock().expect("no panic"))
}
