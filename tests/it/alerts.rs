//! Alerts: when each of them is told and when not, on a clock that stands still.

mod bounds;

use std::time::{Duration, SystemTime};

use breakerbox::observe::alerts::{Alert, Alerts, Severity};
use breakerbox::{CircuitBreaker, Config, ConfigBuilder, State};

use crate::support::{Bench, bench, fail, fail_times, secs, succeed, succeed_times};

const MINUTE: u64 = 60;

fn watched(settings: ConfigBuilder) -> (Bench, Alerts) {
    let bench = bench(settings);
    let alerts = Alerts::new(&bench.registry);
    (bench, alerts)
}

fn names(alerts: &Alerts) -> Vec<&'static str> {
    alerts.active().iter().map(|alert| alert.name).collect()
}

fn summaries(alerts: &Alerts) -> Vec<String> {
    alerts.active().iter().map(ToString::to_string).collect()
}

#[track_caller]
fn one(alerts: &Alerts) -> Alert {
    let active = alerts.active();
    assert_eq!(active.len(), 1, "{active:?}");
    active.into_iter().next().expect("it is there")
}

#[track_caller]
fn began(alert: &Alert, ago: Duration) {
    let seen = SystemTime::now().duration_since(alert.since).expect("it lies in the past");
    // The wall clock goes on while the other one stands still.
    assert!((ago..ago + secs(30)).contains(&seen), "{} began {seen:?} ago, not {ago:?}", alert.name);
}

#[test]
fn an_open_circuit_is_told_after_a_minute_and_again_after_ten() {
    let (b, alerts) = watched(Config::builder().recovery_timeout(secs(3600)));
    fail_times(&b.breaker, 5);
    b.advance(Duration::new(MINUTE - 1, 999_999_999));
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(Duration::from_nanos(1));
    let alert = one(&alerts);
    let told = (alert.name, alert.breaker.as_deref(), alert.severity);
    assert_eq!(told, ("CircuitBreakerOpen", Some("quotes"), Severity::Warning));
    assert_eq!((alert.value, &*alert.summary), (1.0, "quotes has been open for 1m"));
    began(&alert, secs(MINUTE));
    b.advance(secs(9 * MINUTE - 1));
    assert_eq!(names(&alerts), ["CircuitBreakerOpen"]);
    b.advance(secs(1));
    let both = [
        "critical: quotes has been open for 10m (CircuitBreakerOpenLong)",
        "warning: quotes has been open for 10m (CircuitBreakerOpen)",
    ];
    assert_eq!(summaries(&alerts), both);
    b.breaker.reset();
    assert_eq!(names(&alerts), [""; 0]);
}

#[test]
fn trials_that_fail_are_no_recovery() {
    let (b, alerts) = watched(Config::builder().recovery_timeout(secs(15)));
    fail_times(&b.breaker, 5);
    // Nobody asks meanwhile.
    for _ in 0..41 {
        b.advance(secs(16));
        assert!(fail(&b.breaker));
        assert_eq!(b.breaker.state(), State::Open);
    }
    assert_eq!(names(&alerts), ["CircuitBreakerOpenLong", "CircuitBreakerOpen"]);
    began(&alerts.active()[0], secs(41 * 16));
    b.advance(secs(16));
    let trying = "warning: quotes has been open for 11m and is being tried again (CircuitBreakerOpen)";
    assert_eq!(summaries(&alerts)[1], trying);
    assert_eq!(alerts.active()[0].value, 2.0);
}

#[test]
fn a_recovery_in_between_begins_anew_although_nobody_asked() {
    let (b, alerts) = watched(Config::builder().recovery_timeout(secs(50)).success_threshold(1));
    fail_times(&b.breaker, 5);
    b.advance(secs(50));
    assert!(succeed(&b.breaker));
    b.advance(secs(1));
    fail_times(&b.breaker, 5);
    b.advance(secs(40));
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(20));
    began(&one(&alerts), secs(60));
}

#[test]
fn a_half_open_circuit_that_is_left_alone_is_stuck_and_not_open() {
    let (b, alerts) = watched(Config::builder());
    fail_times(&b.breaker, 5);
    b.advance(secs(60 + 5 * MINUTE - 1));
    assert_eq!(names(&alerts), ["CircuitBreakerOpen"]);
    b.advance(secs(1));
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(5 * MINUTE - 1));
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(1));
    let alert = one(&alerts);
    assert_eq!((alert.name, alert.severity, alert.value), ("CircuitBreakerStuckHalfOpen", Severity::Warning, 2.0));
    assert_eq!(alert.summary, "quotes has been half-open for 10m without a verdict");
    began(&alert, secs(10 * MINUTE));
    // The first call after the night: the outage is a new one.
    assert!(fail(&b.breaker));
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(59));
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(1));
    assert_eq!(names(&alerts), ["CircuitBreakerOpen"]);
}

