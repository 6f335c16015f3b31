//! A file that is applied again: what is gone falls back, what goes on goes on, and a mistake changes nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use breakerbox::{Config, Key, ManualClock, Origin, Registry, State, Value};

use super::support::{listen, seconds, setting, taken, toml};

#[test]
fn what_is_gone_from_the_file_is_again_what_it_would_be_without_it() {
    let registry = Registry::with_environment([("CIRCUIT_BREAKER_JITTER".into(), "0.5".into())]);
    let fetch = registry.get_or_insert("fetch", Config::builder().failure_threshold(4)).expect("valid");
    let before = fetch.status().settings;
    let file = "[defaults]\nrecovery_timeout = 9\n[breakers.fetch]\nfailure_threshold = 2\njitter = 0.1\ntimeout = 3\n";
    registry.configure(toml(file)).expect("valid");
    assert_ne!(fetch.status().settings, before);
    registry.configure(toml("[breakers.fetch]\njitter = 0.2\n")).expect("valid");
    assert_eq!(setting(&fetch, Key::FailureThreshold), (Value::Count(4), Origin::Code));
    assert_eq!(setting(&fetch, Key::RecoveryTimeout), (seconds(60), Origin::Default));
    assert_eq!(setting(&fetch, Key::Jitter), (Value::Share(0.2), Origin::BreakerConfiguration));
    registry.configure(toml("")).expect("valid");
    assert_eq!(fetch.status().settings, before);
    // Breakers to come heed the last file alone.
    let later = registry.get_or_insert("later", Config::default()).expect("valid");
    assert_eq!(setting(&later, Key::RecoveryTimeout), (seconds(60), Origin::Default));
}

#[test]
fn state_window_and_counters_go_on() {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let config = Config::builder().failure_threshold(3).failure_rate_threshold(0.9).minimum_calls(20);
    let [open, closed] = ["open", "closed"].map(|name| registry.get_or_insert(name, config.clone()).expect("valid"));
    (0..3).for_each(|_| open.record_failure());
    closed.record_success();
    closed.record_failure();
    closed.record_failure();
    registry
        .configure(toml(
            "[defaults]\njitter = 0.5\n[breakers.open]\nrecovery_timeout = 5\n[breakers.closed]\nminimum_calls = 50\n",
        ))
        .expect("valid");
    assert_eq!(open.state(), State::Open);
    assert_eq!(open.status().totals.failures, 3);
    let status = closed.status();
    let window = status.window.expect("a rate is set");
    assert_eq!((window.calls, window.failures, status.consecutive_failures), (3, 2, 2));
    // The open time that has begun is not cut short.
    clock.advance(Duration::from_secs(6));
    assert_eq!(open.state(), State::Open);
    // The third in a row, as if nothing had been between.
    closed.record_failure();
    assert_eq!(closed.state(), State::Open);
}

#[test]
fn an_episode_that_has_enough_successes_by_the_new_settings_closes() {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let fetch = registry.get_or_insert("fetch", Config::default()).expect("valid");
    fetch.open();
    clock.advance(Duration::from_secs(60));
    fetch.try_acquire().expect("a trial").success();
    assert_eq!(fetch.state(), State::HalfOpen);
    let lines = listen(&registry);
    registry.configure(toml("[breakers.fetch]\nsuccess_threshold = 1\n")).expect("valid");
    assert_eq!(fetch.state(), State::Closed);
    assert_eq!(taken(&lines).len(), 2, "the transition, and the change");
}

#[test]
fn listeners_hear_of_each_breaker_that_works_by_other_settings_once() {
    let registry = Registry::new();
    for (name, failures) in [("a", 5), ("b", 2), ("c", 5)] {
        registry.get_or_insert(name, Config::builder().failure_threshold(failures)).expect("valid");
    }
    let lines = listen(&registry);
    let file = "[breakers.a]\nfailure_threshold = 3\nrecovery_timeout = '1m30s'\n[breakers.b]\nfailure_threshold = 2\n";
    let applied = registry.configure(toml(file)).expect("valid");
    assert_eq!(applied.changed(), [std::sync::Arc::from("a")]);
    let told = "circuit 'a': reconfigured (failure_threshold 5 -> 3, recovery_timeout 1m -> 1m30s, half_open_timeout 1m -> 1m30s)";
    assert_eq!(taken(&lines), [told]);
    // Only who states it has changed.
    let b = registry.get("b").expect("it was made");
    assert_eq!(setting(&b, Key::FailureThreshold), (Value::Count(2), Origin::BreakerConfiguration));
    let applied = registry.configure(toml(file)).expect("valid");
    assert!(applied.changed().is_empty() && taken(&lines).is_empty(), "the same file again");
    registry.configure(toml("")).expect("valid");
    let told = "circuit 'a': reconfigured (failure_threshold 3 -> 5, recovery_timeout 1m30s -> 1m, half_open_timeout 1m30s -> 1m)";
    assert_eq!(taken(&lines), [told]);
}

