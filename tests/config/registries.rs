//! Whom a configuration reaches: breakers that are there and those to come, families and their members, annotated functions.

use breakerbox::{Config, Event, Key, Origin, Registry, Settings, Value, circuit_breaker};

use super::support::{listen, seconds, setting, taken, toml};

#[test]
fn breakers_to_come_begin_with_what_the_file_says() {
    let registry = Registry::new();
    let file = "[defaults]\nrecovery_timeout = 9\n[breakers.fetch]\nfailure_threshold = 2\n[breakers.typo]\n";
    let applied = registry.configure(toml(file)).expect("valid");
    assert!(applied.changed().is_empty());
    assert_eq!(applied.unused(), ["fetch", "typo"]);
    let fetch = registry.get_or_insert("fetch", Config::builder().failure_threshold(4)).expect("valid");
    assert_eq!(setting(&fetch, Key::FailureThreshold), (Value::Count(2), Origin::BreakerConfiguration));
    assert_eq!(setting(&fetch, Key::RecoveryTimeout), (seconds(9), Origin::Configuration));
    (0..2).for_each(|_| fetch.record_failure());
    assert!(fetch.is_open(), "it is in force");
    assert_eq!(registry.configure(toml(file)).expect("valid").unused(), ["typo"]);
    // One that left comes back with them.
    registry.remove("fetch");
    let again = registry.get_or_insert("fetch", Config::default()).expect("valid");
    assert_eq!(setting(&again, Key::FailureThreshold).0, Value::Count(2));
}

#[test]
fn a_family_and_its_members_take_their_settings_whenever_they_come() {
    let file = "[breakers.fetch]\nfailure_threshold = 3\njitter = 0.5\nmax_keys = 2\n\
                [breakers.'fetch[a]']\nfailure_threshold = 7\n[breakers.'fetch[z]']\njitter = 0.1\n";
    let registry = Registry::new();
    let family = registry.keyed("fetch", Config::builder().failure_threshold(9)).expect("valid");
    let early = family.get("a");
    let applied = registry.configure(toml(file)).expect("valid");
    assert_eq!(applied.unused(), ["fetch[z]"]);
    assert_eq!(family.max_keys(), 2);
    let failures = |registry: &Registry, name: &str| setting(&registry.get(name).expect(name), Key::FailureThreshold);
    let late = family.get("b");
    for breaker in [&early, &late] {
        assert_eq!(setting(breaker, Key::Jitter), (Value::Share(0.5), Origin::BreakerConfiguration));
    }
    assert_eq!(failures(&registry, "fetch[a]"), (Value::Count(7), Origin::BreakerConfiguration));
    assert_eq!(failures(&registry, "fetch[b]"), (Value::Count(3), Origin::BreakerConfiguration));
    // Both places are held, so this is the one that all others share.
    let others = family.get("c");
    assert_eq!(others.name(), "fetch[*]");
    assert_eq!(setting(&others, Key::Jitter), (Value::Share(0.5), Origin::BreakerConfiguration));
    assert_eq!(setting(&others, Key::FailureThreshold).0, Value::Off, "nothing opens it");
    registry.configure(toml("[breakers.'fetch[b]']\nfailure_threshold = 1\n")).expect("valid");
    assert_eq!(failures(&registry, "fetch[a]"), (Value::Count(9), Origin::Code));
    assert_eq!(failures(&registry, "fetch[b]"), (Value::Count(1), Origin::BreakerConfiguration));
    assert_eq!(setting(&others, Key::Jitter), (Value::Share(0.0), Origin::Default));
    assert_eq!(failures(&Registry::clone(&registry), family.get("z").name()), (Value::Count(9), Origin::Code));

    // The file first, the family later.
    let registry = Registry::new();
    assert_eq!(registry.configure(toml(file)).expect("valid").unused(), ["fetch", "fetch[a]", "fetch[z]"]);
    let family = registry.keyed("fetch", Config::builder().failure_threshold(9)).expect("valid");
    assert_eq!(family.max_keys(), 2);
    assert_eq!(setting(&family.get("a"), Key::FailureThreshold).0, Value::Count(7));
    assert_eq!(setting(&family.get("z"), Key::Jitter).0, Value::Share(0.1));
    assert!(registry.configure(toml(file)).expect("valid").unused().is_empty());
}

#[test]
fn a_breaker_that_is_named_like_a_member_takes_the_settings_of_its_family() {
    let registry = Registry::new();
    let nightly = registry.get_or_insert("jobs[nightly]", Config::default()).expect("valid");
    let applied = registry.configure(toml("[breakers.jobs]\nfailure_threshold = 2\n")).expect("valid");
    assert_eq!((applied.changed().len(), applied.unused().len()), (1, 0));
    assert_eq!(setting(&nightly, Key::FailureThreshold), (Value::Count(2), Origin::BreakerConfiguration));
}

#[test]
fn a_member_with_changes_of_its_own_is_judged_with_them() {
    let registry = Registry::new();
    let family = registry.keyed("fetch", Config::default()).expect("valid");
    family.get("a").reconfigure(Config::builder().half_open_max_calls(1).success_threshold(1)).expect("valid");
    family.get("b").reconfigure(Config::builder().success_threshold(3)).expect("valid");
    let error =
        registry.configure(toml("[breakers.fetch]\nhalf_open_max_calls = 2\nsuccess_threshold = 2\n")).unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert_eq!(problem.breaker(), Some("fetch[b]"));
    let told = "(`half_open_max_calls` is 2 by breaker_configuration, `success_threshold` is 3 by runtime)";
    assert!(problem.to_string().ends_with(told), "{problem}");
    // What is wrong with the family itself is told once, not for each of its members.
    family.get("b").reconfigure(Config::builder().success_threshold(1)).expect("valid");
    let error = registry.configure(toml("[breakers.fetch]\nmax_recovery_timeout = 7\n")).unwrap_err();
    let told: Vec<_> = error.problems().iter().map(breakerbox::SettingsProblem::breaker).collect();
    assert_eq!(told, [Some("fetch")]);
}

