//! Settings: defaults, presets, what is refused, and who wins.

use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, Key, Origin, Preset, Registry, Value};

use crate::support::secs;

fn setting(breaker: &CircuitBreaker, key: Key) -> (Value, Origin) {
    let setting = breaker.status().setting(key);
    (setting.value, setting.origin)
}

fn with_variables(variables: &[(&str, &str)]) -> Registry {
    Registry::with_environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = Config::default();
    for (key, value) in [
        (Key::FailureThreshold, Value::Count(5)),
        (Key::RecoveryTimeout, Value::Time(secs(60))),
        (Key::HalfOpenMaxCalls, Value::Count(3)),
        (Key::SuccessThreshold, Value::Count(3)),
        (Key::HalfOpenTimeout, Value::Time(secs(60))),
        (Key::FailureRateThreshold, Value::Off),
        (Key::SlowCallDuration, Value::Off),
        (Key::SlowCallRateThreshold, Value::Off),
        (Key::WindowSize, Value::Count(100)),
        (Key::WindowDuration, Value::Off),
        (Key::MinimumCalls, Value::Count(10)),
        (Key::Multiplier, Value::Share(1.0)),
        (Key::MaxRecoveryTimeout, Value::Off),
        (Key::Jitter, Value::Share(0.0)),
        (Key::Timeout, Value::Off),
        (Key::MaxKeys, Value::Count(1000)),
    ] {
        assert_eq!(config.get(key), value, "{key}");
    }
}

#[test]
fn defaults_follow_from_what_is_stated() {
    let built = |builder: ConfigBuilder| builder.build().expect("valid");
    assert_eq!(built(Config::builder().success_threshold(7)).get(Key::HalfOpenMaxCalls), Value::Count(7));
    assert_eq!(built(Config::builder().success_threshold(1)).get(Key::HalfOpenMaxCalls), Value::Count(3));
    assert_eq!(built(Config::builder().half_open_max_calls(2)).get(Key::SuccessThreshold), Value::Count(2));
    assert_eq!(built(Config::builder().recovery_timeout(secs(90))).get(Key::HalfOpenTimeout), Value::Time(secs(90)));
    assert_eq!(built(Config::builder().recovery_timeout(secs(5))).get(Key::HalfOpenTimeout), Value::Time(secs(60)));
    assert_eq!(built(Config::builder().window_size(4)).get(Key::MinimumCalls), Value::Count(4));
    let timed = built(Config::builder().window_duration(secs(4)));
    assert_eq!((timed.get(Key::MinimumCalls), timed.get(Key::WindowSize)), (Value::Count(10), Value::Off));
}

#[test]
fn presets_are_those_of_the_documentation() {
    let (no, half) = (Value::Off, Value::Share(0.5));
    for (preset, failures, seconds, successes, rate, window) in [
        (Preset::Conservative, 5, 120, 3, no, 100),
        (Preset::Aggressive, 3, 30, 2, no, 100),
        (Preset::Testing, 2, 5, 1, no, 100),
        (Preset::Kafka, 5, 30, 3, no, 100),
        (Preset::Postgres, 5, 30, 3, no, 100),
        (Preset::PostgresPooled, 10, 60, 3, half, 20),
        (Preset::Redis, 3, 15, 3, no, 100),
        (Preset::ExternalApi, 5, 60, 3, half, 20),
        (Preset::Websocket, 10, 30, 3, Value::Share(0.3), 50),
        (Preset::ConnectionRecovery, 5, 30, 3, half, 10),
    ] {
        let config = Config::preset(preset);
        let of = |key: Key| config.get(key);
        assert_eq!(of(Key::FailureThreshold), Value::Count(failures), "{preset}");
        assert_eq!(of(Key::RecoveryTimeout), Value::Time(secs(seconds)), "{preset}");
        assert_eq!(of(Key::SuccessThreshold), Value::Count(successes), "{preset}");
        assert_eq!(of(Key::FailureRateThreshold), rate, "{preset}");
        assert_eq!(of(Key::WindowSize), Value::Count(window), "{preset}");
    }
}

