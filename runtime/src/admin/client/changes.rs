//! Changes of settings, as they are sent.

use std::fmt::Display;

use serde_json::{Map, Number, Value};

use crate::config::ConfigBuilder;

/// Settings to change by name, and what to: what [`Client::config`](super::Client::config) takes.
///
/// A value is what an environment variable holds: `3`, `0.5`, `1m30s`, `off`. The server judges it.
///
/// ```
/// use breakerbox::admin::Changes;
/// use breakerbox::Config;
///
/// let by_name = Changes::from([("failure_threshold", "3"), ("timeout", "off")]);
/// let by_builder = Changes::from(Config::builder().failure_threshold(3).timeout(None));
/// assert_eq!(by_name, by_builder);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    settings: Map<String, Value>,
}

impl Changes {
    pub(super) fn into_json(self) -> Value {
        Value::Object(self.settings)
    }
}

impl<K: Display, V: Display> FromIterator<(K, V)> for Changes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(settings: I) -> Self {
        let settings = settings.into_iter().map(|(key, value)| (key.to_string(), json(&value.to_string())));
        Changes { settings: settings.collect() }
    }
}

impl<K: Display, V: Display, const N: usize> From<[(K, V); N]> for Changes {
    fn from(settings: [(K, V); N]) -> Self {
        settings.into_iter().collect()
    }
}

impl<K: Display, V: Display> From<Vec<(K, V)>> for Changes {
    fn from(settings: Vec<(K, V)>) -> Self {
        settings.into_iter().collect()
    }
}

impl From<ConfigBuilder> for Changes {
    fn from(builder: ConfigBuilder) -> Self {
        builder.changes().into_iter().collect()
    }
}

/// A number where the text is one, so that the body is the JSON that a person would write.
fn json(text: &str) -> Value {
    serde_json::from_str::<Number>(text).map_or_else(|_| Value::from(text), Value::Number)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::preset::Preset;

    #[test]
    fn values_are_sent_as_a_person_would_write_them() {
        let changes =
            Changes::from([("a", "3"), ("b", "0.5"), ("c", "1m30s"), ("d", "off"), ("e", "007"), ("f", "\"")]);
        let body = changes.into_json().to_string();
        assert_eq!(body, r#"{"a":3,"b":0.5,"c":"1m30s","d":"off","e":"007","f":"\""}"#);
    }

    #[test]
    fn a_builder_sends_what_it_states_with_its_preset() {
        let builder = ConfigBuilder::default().preset(Preset::Redis).recovery_timeout(Duration::from_millis(1500));
        let body = Changes::from(builder).into_json().to_string();
        assert_eq!(body, r#"{"failure_threshold":3,"recovery_timeout":"1.5s"}"#);
    }
}