#[test]
fn a_breaker_made_later_never_fails_by_the_file_and_what_is_left_out_is_told() {
    let registry = Registry::new();
    let file = "[defaults]\nminimum_calls = 99\n[breakers.fetch]\nsuccess_threshold = 4\njitter = 0.5\n\
                [breakers.pool]\npreset = 'postgres_pooled'\n";
    registry.configure(toml(file)).expect("nobody contradicts yet");
    let lines = listen(&registry);
    let code = Config::builder().half_open_max_calls(3).window_size(200);
    let fetch = registry.get_or_insert("fetch", code.clone()).expect("valid");
    assert_eq!(setting(&fetch, Key::SuccessThreshold).0, Value::Count(3));
    assert_eq!(setting(&fetch, Key::Jitter), (Value::Share(0.5), Origin::BreakerConfiguration));
    assert_eq!(setting(&fetch, Key::MinimumCalls), (Value::Count(99), Origin::Configuration));
    let family = registry.keyed("pool", Config::builder().minimum_calls(50)).expect("valid");
    assert_eq!((family.get("a").status().preset, family.get("b").status().preset), (None, None));
    let told: Vec<_> = taken(&lines).into_iter().filter(|line| line.contains("ignored")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    let start = "breakers.fetch.success_threshold=4 is ignored: for circuit 'fetch', `success_threshold` is more than";
    assert!(told[0].starts_with(start), "{}", told[0]);
    let start = "breakers.pool.preset=postgres_pooled is ignored: for circuit 'pool', `minimum_calls` is more than";
    assert!(told[1].starts_with(start), "{}", told[1]);
    assert_eq!(registry.warnings().len(), 2);
    // Now that they are there, the same file is refused.
    let error = registry.configure(toml(file)).unwrap_err();
    let told: Vec<_> = error.problems().iter().map(|problem| (problem.breaker(), problem.key())).collect();
    assert_eq!(told, [(Some("pool"), "minimum_calls"), (Some("fetch"), "success_threshold")]);
}

#[circuit_breaker(name = "annotated", failure_threshold = 4)]
fn annotated() -> Option<u8> {
    None
}

#[test]
fn annotated_functions_are_reached_before_their_first_call() {
    let registry = breakerbox::registry();
    let changed = registry.configure(toml("[breakers.annotated]\nfailure_threshold = 2\n")).expect("valid");
    assert_eq!(changed.changed(), [std::sync::Arc::from("annotated")]);
    assert!(changed.unused().is_empty());
    annotated();
    annotated();
    assert!(breakerbox::breaker("annotated").expect("it is annotated").is_open());
}

#[test]
fn a_function_of_the_same_name_that_comes_later_contradicts_the_file_as_it_would_the_code() {
    let registry = Registry::new();
    registry.get_or_insert("fetch", Config::default()).expect("valid");
    registry.configure(Settings::new().breaker("fetch", Config::builder().half_open_max_calls(2))).expect("valid");
    let fetch = registry.get_or_insert("fetch", Config::builder().success_threshold(3).jitter(0.1)).expect("valid");
    assert_eq!(setting(&fetch, Key::SuccessThreshold).0, Value::Count(2));
    assert_eq!(setting(&fetch, Key::Jitter), (Value::Share(0.1), Origin::Code));
    let conflicts: Vec<_> = registry.conflicts().iter().map(|conflict| conflict.key).collect();
    assert_eq!(conflicts, ["success_threshold"]);
}

#[test]
fn a_variable_that_is_stronger_stays_in_force() {
    let registry = Registry::with_environment([
        ("CIRCUIT_BREAKER__FETCH__FAILURE_THRESHOLD".into(), "8".into()),
        ("CIRCUIT_BREAKER_JITTER".into(), "0.5".into()),
    ]);
    let family = registry.keyed("fetch", Config::default()).expect("valid");
    let file = "[defaults]\njitter = 0.1\n[breakers.fetch]\nfailure_threshold = 2\n[breakers.'fetch[a]']\nfailure_threshold = 1\n";
    registry.configure(toml(file)).expect("valid");
    for key in ["a", "b"] {
        let breaker = family.get(key);
        assert_eq!(setting(&breaker, Key::FailureThreshold), (Value::Count(8), Origin::BreakerEnvironment));
        assert_eq!(setting(&breaker, Key::Jitter), (Value::Share(0.5), Origin::Environment));
    }
}

#[test]
fn an_event_of_a_change_says_what_changed() {
    let registry = Registry::new();
    registry.get_or_insert("fetch", Config::default()).expect("valid");
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let hears = heard.clone();
    let _subscription = registry.subscribe(move |event: &Event| {
        if let Event::Reconfigured { breaker, changes, by, .. } = event {
            let changes: Vec<_> = changes.iter().map(|change| (change.key, change.before, change.after)).collect();
            hears.lock().expect("no panic").push((breaker.to_string(), changes, by.clone()));
        }
    });
    registry.configure(toml("[breakers.fetch]\nfailure_threshold = 2\n")).expect("valid");
    let changes = vec![(Key::FailureThreshold, Value::Count(5), Value::Count(2))];
    assert_eq!(*heard.lock().expect("no panic"), [("fetch".to_owned(), changes, None)]);
}
