//! Alerts: rules that are other ones, refused ones, and what must do no harm.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use breakerbox::Config;
use breakerbox::observe::alerts::{Alerts, Rules};

use super::{MINUTE, began, names, one, watched};
use crate::support::{bench, fail, fail_times, secs};

#[test]
fn alerts_that_are_dropped_let_the_registry_go() {
    let (b, alerts) = watched(Config::builder());
    let held = Arc::new(());
    let weak = Arc::downgrade(&held);
    b.registry.subscribe(move |_: &breakerbox::Event| drop(Arc::clone(&held))).keep();
    drop((b, alerts));
    assert!(weak.upgrade().is_none(), "the registry still lives");

    let (b, alerts) = watched(Config::builder());
    drop(alerts);
    fail_times(&b.breaker, 5);
    assert!(!format!("{:?}", b.registry).is_empty());
}

#[test]
fn rules_can_be_other_ones_or_off() {
    let b = bench(Config::builder());
    let off = Rules {
        open: None,
        open_long: None,
        flapping_trips: None,
        stuck_half_open: None,
        forced: None,
        failure_ratio: None,
        ..Rules::default()
    };
    let silent = Alerts::with_rules(&b.registry, off).unwrap();
    let soon = Rules { open: Some(secs(5)), open_long: None, forced: Some(secs(7)), ..Rules::default() };
    let soon = Alerts::with_rules(&b.registry, soon).unwrap();
    for _ in 0..9 {
        fail_times(&b.breaker, 5);
        b.breaker.reset();
    }
    b.breaker.force_open();
    b.advance(secs(6));
    assert_eq!(names(&soon), ["CircuitBreakerOpen", "CircuitBreakerFlapping"]);
    b.advance(secs(1));
    assert_eq!(names(&soon).last(), Some(&"CircuitBreakerForced"));
    b.advance(secs(7200));
    assert_eq!(names(&silent), [""; 0]);
}

#[test]
fn rules_that_make_no_sense_are_refused_with_the_field() {
    let registry = bench(Config::builder()).registry;
    let rules = Rules::default();
    for (wrong, field) in [
        (Rules { open_long: Some(secs(59)), ..rules.clone() }, "open_long"),
        (Rules { flapping_trips: Some(0), ..rules.clone() }, "flapping_trips"),
        (Rules { flapping_trips: Some(1001), ..rules.clone() }, "flapping_trips"),
        (Rules { flapping_window: Duration::ZERO, ..rules.clone() }, "flapping_window"),
        (Rules { failure_window: Duration::ZERO, ..rules.clone() }, "failure_window"),
        (Rules { failure_ratio: Some(1.0), ..rules.clone() }, "failure_ratio"),
        (Rules { failure_ratio: Some(-0.1), ..rules.clone() }, "failure_ratio"),
        (Rules { failure_ratio: Some(f64::NAN), ..rules.clone() }, "failure_ratio"),
        (Rules { failure_calls_per_second: -1.0, ..rules.clone() }, "failure_calls_per_second"),
        (Rules { failure_calls_per_second: f64::INFINITY, ..rules.clone() }, "failure_calls_per_second"),
    ] {
        let error = Alerts::with_rules(&registry, wrong).unwrap_err();
        assert_eq!(error.key(), field);
        assert!(error.to_string().starts_with(&format!("`{field}` must be ")), "{error}");
    }
    let widest = Rules {
        open: Some(Duration::MAX),
        open_long: Some(Duration::MAX),
        flapping_window: Duration::MAX,
        failure_window: Duration::MAX,
        failure_for: Duration::MAX,
        forced: Some(Duration::ZERO),
        ..rules
    };
    let alerts = Alerts::with_rules(&registry, widest).unwrap();
    registry.all()[0].disable();
    assert_eq!(names(&alerts), ["CircuitBreakerForced"]);
    assert_eq!(alerts.rules().failure_window, Duration::MAX);
}

#[test]
fn a_clock_that_steps_back_or_far_ahead_does_no_harm() {
    let (b, alerts) = watched(Config::builder());
    for _ in 0..9 {
        fail_times(&b.breaker, 5);
        b.breaker.reset();
        b.advance(secs(3600));
        assert_eq!(names(&alerts), [""; 0]);
    }
    b.clock.set(secs(1));
    assert_eq!(names(&alerts), [""; 0]);
    fail_times(&b.breaker, 5);
    assert_eq!(names(&alerts), [""; 0]);
    b.clock.set(Duration::MAX);
    assert!(!names(&alerts).is_empty());
    b.clock.set(secs(2));
    let _ = alerts.active();
}