#[test]
fn a_bad_setting_is_refused_with_its_key_and_a_remedy() {
    let b = Config::builder;
    let zero = Duration::ZERO;
    for (builder, key, words) in [
        (b().failure_threshold(0), "failure_threshold", "from 1 to 1000000"),
        (b().failure_threshold(1_000_001), "failure_threshold", "from 1 to 1000000"),
        (b().recovery_timeout(zero), "recovery_timeout", "longer than zero"),
        (b().half_open_max_calls(0), "half_open_max_calls", "from 1"),
        (b().success_threshold(0), "success_threshold", "from 1"),
        (b().half_open_timeout(zero), "half_open_timeout", "longer than zero"),
        (b().failure_rate_threshold(0.0), "failure_rate_threshold", "such as 0.5"),
        (b().failure_rate_threshold(1.1), "failure_rate_threshold", "such as 0.5"),
        (b().failure_rate_threshold(f64::NAN), "failure_rate_threshold", "such as 0.5"),
        (b().slow_call_duration(zero), "slow_call_duration", "or off"),
        (b().slow_call_rate_threshold(-0.1), "slow_call_rate_threshold", "such as 0.5"),
        (b().window_size(0), "window_size", "from 1"),
        (b().window_duration(zero), "window_duration", "longer than zero"),
        (b().minimum_calls(0), "minimum_calls", "from 1"),
        (b().multiplier(0.9), "multiplier", "at least 1"),
        (b().multiplier(f64::INFINITY), "multiplier", "at most"),
        (b().max_recovery_timeout(zero), "max_recovery_timeout", "longer than zero"),
        (b().jitter(1.5), "jitter", "at most 1"),
        (b().timeout(zero), "timeout", "or off"),
        (b().success_threshold(3).half_open_max_calls(2), "success_threshold", "raise `half_open_max_calls`"),
        (b().window_size(5).minimum_calls(6), "minimum_calls", "raise `window_size`"),
        (b().window_size(5).window_duration(secs(1)), "window_duration", "one of them"),
        (b().slow_call_rate_threshold(0.5), "slow_call_rate_threshold", "slow_call_duration = 2"),
        (b().max_recovery_timeout(secs(59)), "max_recovery_timeout", "shorter than `recovery_timeout`"),
        (b().failure_threshold(None), "failure_threshold", "nothing could open"),
    ] {
        let error = builder.clone().build().expect_err("refused");
        assert_eq!(error.key(), key, "{builder:?}: {error}");
        assert!(error.to_string().contains(words), "{builder:?}: {error}");
    }
}

#[test]
fn a_bad_name_is_refused() {
    for (name, words) in [
        ("", "empty"),
        ("  ", "empty"),
        (" db", "spaces"),
        ("db ", "spaces"),
        ("a\nb", "control"),
        ("reset-all", "admin API"),
        ("events", "admin API"),
        (".", "no address"),
        ("..", "no address"),
        (&"n".repeat(129), "128 bytes"),
    ] {
        let error = Registry::new().get_or_insert(name, Config::default()).expect_err(name);
        assert_eq!(error.key(), "name");
        assert!(error.to_string().contains(words), "{name}: {error}");
        assert!(CircuitBreaker::new(name, Config::default()).is_err());
    }
    for name in ["db", "a b", "ä", "pay::charge[eu]", &"n".repeat(128)] {
        let breaker = Registry::new().get_or_insert(name, Config::default()).expect(name);
        breaker.force_open();
        assert_eq!(breaker.try_acquire().expect_err("forced open").name(), name);
    }
}

