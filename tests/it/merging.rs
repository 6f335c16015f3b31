//! How settings of several origins come together: functions of one name, variables, changes at run time.

use std::time::Duration;

use breakerbox::{Config, ConfigError, Key, Origin, Preset, Registry, State, Value};

use crate::support::{bench, secs, succeed_times};

fn with_variables(variables: &[(&str, &str)]) -> Registry {
    Registry::with_environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

#[test]
fn a_conflict_names_the_place_that_stated_what_is_kept() -> Result<(), ConfigError> {
    let registry = Registry::new();
    registry.get_or_insert("db", Config::builder().failure_threshold(3))?;
    let second = registry.get_or_insert("db", Config::builder().recovery_timeout(secs(7)))?;
    registry.get_or_insert("db", Config::builder().recovery_timeout(secs(9)))?;
    let [conflict] = &registry.conflicts()[..] else { panic!("one conflict") };
    assert_eq!((conflict.key, &*conflict.kept, &*conflict.ignored), ("recovery_timeout", "7s", "9s"));
    assert_eq!(conflict.kept_at, second.locations()[1]);
    Ok(())
}

#[test]
fn two_presets_are_a_conflict_and_one_preset_twice_is_none() -> Result<(), ConfigError> {
    let registry = Registry::new();
    registry.get_or_insert("db", Config::builder().failure_threshold(4))?;
    registry.get_or_insert("db", Config::builder().preset(Preset::Redis))?;
    registry.get_or_insert("db", Config::builder().preset(Preset::Redis))?;
    assert_eq!(registry.conflicts(), []);
    let breaker = registry.get_or_insert("db", Config::builder().preset(Preset::Kafka))?;
    let [conflict] = &registry.conflicts()[..] else { panic!("one conflict") };
    assert_eq!((conflict.key, &*conflict.kept, &*conflict.ignored), ("preset", "redis", "kafka"));
    assert_eq!(conflict.kept_at, breaker.locations()[1]);
    let status = breaker.status();
    assert_eq!(status.preset, Some(Preset::Redis));
    assert_eq!(status.setting(Key::RecoveryTimeout).value, Value::Time(secs(15)));
    assert_eq!(status.setting(Key::FailureThreshold).value, Value::Count(4));
    Ok(())
}

#[test]
fn variables_are_tried_until_no_more_of_them_fit() -> Result<(), ConfigError> {
    let registry = with_variables(&[
        ("CIRCUIT_BREAKER_MINIMUM_CALLS", "500"),
        ("CIRCUIT_BREAKER_WINDOW_SIZE", "1000"),
        ("CIRCUIT_BREAKER__NARROW__SUCCESS_THRESHOLD", "4"),
    ]);
    let breaker = registry.get_or_insert("narrow", Config::builder().half_open_max_calls(2))?;
    let minimum = breaker.status().setting(Key::MinimumCalls);
    assert_eq!((minimum.value, minimum.origin), (Value::Count(500), Origin::Environment));
    let [warning] = &registry.warnings()[..] else { panic!("one warning") };
    assert_eq!((&*warning.variable, &*warning.value), ("CIRCUIT_BREAKER__NARROW__SUCCESS_THRESHOLD", "4"));
    Ok(())
}

#[test]
fn a_stronger_window_of_either_kind_hides_a_weaker_one_of_the_other() -> Result<(), ConfigError> {
    let window = |registry: &Registry| -> Result<(Value, Value), ConfigError> {
        let status = registry.get("db").expect("known").status();
        Ok((status.setting(Key::WindowSize).value, status.setting(Key::WindowDuration).value))
    };
    let registry = with_variables(&[("CIRCUIT_BREAKER__DB__WINDOW_SIZE", "50")]);
    registry.get_or_insert("db", Config::builder().window_duration(secs(5)))?;
    assert_eq!(window(&registry)?, (Value::Count(50), Value::Off));
    let registry = with_variables(&[("CIRCUIT_BREAKER__DB__WINDOW_DURATION", "5s")]);
    let breaker = registry.get_or_insert("db", Config::builder().window_size(50))?;
    assert_eq!(window(&registry)?, (Value::Off, Value::Time(secs(5))));
    // At run time the later one counts, however often it changes.
    breaker.reconfigure(Config::builder().window_size(20))?;
    assert_eq!(window(&registry)?, (Value::Count(20), Value::Off));
    breaker.reconfigure(Config::builder().window_duration(secs(9)))?;
    assert_eq!(window(&registry)?, (Value::Off, Value::Time(secs(9))));
    breaker.reconfigure(Config::builder().window_size(30))?;
    assert_eq!(window(&registry)?, (Value::Count(30), Value::Off));
    assert_eq!(registry.warnings(), []);
    Ok(())
}

#[test]
fn a_change_that_leaves_too_few_good_trials_closes_nothing() -> Result<(), ConfigError> {
    let b = bench(Config::builder());
    b.breaker.half_open();
    succeed_times(&b.breaker, 1);
    b.breaker.reconfigure(Config::builder().success_threshold(2))?;
    b.registry.get_or_insert("quotes", Config::builder().recovery_timeout(secs(5)))?;
    assert_eq!(b.breaker.state(), State::HalfOpen);
    succeed_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    Ok(())
}

#[test]
fn a_threshold_set_below_the_failures_so_far_opens_at_the_next_one() -> Result<(), ConfigError> {
    for window in [Config::builder(), Config::builder().failure_rate_threshold(1.0)] {
        let b = bench(window);
        b.succeed(1);
        b.fail(4);
        b.breaker.reconfigure(Config::builder().failure_threshold(2))?;
        assert_eq!(b.state(), State::Closed);
        b.fail(1);
        assert_eq!(b.state(), State::Open);
    }
    Ok(())
}

#[test]
fn a_config_by_reference_changes_as_much_as_one_by_value() -> Result<(), ConfigError> {
    let change = Config::builder().failure_threshold(2).build()?;
    for by_reference in [true, false] {
        let b = bench(Config::builder());
        if by_reference {
            b.breaker.reconfigure(&change)?;
        } else {
            b.breaker.reconfigure(change.clone())?;
        }
        b.fail(2);
        assert_eq!(b.state(), State::Open);
    }
    Ok(())
}

#[test]
fn an_open_time_of_more_nanoseconds_than_a_clock_counts_lasts_for_ever() {
    // 585 years, and a bit: 2^64 ns and 290 ms.
    let longer_than_all = Duration::from_secs(18_446_744_074);
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(longer_than_all));
    b.fail(1);
    b.advance(secs(18_000_000_000));
    assert_eq!(b.state(), State::Open);
}

#[test]
fn an_open_time_that_does_not_grow_is_exact_however_long_it_is() {
    let long = Duration::new(100_000_000, 1);
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(long));
    b.fail(1);
    assert_eq!(b.refusal().retry_after(), Some(long));
    b.advance(long);
    b.fail(1);
    assert_eq!(b.refusal().retry_after(), Some(long));
}

#[test]
fn jitter_spreads_open_times_evenly_and_anew_each_time() {
    let b = bench(Config::builder().recovery_timeout(secs(1000)).jitter(1.0));
    let mut times: Vec<Duration> = (0..1600)
        .map(|_| {
            b.breaker.open();
            let time = b.refusal().retry_after().expect("open");
            b.breaker.close();
            time
        })
        .collect();
    for part in 0..16 {
        let span = secs(125 * part)..secs(125 * (part + 1));
        let share = times.iter().filter(|time| span.contains(time)).count();
        assert!((50..=150).contains(&share), "{share} of 1600 in {span:?}");
    }
    times.sort_unstable();
    times.dedup();
    assert!(times.len() > 1595, "{} different times of 1600", times.len());
}