#[test]
fn a_mistake_leaves_everything_as_it_was() {
    let registry = Registry::with_environment([("CIRCUIT_BREAKER__C__HALF_OPEN_MAX_CALLS".into(), "2".into())]);
    for name in ["a", "b", "c"] {
        registry.get_or_insert(name, Config::builder().half_open_max_calls(3)).expect("valid");
    }
    let family = registry.keyed("family", Config::builder().window_size(50)).expect("valid");
    family.get("x");
    registry.configure(toml("[breakers.a]\njitter = 0.5\n")).expect("valid");
    let settings = || registry.statuses().into_iter().map(|status| status.settings).collect::<Vec<_>>();
    let before = settings();
    let lines = listen(&registry);
    let file = "[breakers.a]\njitter = 0.1\n[breakers.b]\nsuccess_threshold = 4\n[breakers.c]\nsuccess_threshold = 3\n\
                [breakers.family]\nminimum_calls = 51\nmax_keys = 7\n";
    let error = registry.configure(toml(file)).unwrap_err();
    let told: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    let closes = "`success_threshold` is more than `half_open_max_calls`, so the circuit could never close: raise \
                  `half_open_max_calls` or lower `success_threshold`";
    let rate = "`minimum_calls` is more than `window_size`, so no rate could ever be taken: raise `window_size` or lower \
                `minimum_calls`";
    assert_eq!(
        told,
        [
            format!(
                "circuit 'family': {rate} (`window_size` is 50 by code, `minimum_calls` is 51 by breaker_configuration)"
            ),
            format!(
                "circuit 'b': {closes} (`half_open_max_calls` is 3 by code, `success_threshold` is 4 by breaker_configuration)"
            ),
            format!(
                "circuit 'c': {closes} (`half_open_max_calls` is 2 by breaker_environment, `success_threshold` is 3 by \
                 breaker_configuration)"
            ),
        ]
    );
    assert_eq!(error.problems()[2].key(), "success_threshold");
    assert_eq!(settings(), before);
    assert_eq!(family.max_keys(), 1000);
    assert!(taken(&lines).is_empty());
    // Nor do those to come heed it.
    assert_eq!(setting(&family.get("y"), Key::MinimumCalls).0, Value::Count(10));
    registry.configure(toml("[breakers.a]\njitter = 0.1\n")).expect("valid");
}

#[test]
fn it_goes_on_while_calls_are_made_and_breakers_come_and_go() {
    let registry = Registry::new();
    let family = registry.keyed("family", Config::default()).expect("valid");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 0..3_u32 {
            let (registry, family, is_done) = (&registry, &family, &is_done);
            scope.spawn(move || {
                for round in 0_u32.. {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("b{}", round % 200);
                    let breaker = registry.get_or_insert(&name, Config::default()).expect("valid");
                    let _ = breaker.call(|| if round % 3 == 0 { Err(Error::Down) } else { Ok(()) });
                    family.get_display(&(round % 10)).record_success();
                    registry.remove(&name);
                    if worker == 0 && round % 5 == 0 {
                        breaker.reconfigure(Config::builder().jitter(0.1)).expect("valid");
                        family.reconfigure(Config::builder().multiplier(2.0)).expect("valid");
                    }
                }
            });
        }
        let _done = Done(&is_done);
        for round in 0..300_u32 {
            let (size, failures) = (round % 50 + 10, round % 9 + 1);
            let file = format!(
                "[defaults]\nwindow_size = {size}\n[breakers.family]\nfailure_threshold = {failures}\n\
                 [breakers.'family[3]']\njitter = 0.5\n"
            );
            registry.configure(toml(&file)).expect("valid");
            // Nobody who was made meanwhile has missed it.
            for breaker in registry.all() {
                let size = (Value::Count(size), Origin::Configuration);
                assert_eq!(setting(&breaker, Key::WindowSize), size, "{} in round {round}", breaker.name());
            }
        }
        registry.configure(toml("[defaults]\nwindow_size = 8\n")).expect("valid");
    });
    for breaker in family.breakers() {
        assert_eq!(setting(&breaker, Key::WindowSize), (Value::Count(8), Origin::Configuration));
        assert_eq!(setting(&breaker, Key::FailureThreshold), (Value::Count(5), Origin::Default));
    }
    assert_eq!(family.len(), 10);
}

/// Ends the others, also when a check has failed.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
enum Error {
    Down,
    Refused,
}

impl From<breakerbox::CircuitBreakerError> for Error {
    fn from(_: breakerbox::CircuitBreakerError) -> Self {
        Error::Refused
    }
}

#[test]
fn a_listener_may_use_the_registry_while_it_hears_of_a_change() {
    let registry = Registry::new();
    registry.get_or_insert("a", Config::default()).expect("valid");
    let inner = registry.clone();
    let hears = move |event: &breakerbox::Event| {
        if event.to_string().contains("reconfigured") {
            inner.get_or_insert("b", Config::default()).expect("valid");
            inner.configure(toml("[breakers.b]\njitter = 0.5\n")).expect("valid");
        }
    };
    let _subscription = registry.subscribe(hears);
    registry.configure(toml("[breakers.a]\njitter = 0.1\n")).expect("valid");
    let b = registry.get("b").expect("made by the listener");
    assert_eq!(setting(&b, Key::Jitter).0, Value::Share(0.5));
}