#[test]
fn half_open_by_hand_is_not_open() {
    let (b, alerts) = watched(Config::builder());
    b.breaker.half_open();
    b.advance(secs(2 * MINUTE));
    assert_eq!(names(&alerts), [""; 0]);
}

#[test]
fn four_trips_in_ten_minutes_are_told_although_nobody_asked_in_between() {
    let (b, alerts) = watched(Config::builder());
    let trip = |breaker: &CircuitBreaker| {
        fail_times(breaker, 5);
        breaker.reset();
    };
    for _ in 0..3 {
        trip(&b.breaker);
        b.advance(secs(199));
    }
    assert_eq!(names(&alerts), [""; 0]);
    trip(&b.breaker);
    b.advance(secs(2));
    let alert = one(&alerts);
    assert_eq!((alert.name, alert.severity, alert.value), ("CircuitBreakerFlapping", Severity::Warning, 4.0));
    assert_eq!(alert.summary, "quotes has tripped 4 times in 10m");
    began(&alert, secs(2));
    // The first trip is ten minutes old.
    b.advance(secs(1));
    assert_eq!(names(&alerts), [""; 0]);
    for _ in 0..2000 {
        trip(&b.breaker);
    }
    assert_eq!(one(&alerts).value, 100.0, "trips are remembered within bounds");
    b.advance(secs(10 * MINUTE));
    assert!(!names(&alerts).contains(&"CircuitBreakerFlapping"));
}

#[test]
fn the_first_trips_of_a_new_breaker_count_and_those_before_anyone_looked_do_not() {
    let b = bench(Config::builder().failure_threshold(1));
    let trip = |breaker: &CircuitBreaker, times| {
        for _ in 0..times {
            fail_times(breaker, 1);
            breaker.reset();
        }
    };
    trip(&b.breaker, 9);
    let alerts = Alerts::new(&b.registry);
    let new = b.registry.get_or_insert("new", Config::builder().failure_threshold(1)).unwrap();
    trip(&new, 4);
    trip(&b.breaker, 3);
    assert_eq!(one(&alerts).breaker.as_deref(), Some("new"));
    trip(&b.breaker, 1);
    let active = alerts.active();
    let breakers: Vec<&str> = active.iter().filter_map(|alert| alert.breaker.as_deref()).collect();
    assert_eq!(breakers, ["new", "quotes"]);
}

#[test]
fn a_mode_is_told_after_half_an_hour() {
    for (order, mode) in [
        (CircuitBreaker::force_open as fn(&CircuitBreaker), "forced open"),
        (CircuitBreaker::disable, "disabled"),
        (CircuitBreaker::metrics_only, "only measuring"),
    ] {
        let (b, alerts) = watched(Config::builder());
        b.advance(secs(3600));
        order(&b.breaker);
        b.advance(secs(30 * MINUTE - 1));
        assert!(!names(&alerts).contains(&"CircuitBreakerForced"));
        b.advance(secs(1));
        let alert = alerts.active().pop().unwrap();
        assert_eq!((alert.name, alert.severity, alert.value), ("CircuitBreakerForced", Severity::Info, 1.0));
        assert_eq!(alert.summary, format!("quotes has been steered by hand for 30m, and is {mode}"));
        began(&alert, secs(30 * MINUTE));
        b.breaker.auto();
        assert_eq!(names(&alerts), [""; 0]);
        b.breaker.disable();
        b.advance(secs(MINUTE));
        assert_eq!(names(&alerts), [""; 0]);
    }
}

#[test]
fn forced_open_is_open_from_the_moment_of_the_order() {
    let (b, alerts) = watched(Config::builder());
    b.advance(secs(3600));
    b.breaker.force_open();
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(59));
    assert_eq!(names(&alerts), [""; 0]);
    b.advance(secs(1));
    assert_eq!(summaries(&alerts), ["warning: quotes has been forced open for 1m (CircuitBreakerOpen)"]);
    began(&alerts.active()[0], secs(60));
    b.breaker.disable();
    assert_eq!(names(&alerts), [""; 0]);
}

