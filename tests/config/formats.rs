//! What a file may say, in each format and in whatever the user's own crate makes of it.

use std::time::Duration;

use breakerbox::{Config, ConfigBuilder, Key, Preset, Settings, Value};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, MapDeserializer};

use super::support::{json, toml, yaml};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What each of the three files below says.
fn expected() -> Settings {
    let fetch = Config::builder()
        .preset(Preset::ExternalApi)
        .failure_threshold(None)
        .recovery_timeout(secs(90))
        .half_open_max_calls(4)
        .success_threshold(2)
        .half_open_timeout(Duration::from_millis(2500))
        .failure_rate_threshold(0.5)
        .slow_call_duration(Duration::from_millis(800))
        .slow_call_rate_threshold(1.0)
        .window_duration(secs(60))
        .minimum_calls(20)
        .multiplier(2.0)
        .max_recovery_timeout(secs(600))
        .jitter(0.1)
        .timeout(None)
        .max_keys(50);
    Settings::new()
        .defaults(Config::builder().recovery_timeout(secs(45)))
        .breaker("fetch", fetch)
        .breaker("fetch[api.example.com]", Config::builder().failure_threshold(10))
}

#[test]
fn toml_says_it_all() {
    let read = toml(
        r#"
        [defaults]
        recovery_timeout = "45s"

        [breakers.fetch]
        preset = "external_api"
        failure_threshold = "off"
        recovery_timeout = 90
        half_open_max_calls = 4
        success_threshold = 2.0
        half_open_timeout = 2.5
        failure_rate_threshold = 0.5
        slow_call_duration = "800ms"
        slow_call_rate_threshold = 1
        window_duration = "1m"
        minimum_calls = 20
        multiplier = 2
        max_recovery_timeout = "10m"
        jitter = 0.1
        timeout = false
        max_keys = 50

        [breakers."fetch[api.example.com]"]
        failure_threshold = 10
        "#,
    );
    assert_eq!(read, expected());
}

#[test]
fn json_says_it_all() {
    let read = json(
        r#"{
            "defaults": { "recovery_timeout": 45.0 },
            "breakers": {
                "fetch": {
                    "preset": "external_api", "failure_threshold": null, "recovery_timeout": "1m30s",
                    "half_open_max_calls": 4, "success_threshold": 2, "half_open_timeout": "2500ms",
                    "failure_rate_threshold": 5e-1, "slow_call_duration": 0.8, "slow_call_rate_threshold": 1,
                    "window_duration": 60, "minimum_calls": 20, "multiplier": 2, "max_recovery_timeout": 600,
                    "jitter": 0.1, "timeout": false, "max_keys": 50
                },
                "fetch[api.example.com]": { "failure_threshold": 10 }
            }
        }"#,
    );
    assert_eq!(read, Ok(expected()));
}

#[test]
fn yaml_says_it_all() {
    let read = yaml(
        "
defaults:
  recovery_timeout: 45
breakers:
  fetch:
    preset: external_api
    failure_threshold: off
    recovery_timeout: 1m30s
    half_open_max_calls: 0x4
    success_threshold: 2
    half_open_timeout: 2.5
    failure_rate_threshold: .5
    slow_call_duration: 800ms
    slow_call_rate_threshold: 1
    window_duration: 60
    minimum_calls: 20
    multiplier: 2.0
    max_recovery_timeout: 10m
    jitter: 0.1
    timeout: ~
    max_keys: 50
  fetch[api.example.com]:
    failure_threshold: 10
",
    );
    assert_eq!(read, Ok(expected()));
}

#[test]
fn values_may_all_be_texts_as_crates_that_read_the_environment_have_them() {
    let text = r#"{"defaults": {"recovery_timeout": "45"}, "breakers": {
        "fetch": {"preset": "external_api", "failure_threshold": "OFF", "recovery_timeout": "90",
            "half_open_max_calls": "4", "success_threshold": " 2 ", "half_open_timeout": "2.5",
            "failure_rate_threshold": "0.5", "slow_call_duration": "0.8", "slow_call_rate_threshold": "1",
            "window_duration": "60", "minimum_calls": "20", "multiplier": "2", "max_recovery_timeout": "600",
            "jitter": "0.1", "timeout": "off", "max_keys": "50"},
        "fetch[api.example.com]": {"failure_threshold": "10"}}}"#;
    assert_eq!(json(text), Ok(expected()));
}

#[test]
fn nothing_is_nothing() {
    for read in [json("{}"), yaml(""), yaml("breakers:\n"), yaml("breakers: {}\ndefaults:\n"), Ok(toml(""))] {
        assert_eq!(read, Ok(Settings::new()));
    }
    assert_eq!(yaml("breakers:\n  fetch:\n"), Ok(Settings::new().breaker("fetch", Config::builder())));
}