#[test]
fn what_it_has_not_heard_yet_it_sees() {
    let (b, alerts) = watched(Config::builder().recovery_timeout(secs(3600)));
    // Another listener holds up everything that happens.
    let (entered, is_held) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new((entered, released));
    let _held = b.registry.subscribe(move |_: &breakerbox::Event| {
        let gate = gate.lock().expect("nothing panics here");
        let _ = gate.0.send(());
        let _ = gate.1.recv();
    });
    std::thread::scope(|scope| {
        scope.spawn(|| fail_times(&b.breaker, 5));
        is_held.recv().expect("the listener runs");
        b.advance(secs(MINUTE));
        assert_eq!(names(&alerts), ["CircuitBreakerOpen"]);
        b.breaker.reset();
        b.advance(secs(1));
        fail_times(&b.breaker, 5);
        b.advance(secs(1));
        assert_eq!(names(&alerts), [""; 0], "it was closed in between");
        let new = b.registry.get_or_insert("new", Config::builder().failure_threshold(1)).expect("a valid name");
        for _ in 0..4 {
            fail_times(&new, 1);
            new.reset();
        }
        assert_eq!(names(&alerts), ["CircuitBreakerFlapping"]);
        b.advance(secs(MINUTE));
        assert_eq!(names(&alerts), ["CircuitBreakerFlapping", "CircuitBreakerOpen"]);
        drop(release);
    });
}

#[test]
fn a_mode_that_ends_shows_what_is_beneath_from_then_on() {
    let (b, alerts) = watched(Config::builder());
    b.breaker.open_for(secs(3600));
    b.breaker.disable();
    b.advance(secs(10 * MINUTE));
    b.breaker.auto();
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(MINUTE));
    began(&one(&alerts), secs(MINUTE));
}

#[test]
fn a_mode_that_holds_already_is_taken_up() {
    let b = bench(Config::builder());
    b.advance(secs(7200));
    b.breaker.force_open();
    b.advance(secs(59));
    let alerts = Alerts::new(&b.registry);
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(1));
    assert_eq!(names(&alerts), ["CircuitBreakerOpen"]);
    b.advance(secs(29 * MINUTE));
    let later = Alerts::new(&b.registry);
    assert_eq!(names(&later), ["CircuitBreakerOpenLong", "CircuitBreakerOpen", "CircuitBreakerForced"]);
    assert_eq!(names(&later), names(&alerts));
}

#[test]
fn one_mode_after_another_goes_on() {
    let (b, alerts) = watched(Config::builder());
    b.breaker.disable();
    b.advance(secs(20 * MINUTE));
    b.breaker.metrics_only();
    b.advance(secs(10 * MINUTE));
    let alert = one(&alerts);
    assert_eq!(alert.summary, "quotes has been steered by hand for 30m, and is only measuring");
    began(&alert, secs(30 * MINUTE));
}

#[test]
fn what_failed_before_anyone_looked_does_not_count() {
    let b = bench(Config::builder().failure_threshold(1_000_000));
    fail_times(&b.breaker, 3000);
    b.advance(secs(10 * MINUTE));
    let alerts = Alerts::new(&b.registry);
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(10 * MINUTE));
    assert_eq!(names(&alerts), [""; 0]);
}

#[test]
fn a_few_calls_of_a_new_breaker_are_few() {
    let b = bench(Config::builder());
    let alerts = Alerts::with_rules(&b.registry, Rules { failure_for: Duration::ZERO, ..Rules::default() }).unwrap();
    fail_times(&b.breaker, 4);
    b.advance(secs(1));
    assert_eq!(names(&alerts), [""; 0]);
}

#[test]
fn another_breaker_of_a_name_begins_anew_although_nobody_asked() {
    let (b, alerts) = watched(Config::builder());
    for _ in 0..2 {
        b.breaker.open();
        b.breaker.reset();
    }
    b.advance(secs(3600));
    b.registry.remove("quotes");
    let other = b.registry.get_or_insert("quotes", Config::builder().failure_threshold(1)).unwrap();
    for _ in 0..4 {
        fail_times(&other, 1);
        other.reset();
    }
    assert_eq!(names(&alerts), ["CircuitBreakerFlapping"]);
    assert_eq!(one(&alerts).value, 4.0);
}

#[test]
fn asking_while_breakers_trip_come_and_go_is_safe() {
    let b = bench(Config::builder().failure_threshold(1));
    let alerts = Alerts::new(&b.registry);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (registry, alerts) = (&b.registry, &alerts);
            scope.spawn(move || {
                for _ in 0..300 {
                    let name = format!("b{}", number % 2);
                    let breaker = registry.get_or_insert(&name, Config::builder().failure_threshold(1)).unwrap();
                    fail(&breaker);
                    breaker.reset();
                    let _ = alerts.active();
                    if number == 3 {
                        registry.remove(&name);
                    }
                }
            });
        }
    });
    // Of those that are gone nothing is left.
    for breaker in b.registry.all() {
        b.registry.remove(breaker.name());
    }
    assert_eq!(alerts.active(), []);
}
