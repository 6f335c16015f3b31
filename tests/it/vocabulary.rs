//! One vocabulary: what things are called as text is what they are called everywhere.

use breakerbox::{Cause, CircuitBreaker, Config, Event, Key, Mode, Origin, Preset, Reason, Registry, State};

use crate::support::{bench, fail_times};

#[test]
fn as_text_everything_has_its_one_name() {
    let keys: Vec<String> = Key::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(keys, Key::ALL.map(Key::as_str));
    assert_eq!((&*keys[0], &*keys[15]), ("failure_threshold", "max_keys"));
    let origins = [Origin::Default, Origin::Preset, Origin::Configuration, Origin::Environment, Origin::Code];
    let names = ["default", "preset", "configuration", "environment", "code"];
    assert_eq!(origins.map(|origin| origin.to_string()), names);
    assert_eq!(origins.map(Origin::as_str), names);
    assert_eq!(Origin::BreakerEnvironment.to_string(), "breaker_environment");
    assert_eq!(Origin::BreakerConfiguration.to_string(), "breaker_configuration");
    assert_eq!(Origin::Runtime.to_string(), "runtime");
    assert_eq!(Preset::PostgresPooled.to_string(), "postgres_pooled");
    assert_eq!(Preset::PostgresPooled.as_str(), "postgres_pooled");
    assert_eq!(State::ALL.map(|state| state.to_string()), ["closed", "open", "half_open"]);
    assert_eq!((Mode::ForcedOpen.to_string(), Mode::MetricsOnly.as_str()), ("forced_open".into(), "metrics_only"));
    assert_eq!((Reason::HalfOpenFull.to_string(), Reason::Timeout.as_str()), ("half_open_full".into(), "timeout"));
    assert_eq!((Cause::TrialFailed.to_string(), Cause::Restored.as_str()), ("trial_failed".into(), "restored"));
}

#[test]
fn a_location_is_written_as_file_and_line() {
    let here = std::panic::Location::caller();
    let breaker = CircuitBreaker::new("located", Config::default()).expect("valid");
    let at = breaker.locations()[0];
    assert_eq!(at.to_string(), format!("{}:{}", here.file(), here.line() + 1));
    assert_eq!(here.column() > 0, at.column > 0);
}

#[test]
fn an_event_tells_which_breaker_it_is_about() {
    let registry = Registry::with_environment([("CIRCUIT_BREAKER_JITTER".into(), "much".into())]);
    let about = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = about.clone();
    registry
        .subscribe(move |event: &Event| {
            heard.lock().expect("no panic").push(event.breaker().map(str::to_owned));
        })
        .keep();
    let breaker = registry.get_or_insert("db", Config::builder().failure_threshold(1)).expect("valid");
    assert_eq!(about.lock().expect("no panic").len(), 2, "told at once");
    registry.get_or_insert("db", Config::builder().failure_threshold(2)).expect("valid");
    breaker.metrics_only();
    fail_times(&breaker, 1);
    breaker.reconfigure(Config::builder().failure_threshold(1)).expect("valid");
    breaker.reset();
    breaker.open();
    registry.remove("db");
    let about = about.lock().expect("no panic");
    // The variable concerns no breaker.
    assert_eq!(about[0], None);
    assert!(about.len() >= 8 && about[1..].iter().all(|name| name.as_deref() == Some("db")), "{about:?}");
}

#[test]
fn a_registry_tells_the_status_of_each_and_names_what_it_does_not_know() {
    let b = bench(Config::builder());
    b.registry.get_or_insert("bank", Config::default()).expect("valid");
    let names: Vec<String> = b.registry.statuses().iter().map(|status| status.name.to_string()).collect();
    assert_eq!(names, ["bank", "quotes"]);
    assert_eq!(b.registry.reset("nobody").expect_err("unknown").name(), "nobody");
    assert_eq!(b.registry.force_open("nobody").expect_err("unknown").name(), "nobody");
}

#[test]
fn thousands_of_breakers_are_each_found_and_listed() {
    let registry = Registry::new();
    for number in 0..3000 {
        registry.get_or_insert(&format!("breaker {number}"), Config::default()).expect("valid");
    }
    assert_eq!(registry.all().len(), 3000);
    for number in 0..3000 {
        let name = format!("breaker {number}");
        assert_eq!(registry.get(&name).map(|breaker| breaker.name() == name), Some(true));
    }
}

#[cfg(feature = "serde")]
#[test]
fn points_in_time_are_seconds_since_1970_before_it_too() -> Result<(), Box<dyn std::error::Error>> {
    let b = bench(Config::builder());
    fail_times(&b.breaker, 1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs_f64();
    let near = |json: &serde_json::Value, expected: f64| json.as_f64().is_some_and(|at| (at - expected).abs() < 600.0);
    let json = serde_json::to_value(b.breaker.status())?;
    assert!(near(&json["since"], now) && near(&json["last_failure"], now), "{json}");
    let century = 100.0 * 365.0 * 86_400.0;
    b.advance(std::time::Duration::from_secs_f64(century));
    let json = serde_json::to_value(b.breaker.status())?;
    assert!(near(&json["since"], now - century) && now < century, "{json}");
    Ok(())
}