#[test]
fn the_stronger_layer_wins() -> Result<(), breakerbox::ConfigError> {
    let registry = with_variables(&[
        ("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "7"),
        ("CIRCUIT_BREAKER_RECOVERY_TIMEOUT", "1m30s"),
        ("CIRCUIT_BREAKER_JITTER", "0.5"),
        ("CIRCUIT_BREAKER__MY_DB__RECOVERY_TIMEOUT", "7"),
        ("CIRCUIT_BREAKER_PERSISTENT", "false"),
        ("UNRELATED", "x"),
    ]);
    let config = Config::builder().preset(Preset::Aggressive).recovery_timeout(secs(40)).jitter(0.1).build()?;
    let named = registry.get_or_insert("my-db", &config)?;
    let other = registry.get_or_insert("other", &config)?;
    // The breaker's own variable over code, code over the variable for all, that over the preset.
    assert_eq!(setting(&named, Key::RecoveryTimeout), (Value::Time(secs(7)), Origin::BreakerEnvironment));
    assert_eq!(setting(&other, Key::RecoveryTimeout), (Value::Time(secs(40)), Origin::Code));
    assert_eq!(setting(&other, Key::Jitter), (Value::Share(0.1), Origin::Code));
    assert_eq!(setting(&other, Key::FailureThreshold), (Value::Count(7), Origin::Environment));
    assert_eq!(setting(&other, Key::SuccessThreshold), (Value::Count(2), Origin::Preset));
    assert_eq!(setting(&other, Key::HalfOpenTimeout), (Value::Time(secs(60)), Origin::Default));
    named.reconfigure(Config::builder().recovery_timeout(secs(1)))?;
    assert_eq!(setting(&named, Key::RecoveryTimeout), (Value::Time(secs(1)), Origin::Runtime));
    assert_eq!(registry.warnings(), []);
    Ok(())
}

#[test]
fn a_malformed_variable_is_told_once_with_name_and_value_and_ignored() -> Result<(), breakerbox::ConfigError> {
    let registry = with_variables(&[
        ("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "five"),
        ("CIRCUIT_BREAKER_SUCCESS_THRESHOLD", "0"),
        ("CIRCUIT_BREAKER_RECOVERY_TIMEOUT", "30 parsecs"),
        ("CIRCUIT_BREAKER_FAILURE_TRESHOLD", "3"),
        ("CIRCUIT_BREAKER__DB__JITTER", "2"),
        ("CIRCUIT_BREAKER__DB", "2"),
    ]);
    for _ in 0..3 {
        let breaker = registry.get_or_insert("db", Config::default())?;
        assert_eq!(setting(&breaker, Key::FailureThreshold), (Value::Count(5), Origin::Default));
    }
    let lines: Vec<String> = registry.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "CIRCUIT_BREAKER_FAILURE_THRESHOLD=five is ignored: it must be a whole number from 1 to 1000000",
            "CIRCUIT_BREAKER_SUCCESS_THRESHOLD=0 is ignored: `success_threshold` must be a whole number from 1 to 1000000",
            "CIRCUIT_BREAKER_RECOVERY_TIMEOUT=30 parsecs is ignored: unknown unit `parsecs` in `30 parsecs`: use ns, us, ms, s, m, h or d",
            "CIRCUIT_BREAKER_FAILURE_TRESHOLD=3 is ignored: there is no setting `failure_treshold`",
            "CIRCUIT_BREAKER__DB__JITTER=2 is ignored: `jitter` is a share: it must be at least 0 and at most 1, such as 0.1",
            "CIRCUIT_BREAKER__DB=2 is ignored: write CIRCUIT_BREAKER__<NAME>__<KEY>, such as CIRCUIT_BREAKER__QUOTES__FAILURE_THRESHOLD",
        ]
    );
    Ok(())
}

