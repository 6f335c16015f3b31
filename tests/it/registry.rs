//! The registry: found, listed and merged by name; what it tells, and to whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use breakerbox::{CircuitBreaker, Config, ConfigError, Event, Key, ManualClock, Registry, State, Value};

use crate::support::{bench, fail_times, heard, listen, secs};

fn names(breakers: &[CircuitBreaker]) -> Vec<&str> {
    breakers.iter().map(CircuitBreaker::name).collect()
}

#[test]
fn lists_by_name_and_never_makes_one_by_accident() -> Result<(), ConfigError> {
    let registry = Registry::new();
    for name in ["b", "a", "c"] {
        registry.get_or_insert(name, Config::default())?;
    }
    assert!(registry.get("d").is_none());
    assert_eq!(registry.reset("d").expect_err("unknown").to_string(), "no circuit breaker named 'd'");
    assert!(registry.force_open("d").is_err());
    assert!(registry.remove("d").is_none());
    assert_eq!(names(&registry.all()), ["a", "b", "c"]);
    Ok(())
}

#[test]
fn summary_and_open_tell_how_they_are() -> Result<(), ConfigError> {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    for name in ["closed", "forced", "tripped", "recovering"] {
        registry.get_or_insert(name, Config::builder().failure_threshold(1).build()?)?;
    }
    fail_times(&registry.get("recovering").expect("known"), 1);
    clock.advance(secs(60));
    fail_times(&registry.get("tripped").expect("known"), 1);
    assert!(registry.force_open("forced").is_ok());
    assert_eq!(names(&registry.open()), ["forced", "tripped"]);
    let summary = registry.summary();
    assert_eq!((summary.total, summary.healthy, summary.failing), (4, 1, 3));
    assert_eq!((summary.open, summary.half_open), (2, 1));
    assert_eq!(registry.reset_all(), 4);
    assert_eq!(registry.summary().healthy, 4);
    Ok(())
}

#[test]
fn the_same_name_is_the_same_breaker_and_settings_are_merged() -> Result<(), ConfigError> {
    let registry = Registry::new();
    let lines = listen(&registry);
    let first = registry.get_or_insert("db", Config::builder().failure_threshold(2).build()?)?;
    let second = registry.get_or_insert("db", Config::builder().recovery_timeout(secs(7)).build()?)?;
    let third = registry.get_or_insert("db", Config::builder().failure_threshold(9).build()?)?;
    fail_times(&first, 2);
    assert!(second.is_open() && third.is_open());
    assert_eq!(second.status().retry_after.map(|left| left <= secs(7)), Some(true));
    assert_eq!(first.locations().len(), 3);
    let [conflict] = &registry.conflicts()[..] else { panic!("one conflict") };
    assert_eq!((conflict.key, &*conflict.kept, &*conflict.ignored), ("failure_threshold", "2", "9"));
    assert_eq!(conflict.ignored_at.line, first.locations()[2].line);
    assert_eq!(first.status().conflicts, registry.conflicts());
    assert!(heard(&lines).iter().any(|line| line.starts_with("circuit 'db': `failure_threshold` is 2 at ")));
    Ok(())
}

#[test]
fn asking_again_from_one_place_adds_nothing() -> Result<(), ConfigError> {
    let registry = Registry::new();
    for threshold in [3, 3, 4, 4, 4] {
        registry.get_or_insert("db", Config::builder().failure_threshold(threshold).build()?)?;
    }
    assert_eq!(registry.get("db").expect("known").locations().len(), 1);
    assert_eq!(registry.conflicts().len(), 1);
    Ok(())
}

#[test]
fn a_conflict_that_nobody_heard_waits_for_the_first_listener() -> Result<(), ConfigError> {
    let registry = Registry::new();
    for threshold in [3, 4] {
        registry.get_or_insert("db", Config::builder().failure_threshold(threshold).build()?)?;
    }
    let first = listen(&registry);
    assert!(heard(&first)[0].starts_with("circuit 'db': `failure_threshold` is 3 at "));
    assert_eq!(heard(&listen(&registry)), Vec::<String>::new());
    Ok(())
}

