//! Who wins: the layers of settings, each pair of neighbours and all at once.

use breakerbox::{Config, Key, Origin, Preset, Registry, Value};

use super::support::{seconds, setting, toml};

const KEY: Key = Key::FailureThreshold;

/// What each layer states, the strongest first; each by a value of its own.
const LAYERS: [(Origin, u32); 7] = [
    (Origin::Runtime, 7),
    (Origin::BreakerEnvironment, 6),
    (Origin::BreakerConfiguration, 5 + 4),
    (Origin::Code, 4),
    (Origin::Environment, 3),
    (Origin::Configuration, 2),
    // That of the preset `websocket`.
    (Origin::Preset, 10),
];

/// What is in force where some of the layers state something, whether the file comes before or after the breaker.
fn in_force(stated: &[(Origin, u32)], file_first: bool) -> (Value, Origin) {
    let states = |origin: Origin| stated.iter().find(|(by, _)| *by == origin).map(|(_, value)| *value);
    let mut variables = Vec::new();
    for (origin, name) in [
        (Origin::Environment, "CIRCUIT_BREAKER_FAILURE_THRESHOLD"),
        (Origin::BreakerEnvironment, "CIRCUIT_BREAKER__FETCH__FAILURE_THRESHOLD"),
    ] {
        variables.extend(states(origin).map(|value| (name.into(), value.to_string().into())));
    }
    let registry = Registry::with_environment(variables);
    let mut file = String::new();
    for (origin, table) in [(Origin::Configuration, "defaults"), (Origin::BreakerConfiguration, "breakers.fetch")] {
        let line = states(origin).map(|value| format!("[{table}]\nfailure_threshold = {value}\n"));
        file.push_str(&line.unwrap_or_default());
    }
    let configure = || assert!(registry.configure(toml(&file)).is_ok());
    if file_first {
        configure();
    }
    let mut config = Config::builder();
    if states(Origin::Preset).is_some() {
        config = config.preset(Preset::Websocket);
    }
    if let Some(value) = states(Origin::Code) {
        config = config.failure_threshold(value);
    }
    let fetch = registry.get_or_insert("fetch", config).expect("valid");
    if let Some(value) = states(Origin::Runtime) {
        fetch.reconfigure(Config::builder().failure_threshold(value)).expect("valid");
    }
    if !file_first {
        configure();
    }
    setting(&fetch, KEY)
}

#[test]
fn of_any_layers_that_state_a_setting_the_strongest_wins() {
    for file_first in [false, true] {
        for chosen in 0..1 << LAYERS.len() {
            let is_chosen = |at: &usize| chosen >> at & 1 == 1;
            let stated: Vec<_> = (0..LAYERS.len()).filter(is_chosen).map(|at| LAYERS[at]).collect();
            let wins = stated.first().copied().unwrap_or((Origin::Default, 5));
            assert_eq!(in_force(&stated, file_first), (Value::Count(wins.1), wins.0), "{stated:?}");
        }
    }
}

#[test]
fn origins_are_ordered_as_they_win() {
    assert!(LAYERS.is_sorted_by(|stronger, weaker| stronger.0 > weaker.0));
    assert!(Origin::Default < Origin::Preset);
    assert_eq!(Origin::Configuration.as_str(), "configuration");
    assert_eq!(Origin::BreakerConfiguration.to_string(), "breaker_configuration");
}