/// As many calls in so many seconds, one share of which fails, while somebody asks each ten seconds.
fn traffic(b: &Bench, alerts: &Alerts, seconds: u64, failures: usize, successes: usize) -> Vec<Vec<Alert>> {
    let ask = |_| {
        for _ in 0..failures {
            assert!(fail(&b.breaker));
            // Failures in a row do not open it.
            for _ in 0..successes / failures.max(1) {
                assert!(succeed(&b.breaker));
            }
        }
        succeed_times(&b.breaker, successes - failures * (successes / failures.max(1)));
        b.advance(secs(10));
        alerts.active()
    };
    (0..seconds / 10).map(ask).collect()
}

fn never_trips() -> ConfigBuilder {
    Config::builder().failure_threshold(1_000_000)
}

#[test]
fn over_half_of_the_calls_failing_is_told_after_five_minutes() {
    let (b, alerts) = watched(never_trips());
    traffic(&b, &alerts, 3600, 1, 9);
    // It takes half of the window until most of its calls are bad ones.
    let asked = traffic(&b, &alerts, 1200, 10, 0);
    let first = asked.iter().position(|active| !active.is_empty()).unwrap();
    assert!((42..52).contains(&first), "told after {first} times ten seconds");
    let alert = &asked.last().unwrap()[0];
    assert_eq!((alert.name, alert.severity, alert.value), ("CircuitBreakerFailureRate", Severity::Warning, 1.0));
    assert_eq!(alert.summary, "100 % of the calls of quotes failed in 5m");
    // It began once.
    began(alert, secs(5 * MINUTE + 10 * (asked.len() - 1 - first) as u64));
    let asked = traffic(&b, &alerts, 600, 0, 10);
    let gone = asked.iter().position(Vec::is_empty).unwrap();
    assert!((10..20).contains(&gone), "gone after {gone} times ten seconds");
    assert!(asked[gone..].iter().all(Vec::is_empty));
}

#[test]
fn half_of_the_calls_or_too_few_are_no_alert() {
    let (b, alerts) = watched(never_trips());
    assert!(traffic(&b, &alerts, 1800, 5, 5).iter().all(Vec::is_empty));
    let (b, alerts) = watched(never_trips());
    assert!(traffic(&b, &alerts, 1800, 1, 0).iter().all(Vec::is_empty), "a tenth of a call a second is not more");
    let (b, alerts) = watched(never_trips());
    assert!(traffic(&b, &alerts, 1800, 2, 1).iter().any(|active| !active.is_empty()));
}

#[test]
fn a_window_that_nobody_looked_at_is_judged_by_its_mean() {
    let (b, alerts) = watched(never_trips());
    fail_times(&b.breaker, 3000);
    b.advance(secs(3600));
    let alert = one(&alerts);
    assert_eq!(
        (alert.name, &*alert.summary),
        ("CircuitBreakerFailureRate", "100 % of the calls of quotes failed in 1h")
    );
    // Then nobody calls.
    b.advance(secs(300));
    assert_eq!(names(&alerts), [""; 0]);
}

#[test]
fn a_breaker_that_is_removed_is_forgotten() {
    let (b, alerts) = watched(Config::builder().failure_threshold(1));
    let trip = |breaker: &CircuitBreaker, times| {
        for _ in 0..times {
            fail_times(breaker, 1);
            breaker.reset();
        }
    };
    trip(&b.breaker, 3);
    b.registry.remove("quotes");
    // Whoever holds it may go on.
    trip(&b.breaker, 3);
    b.breaker.force_open();
    b.advance(secs(3600));
    assert_eq!(names(&alerts), [""; 0]);
    let other = b.registry.get_or_insert("quotes", Config::builder().failure_threshold(1)).unwrap();
    trip(&other, 3);
    assert_eq!(names(&alerts), [""; 0]);
    trip(&other, 1);
    assert_eq!(names(&alerts), ["CircuitBreakerFlapping"]);
}

#[test]
fn what_lasts_already_is_taken_up() {
    let b = bench(Config::builder().recovery_timeout(secs(3600)));
    fail_times(&b.breaker, 5);
    b.advance(secs(10 * MINUTE));
    let alerts = Alerts::new(&b.registry);
    assert_eq!(names(&alerts), ["CircuitBreakerOpenLong", "CircuitBreakerOpen"]);
}
