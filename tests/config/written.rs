//! Settings are written as they are read: whatever is stated comes back the same.

use std::ops::RangeInclusive;
use std::time::Duration;

use breakerbox::{Config, ConfigBuilder, Key, Preset, Settings, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[test]
fn a_file_is_written_as_people_write_it() {
    let settings = Settings::new().defaults(Config::builder().recovery_timeout(Duration::from_secs(45))).breaker(
        "fetch[api.example.com]",
        Config::builder().timeout(None).jitter(0.5).failure_threshold(3).preset(Preset::Redis),
    );
    let written = toml::to_string(&settings).expect("written");
    assert_eq!(
        written,
        "[defaults]\nrecovery_timeout = \"45s\"\n\n[breakers.\"fetch[api.example.com]\"]\npreset = \"redis\"\n\
         failure_threshold = 3\njitter = 0.5\ntimeout = \"off\"\n"
    );
    let written = serde_json::to_string(&Config::builder().window_size(5).build().expect("valid")).expect("written");
    assert_eq!(written, r#"{"window_size":5}"#);
    assert_eq!(yaml_serde::to_string(&Settings::new()).expect("written"), "{}\n");
    assert_eq!(toml::to_string(&Settings::new()).expect("written"), "");
}

/// In millionths: of more digits than 15 `serde_json` reads the last one as it likes.
fn share(millionths: RangeInclusive<u64>) -> BoxedStrategy<Value> {
    millionths.prop_map(|count| Value::Share(count as f64 / 1e6)).boxed()
}

fn value(key: Key) -> BoxedStrategy<Value> {
    let off = ["failure_threshold", "failure_rate_threshold", "slow_call_duration", "slow_call_rate_threshold"];
    let can_be_off = off.contains(&key.as_str()) || ["max_recovery_timeout", "timeout"].contains(&key.as_str());
    let stated = match key.as_str() {
        "failure_rate_threshold" | "slow_call_rate_threshold" => share(1..=1_000_000),
        "jitter" => share(0..=1_000_000),
        "multiplier" => share(1_000_000..=1_000_000_000_000),
        name if name.ends_with("timeout") || name.ends_with("duration") => prop_oneof![
            (1..=100_000_u64).prop_map(Duration::from_secs),
            (1..=1_000_000_u64).prop_map(Duration::from_micros),
            (1_u64.., 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos)),
        ]
        .prop_map(Value::Time)
        .boxed(),
        _ => (1..=1_000_000_u32).prop_map(Value::Count).boxed(),
    };
    if can_be_off { prop_oneof![3 => stated, 1 => Just(Value::Off)].boxed() } else { stated }
}

fn table() -> impl Strategy<Value = ConfigBuilder> {
    let setting = proptest::sample::select(Key::ALL.to_vec()).prop_flat_map(|key| (Just(key), value(key)));
    let preset = proptest::option::of(proptest::sample::select(Preset::ALL.to_vec()));
    (preset, vec(setting, 0..8)).prop_map(|(preset, settings)| {
        let stated = settings.into_iter().fold(Config::builder(), |stated, (key, value)| stated.set(key, value));
        match preset {
            Some(preset) => stated.preset(preset),
            None => stated,
        }
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[a-z]{1,8}\\[[ -~]{0,20}\\]", "\\PC{1,12}", Just("off".into()), Just("1".into())]
        .prop_filter("a name", |name: &String| {
            let error = breakerbox::Registry::new().get_or_insert(name, Config::default());
            error.is_ok()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read_again(defaults in table(), breakers in btree_map(name(), table(), 0..4)) {
        let settings = breakers
            .into_iter()
            .fold(Settings::new().defaults(defaults), |settings, (name, table)| settings.breaker(name, table));
        let written = toml::to_string(&settings).expect("written");
        let yaml = yaml_serde::to_string(&settings).expect("written");
        let json = serde_json::to_string(&settings).expect("written");
        match toml::from_str::<Settings>(&written) {
            Ok(read) => {
                prop_assert_eq!(&read, &settings, "{}", &written);
                prop_assert_eq!(&yaml_serde::from_str::<Settings>(&yaml).expect("as in TOML"), &settings, "{}", &yaml);
                prop_assert_eq!(&serde_json::from_str::<Settings>(&json).expect("as in TOML"), &settings, "{}", &json);
            }
            // What goes together nowhere is refused in every format, and by the registry.
            Err(_) => {
                prop_assert!(yaml_serde::from_str::<Settings>(&yaml).is_err(), "{}", &yaml);
                prop_assert!(serde_json::from_str::<Settings>(&json).is_err(), "{}", &json);
                prop_assert!(breakerbox::Registry::new().configure(settings).is_err(), "{}", &written);
            }
        }
    }

    #[test]
    fn whatever_stands_in_a_file_is_read_or_refused(text in "\\PC{0,60}", key in 0..Key::ALL.len()) {
        let key = Key::ALL[key];
        let _ = toml::from_str::<Settings>(&text);
        let _ = yaml_serde::from_str::<Settings>(&text);
        let json = serde_json::json!({ "defaults": { key.as_str(): &text }, "breakers": { &text: { key.as_str(): 1 } } });
        if let Err(error) = serde_json::from_value::<Settings>(json) {
            let told = error.to_string();
            prop_assert!(told.contains("`name`") || told.contains(key.as_str()), "{}", told);
            prop_assert!(!told.contains(char::is_control));
        }
    }
}