#[test]
fn a_variable_that_contradicts_a_breaker_is_ignored_for_that_breaker_alone() -> Result<(), breakerbox::ConfigError> {
    let registry = with_variables(&[("CIRCUIT_BREAKER_SUCCESS_THRESHOLD", "4"), ("CIRCUIT_BREAKER_JITTER", "0.5")]);
    let narrow = registry.get_or_insert("narrow", Config::builder().half_open_max_calls(2).build()?)?;
    let wide = registry.get_or_insert("wide", Config::default())?;
    assert_eq!(setting(&narrow, Key::SuccessThreshold), (Value::Count(2), Origin::Default));
    assert_eq!(setting(&narrow, Key::Jitter), (Value::Share(0.5), Origin::Environment));
    assert_eq!(setting(&wide, Key::SuccessThreshold), (Value::Count(4), Origin::Environment));
    let [warning] = &registry.warnings()[..] else { panic!("one warning") };
    assert_eq!((&*warning.variable, &*warning.value), ("CIRCUIT_BREAKER_SUCCESS_THRESHOLD", "4"));
    assert!(warning.problem.contains("for circuit 'narrow'"), "{warning}");
    Ok(())
}

#[test]
fn variables_that_only_fit_together_are_taken_together() -> Result<(), breakerbox::ConfigError> {
    let registry = with_variables(&[
        ("CIRCUIT_BREAKER_MINIMUM_CALLS", "500"),
        ("CIRCUIT_BREAKER_WINDOW_SIZE", "1000"),
        ("CIRCUIT_BREAKER_FAILURE_RATE_THRESHOLD", "off"),
    ]);
    let breaker = registry.get_or_insert("db", Config::default())?;
    assert_eq!(setting(&breaker, Key::MinimumCalls), (Value::Count(500), Origin::Environment));
    assert_eq!(registry.warnings(), []);
    Ok(())
}

#[test]
fn a_value_out_of_range_is_refused_by_the_name_of_its_key() {
    for key in Key::ALL {
        let variable = format!("CIRCUIT_BREAKER_{}", key.as_str().to_uppercase());
        let bad = if key == Key::Jitter { "2" } else { "0" };
        let warnings = with_variables(&[(&variable, bad)]).warnings();
        let [warning] = &warnings[..] else { panic!("one warning about {key}: {warnings:?}") };
        assert_eq!((&*warning.variable, &*warning.value), (&*variable, bad));
        assert!(warning.problem.starts_with(&format!("`{key}` ")), "{warning}");
    }
}

#[test]
fn off_is_a_value_of_those_that_can_be_off_alone() {
    let can_be_off = [
        Key::FailureThreshold,
        Key::FailureRateThreshold,
        Key::SlowCallDuration,
        Key::SlowCallRateThreshold,
        Key::MaxRecoveryTimeout,
        Key::Timeout,
    ];
    for key in Key::ALL {
        let variable = format!("CIRCUIT_BREAKER_{}", key.as_str().to_uppercase());
        let is_taken = with_variables(&[(&variable, "off")]).warnings().is_empty();
        assert_eq!(is_taken, can_be_off.contains(&key), "{key}");
    }
}

#[test]
fn a_secret_in_a_misspelt_variable_is_not_told() {
    let variables = [("CIRCUIT_BREAKER_ADMIN_TOKN".into(), "s3cret".into())];
    let warnings = Registry::with_environment(variables).warnings();
    assert_eq!(warnings[0].to_string(), "CIRCUIT_BREAKER_ADMIN_TOKN=*** is ignored: there is no setting `admin_tokn`");
}

#[test]
fn a_variable_that_can_match_no_breaker_is_told_with_the_name_that_would() {
    let variables = [("CIRCUIT_BREAKER__my-quotes__RECOVERY_TIMEOUT".into(), "5".into())];
    let warnings = Registry::with_environment(variables).warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].to_string(),
        "CIRCUIT_BREAKER__my-quotes__RECOVERY_TIMEOUT=5 is ignored: no breaker is meant by it: write its name as \
         `MY_QUOTES`"
    );
}