#[derive(Debug, Deserialize)]
struct Service {
    port: u16,
    breakers: Option<Settings>,
    payments: Option<Config>,
    change: Option<ConfigBuilder>,
}

#[test]
fn they_stand_where_the_users_own_settings_have_them() {
    let text =
        "port = 80\n[breakers.defaults]\njitter = 0.1\n[payments]\nfailure_threshold = 2\n[change]\ntimeout = 3\n";
    let service: Service = toml::from_str(text).expect(text);
    assert_eq!(service.port, 80);
    assert_eq!(service.breakers, Some(Settings::new().defaults(Config::builder().jitter(0.1))));
    assert_eq!(service.payments.map(|config| config.get(Key::FailureThreshold)), Some(Value::Count(2)));
    assert_eq!(service.change, Some(Config::builder().timeout(secs(3))));

    let wrong = "port = 80\n[payments]\njitter = 0.1\nfailure_threshold = 'off'\n";
    let error = toml::from_str::<Service>(wrong).expect_err("nothing opens it").to_string();
    assert!(
        error.contains("line 2") && error.contains("[payments]") && error.contains("is off and no rate is set"),
        "{error}"
    );
}

#[derive(Debug, Deserialize)]
struct Flat {
    port: u16,
    #[serde(flatten)]
    settings: Settings,
}

#[derive(Debug, Deserialize)]
struct FlatOne {
    url: String,
    #[serde(flatten)]
    config: Config,
}

#[test]
fn they_stand_among_the_users_own_keys() {
    let text =
        "port = 80\n[defaults]\njitter = 0.1\n[breakers.a]\ntimeout = 3\nfailure_threshold = false\n[more]\nx = 1\n";
    let flat: Flat = toml::from_str(text).expect(text);
    let a = Config::builder().timeout(secs(3)).failure_threshold(None);
    assert_eq!(
        (flat.port, flat.settings),
        (80, Settings::new().defaults(Config::builder().jitter(0.1)).breaker("a", a))
    );
    let text =
        r#"{"url": "http://x", "preset": "redis", "recovery_timeout": 7, "jitter": 0.25, "timeout": null, "else": []}"#;
    let one: FlatOne = serde_json::from_str(text).expect(text);
    assert_eq!(one.url, "http://x");
    assert_eq!(one.config.get(Key::FailureThreshold), Value::Count(3), "of the preset");
    assert_eq!(one.config.get(Key::RecoveryTimeout), Value::Time(secs(7)));
    assert_eq!(one.config.get(Key::Jitter), Value::Share(0.25));
    let wrong =
        serde_json::from_str::<FlatOne>(r#"{"url": "x", "jitter": 2, "timeout": true}"#).unwrap_err().to_string();
    assert!(wrong.contains("`jitter` is a share") && wrong.contains("`timeout` must be a time"), "{wrong}");
    let wrong =
        serde_json::from_str::<Flat>(r#"{"port": 8, "breakers": {"a": {"jiter": 0.1}}}"#).unwrap_err().to_string();
    assert!(wrong.starts_with("circuit 'a': there is no setting `jiter`, did you mean `jitter`?"), "{wrong}");
}

#[test]
fn numbers_come_as_whatever_a_crate_has() {
    fn count<'de>(value: impl IntoDeserializer<'de, Error>) -> Result<ConfigBuilder, Error> {
        Deserialize::deserialize(MapDeserializer::new([("failure_threshold", value)].into_iter()))
    }
    let three = Config::builder().failure_threshold(3);
    assert_eq!(count(3_i64).as_ref(), Ok(&three));
    assert_eq!(count(3_u8).as_ref(), Ok(&three));
    assert_eq!(count(3_u128).as_ref(), Ok(&three));
    assert_eq!(count(3_i128).as_ref(), Ok(&three));
    assert_eq!(count(3_f32).as_ref(), Ok(&three));
    assert_eq!(count("3".to_owned()).as_ref(), Ok(&three));
    // As `serde_json` has all numbers if some crate of the program has it keep all digits.
    let number = [("$serde_json::private::Number", "3")].into_iter();
    let kept: Result<ConfigBuilder, Error> = Deserialize::deserialize(MapDeserializer::new(
        [("failure_threshold", MapDeserializer::new(number))].into_iter().map(|(key, value)| (key, Nested(value))),
    ));
    assert_eq!(kept.as_ref(), Ok(&three));
    assert!(count(u128::MAX).is_err() && count(i128::MIN).is_err() && count(-3_i8).is_err());
}

/// A table within a table, for a reader that is made by hand.
struct Nested<D>(D);

impl<'de, D: serde::Deserializer<'de, Error = Error>> IntoDeserializer<'de, Error> for Nested<D> {
    type Deserializer = D;

    fn into_deserializer(self) -> D {
        self.0
    }
}