/// Runs itself again in a process whose standard error is read.
#[test]
fn a_complaint_that_nobody_hears_is_said_once_on_standard_error() -> Result<(), Box<dyn std::error::Error>> {
    const CHILD: &str = "BREAKERBOX_TEST_COMPLAINING";
    if std::env::var_os(CHILD).is_some() {
        let disagree = |registry: &Registry, name: &str| {
            for threshold in [3, 4] {
                registry.get_or_insert(name, Config::builder().failure_threshold(threshold)).expect("valid");
            }
        };
        let registry = Registry::new();
        disagree(&registry, "unheard");
        registry.reset_all();
        drop(registry.subscribe(|_| {}));
        let listening = registry.subscribe(|_| {});
        disagree(&registry, "heard");
        drop(listening);
        // What a listener has not heard when it leaves is said too.
        let registry = Registry::new();
        let own = Arc::new(std::sync::Mutex::new(None));
        let (place, leaving) = (Arc::clone(&own), registry.clone());
        let subscription = registry.subscribe(move |_| {
            let own = place.lock().expect("no panic").take();
            if own.is_some() {
                disagree(&leaving, "left");
            }
            drop(own);
        });
        *own.lock().expect("no panic") = Some(subscription);
        registry.get_or_insert("new", Config::default())?;
        return Ok(());
    }
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["--nocapture", "--exact", "registry::a_complaint_that_nobody_hears_is_said_once_on_standard_error"])
        .env(CHILD, "1")
        .output()?;
    let said = String::from_utf8(output.stderr)?;
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("breakerbox: ")).collect();
    assert!(output.status.success() && lines.len() == 2, "{said}");
    assert!(lines[0].starts_with("breakerbox: circuit 'unheard': `failure_threshold` is 3 at "), "{said}");
    assert!(lines[1].starts_with("breakerbox: circuit 'left': `failure_threshold` is 3 at "), "{said}");
    Ok(())
}

#[test]
fn one_place_makes_one_conflict_however_often_it_is_passed() -> Result<(), ConfigError> {
    let registry = Registry::new();
    for threshold in 1..200 {
        registry.get_or_insert("db", Config::builder().failure_threshold(threshold))?;
    }
    assert_eq!(registry.conflicts().len(), 1);
    Ok(())
}

#[test]
fn a_clock_and_a_listener_may_use_the_registry_when_they_are_dropped() -> Result<(), ConfigError> {
    #[derive(Debug)]
    struct Asking(Registry);
    impl breakerbox::Clock for Asking {
        fn now(&self) -> std::time::Duration {
            secs(1)
        }
    }
    impl Drop for Asking {
        fn drop(&mut self) {
            self.0.statuses();
        }
    }
    struct Explosive;
    impl Drop for Explosive {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("a listener's own panic"));
        }
    }
    let registry = Registry::new();
    let breaker = registry.get_or_insert("db", Config::default())?;
    registry.set_clock(Asking(registry.clone()));
    breaker.set_clock(Asking(registry.clone()));
    registry.set_clock(ManualClock::new());

    let own = Arc::new(std::sync::Mutex::new(None));
    let (place, explosive) = (Arc::clone(&own), Explosive);
    let subscription = registry.subscribe(move |_: &Event| {
        let _ = &explosive;
        drop(place.lock().expect("not poisoned").take());
    });
    *own.lock().expect("not poisoned") = Some(subscription);
    breaker.force_open();
    let lines = listen(&registry);
    breaker.auto();
    assert_eq!(heard(&lines), ["circuit 'db': mode forced_open -> auto"]);
    Ok(())
}

#[test]
fn settings_that_contradict_only_together_are_a_conflict_too() -> Result<(), ConfigError> {
    let registry = Registry::new();
    registry.get_or_insert("db", Config::builder().success_threshold(3).half_open_max_calls(3).build()?)?;
    let rate = Config::builder().window_duration(secs(5)).failure_rate_threshold(0.5).build()?;
    registry.get_or_insert("db", Config::builder().window_size(5).build()?)?;
    let breaker = registry.get_or_insert("db", rate)?;
    let keys: Vec<_> = registry.conflicts().iter().map(|conflict| conflict.key).collect();
    assert_eq!(keys, ["window_duration"]);
    assert_eq!(breaker.status().setting(Key::WindowSize).value, Value::Count(5));
    Ok(())
}