#[test]
fn a_preset_is_weaker_than_anything_stated_and_the_nearest_one_counts() {
    let registry = Registry::new();
    let code =
        registry.get_or_insert("code", Config::builder().preset(Preset::Redis).success_threshold(1)).expect("valid");
    let bare = registry.get_or_insert("bare", Config::default()).expect("valid");
    let own = registry
        .get_or_insert("own", Config::builder().preset(Preset::Redis).recovery_timeout(secs(7)))
        .expect("valid");
    let file = "[defaults]\npreset = 'conservative'\nsuccess_threshold = 2\n[breakers.own]\npreset = 'aggressive'\n";
    registry.configure(toml(file)).expect("valid");
    // The preset of the code before that for all, and the code before what the file says for all.
    assert_eq!(code.status().preset, Some(Preset::Redis));
    assert_eq!(setting(&code, Key::RecoveryTimeout), (seconds(15), Origin::Preset));
    assert_eq!(setting(&code, Key::SuccessThreshold), (Value::Count(1), Origin::Code));
    // That for all where there is no other.
    assert_eq!(bare.status().preset, Some(Preset::Conservative));
    assert_eq!(setting(&bare, Key::RecoveryTimeout), (seconds(120), Origin::Preset));
    assert_eq!(setting(&bare, Key::SuccessThreshold), (Value::Count(2), Origin::Configuration));
    // The one that the file names for the breaker before that of the code, but not before what the code states.
    assert_eq!(own.status().preset, Some(Preset::Aggressive));
    assert_eq!(setting(&own, Key::FailureThreshold), (Value::Count(3), Origin::Preset));
    assert_eq!(setting(&own, Key::RecoveryTimeout), (seconds(7), Origin::Code));
    // A file that states nothing else.
    registry.configure(toml("[breakers.bare]\npreset = 'kafka'\n")).expect("valid");
    assert_eq!((bare.status().preset, own.status().preset), (Some(Preset::Kafka), Some(Preset::Redis)));
    registry.configure(toml("[defaults]\npreset = 'testing'\n")).expect("valid");
    assert_eq!((bare.status().preset, code.status().preset), (Some(Preset::Testing), Some(Preset::Redis)));
    registry.configure(toml("")).expect("valid");
    assert_eq!((bare.status().preset, own.status().preset), (None, Some(Preset::Redis)));
}

fn secs(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}

#[test]
fn a_window_of_the_one_kind_gives_way_to_a_stronger_one_of_the_other() {
    let registry = Registry::new();
    let fetch =
        registry.get_or_insert("fetch", Config::builder().window_size(50).failure_rate_threshold(0.5)).expect("valid");
    registry
        .configure(toml("[defaults]\nwindow_duration = 9\n[breakers.fetch]\nwindow_duration = 30\n"))
        .expect("valid");
    assert_eq!(setting(&fetch, Key::WindowDuration), (seconds(30), Origin::BreakerConfiguration));
    assert_eq!(setting(&fetch, Key::WindowSize).0, Value::Off);
    registry.configure(toml("[defaults]\nwindow_duration = 9\n")).expect("valid");
    assert_eq!(setting(&fetch, Key::WindowSize), (Value::Count(50), Origin::Code));
    // Within a file the table of a member is the stronger one.
    let file = "[breakers.fetch]\nwindow_duration = 30\n[breakers.'fetch[a]']\nwindow_size = 20\n";
    let registry = Registry::new();
    registry.configure(toml(file)).expect("valid");
    let family = registry.keyed("fetch", Config::default()).expect("valid");
    assert_eq!(setting(&family.get("a"), Key::WindowSize), (Value::Count(20), Origin::BreakerConfiguration));
    assert_eq!(setting(&family.get("b"), Key::WindowDuration), (seconds(30), Origin::BreakerConfiguration));
}

#[test]
fn what_a_change_at_run_time_set_stays_whatever_a_file_says_later() {
    let registry = Registry::new();
    let fetch = registry.get_or_insert("fetch", Config::default()).expect("valid");
    registry.configure(toml("[breakers.fetch]\nfailure_threshold = 3\n")).expect("valid");
    fetch.reconfigure(Config::builder().failure_threshold(8)).expect("valid");
    for file in ["[breakers.fetch]\nfailure_threshold = 4\n", "", "[defaults]\nfailure_threshold = 2\n"] {
        registry.configure(toml(file)).expect("valid");
        assert_eq!(setting(&fetch, Key::FailureThreshold), (Value::Count(8), Origin::Runtime));
    }
}