#[test]
fn a_removed_breaker_is_off_the_list_and_still_works() -> Result<(), ConfigError> {
    let registry = Registry::new();
    let held = registry.get_or_insert("db", Config::builder().failure_threshold(1).build()?)?;
    let lines = listen(&registry);
    assert_eq!(registry.remove("db").as_ref().map(CircuitBreaker::name), Some("db"));
    assert!(registry.all().is_empty());
    fail_times(&held, 1);
    assert!(held.is_open());
    assert_eq!(registry.get_or_insert("db", Config::default())?.state(), State::Closed);
    assert_eq!(heard(&lines)[0], "circuit 'db': removed");
    Ok(())
}

#[test]
fn registries_are_independent() -> Result<(), ConfigError> {
    let (one, other) = (Registry::new(), Registry::new());
    one.get_or_insert("db", Config::default())?.force_open();
    assert_eq!(other.get_or_insert("db", Config::default())?.state(), State::Closed);
    Ok(())
}

#[test]
fn another_clock_keeps_what_is_left_of_an_open_time() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(10));
    let clock = ManualClock::new();
    b.registry.set_clock(clock.clone());
    let status = b.breaker.status();
    assert_eq!((status.retry_after, status.time_in_state), (Some(secs(20)), secs(0)));
    clock.advance(secs(20));
    assert_eq!(b.breaker.state(), State::HalfOpen);
}

#[test]
fn listeners_hear_in_order_and_may_use_the_breaker_and_panic() {
    let b = bench(Config::builder().failure_threshold(1).half_open_max_calls(1).recovery_timeout(secs(1)));
    let heard_by_first = listen(&b.registry);
    let breaker = b.breaker.clone();
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&panics);
    let subscription = b.registry.subscribe(move |event: &Event| {
        // Looks at the breaker, changes it, and panics: none of it may harm anybody.
        let status = breaker.status();
        if matches!(event, Event::Transition(transition) if transition.to == State::Open) && status.totals.trips == 1 {
            breaker.reset();
        }
        counted.fetch_add(1, Ordering::Relaxed);
        std::panic::resume_unwind(Box::new("a listener's own panic"));
    });
    let lines = listen(&b.registry);
    fail_times(&b.breaker, 1);
    assert_eq!(b.breaker.state(), State::Closed);
    let expected = [
        "circuit 'quotes': closed -> open (1 consecutive failure)",
        "circuit 'quotes': open -> closed (reset)",
        "circuit 'quotes': reset",
    ];
    assert_eq!(heard(&lines), expected);
    assert_eq!(heard(&heard_by_first), expected);
    assert_eq!(panics.load(Ordering::Relaxed), 3);
    drop(subscription);
    fail_times(&b.breaker, 1);
    assert_eq!(panics.load(Ordering::Relaxed), 3);
    assert_eq!(heard(&lines).len(), 1);
}

#[cfg(feature = "serde")]
#[test]
fn status_as_json_has_one_vocabulary() -> Result<(), Box<dyn std::error::Error>> {
    let b = bench(Config::builder().failure_threshold(1).failure_rate_threshold(0.5).recovery_timeout(secs(30)));
    fail_times(&b.breaker, 1);
    let json = serde_json::to_value(b.breaker.status())?;
    assert_eq!((&json["name"], &json["state"], &json["mode"]), (&"quotes".into(), &"open".into(), &"auto".into()));
    assert_eq!(json["retry_after"], 30.0);
    assert_eq!(json["totals"]["rejections"]["half_open_full"], 0);
    assert_eq!(json["last_transition"]["cause"], "failure_threshold");
    assert_eq!(json["half_open"], serde_json::Value::Null);
    assert_eq!(json["settings"][1]["key"], "recovery_timeout");
    assert_eq!((&json["settings"][1]["value"], &json["settings"][1]["origin"]), (&30.0.into(), &"code".into()));
    let event = serde_json::to_value(Event::Transition(b.breaker.status().last_transition.ok_or("it moved")?))?;
    assert_eq!((&event["event"], &event["to"]), (&"transition".into(), &"open".into()));
    Ok(())
}
