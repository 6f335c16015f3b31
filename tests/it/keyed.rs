//! Families of breakers: one breaker for each key.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use breakerbox::{
    Config, ConfigError, Event, Key, KeyedCircuitBreaker, ManualClock, Mode, Origin, Registry, State, Value,
};

use crate::support::secs;

fn family(registry: &Registry, keys: u32) -> KeyedCircuitBreaker {
    registry.keyed("fetch", Config::builder().failure_threshold(2).max_keys(keys)).expect("good settings")
}

fn trip(breaker: &breakerbox::CircuitBreaker) {
    breaker.record_failure();
    breaker.record_failure();
    assert_eq!(breaker.state(), State::Open);
}

fn names(registry: &Registry) -> Vec<String> {
    registry.all().iter().map(|breaker| breaker.name().to_owned()).collect()
}

#[test]
fn each_key_has_a_breaker_that_is_listed_by_the_name_of_both() {
    let registry = Registry::new();
    let fetch = family(&registry, 10);
    assert!(registry.all().is_empty() && fetch.is_empty());
    trip(&fetch.get("b.example.com"));
    assert_eq!(fetch.get("a.example.com").state(), State::Closed);
    assert_eq!(names(&registry), ["fetch[a.example.com]", "fetch[b.example.com]"]);
    assert_eq!(registry.get("fetch[b.example.com]").map(|found| found.state()), Some(State::Open));
    assert_eq!(registry.open().len(), 1);
    assert_eq!(fetch.breakers().len(), 2);
    assert_eq!(
        fetch.find("a.example.com").map(|found| found.name().to_owned()).as_deref(),
        Some("fetch[a.example.com]")
    );
    assert!(fetch.find("c.example.com").is_none());
    assert_eq!(fetch.len(), 2);
    let refused = fetch.get("b.example.com").try_acquire().expect_err("open");
    assert_eq!(refused.name(), "fetch[b.example.com]");
}

#[test]
fn text_and_what_displays_as_it_are_one_key() {
    let registry = Registry::new();
    let fetch = family(&registry, 10);
    trip(&fetch.get("7"));
    assert_eq!(fetch.get_display(&7).state(), State::Open);
    assert_eq!(fetch.get_display(&format_args!("{}{}", "", 7)).state(), State::Open);
    assert_eq!(fetch.len(), 1);
}

#[test]
fn the_family_is_found_again_and_its_settings_are_merged() -> Result<(), ConfigError> {
    let registry = Registry::new();
    let fetch = family(&registry, 10);
    let before = fetch.get("before");
    let again = registry.keyed("fetch", Config::builder().failure_threshold(3).recovery_timeout(secs(7)))?;
    for breaker in [before, again.get("before"), again.get("after")] {
        assert_eq!(breaker.status().setting(Key::RecoveryTimeout).value, Value::Time(secs(7)));
        assert_eq!(breaker.status().setting(Key::FailureThreshold).value, Value::Count(2));
    }
    assert_eq!(registry.all_keyed().len(), 1);
    assert!(registry.conflicts().iter().any(|conflict| &*conflict.breaker == "fetch"), "{:?}", registry.conflicts());
    assert!(registry.keyed("", Config::default()).is_err());
    Ok(())
}

#[test]
fn variables_for_the_family_hold_for_its_keys() -> Result<(), ConfigError> {
    let registry = Registry::with_environment([
        ("CIRCUIT_BREAKER__FETCH__FAILURE_THRESHOLD".into(), "9".into()),
        ("CIRCUIT_BREAKER__FETCH__MAX_KEYS".into(), "1".into()),
    ]);
    let fetch = registry.keyed("fetch", Config::builder().failure_threshold(2))?;
    let setting = fetch.get("a").status().setting(Key::FailureThreshold);
    assert_eq!((setting.value, setting.origin), (Value::Count(9), Origin::BreakerEnvironment));
    assert_eq!(fetch.max_keys(), 1);
    Ok(())
}

#[test]
fn a_change_reaches_all_keys_and_those_to_come() -> Result<(), ConfigError> {
    let registry = Registry::new();
    let fetch = family(&registry, 10);
    let known = fetch.get("known");
    fetch.reconfigure(Config::builder().failure_threshold(1))?;
    known.record_failure();
    fetch.get("new").record_failure();
    assert_eq!(registry.open().len(), 2);
    assert!(fetch.reconfigure(Config::builder().half_open_max_calls(1).success_threshold(2)).is_err());
    assert_eq!(fetch.get("newer").status().setting(Key::HalfOpenMaxCalls).value, Value::Count(3));
    assert_eq!(fetch.reset_all(), 3);
    assert!(registry.open().is_empty());
    Ok(())
}

#[test]
fn the_least_recently_used_of_the_closed_ones_leaves_for_a_new_key() {
    let registry = Registry::new();
    let fetch = family(&registry, 3);
    for key in ["a", "b", "c"] {
        fetch.get(key);
    }
    fetch.get("d");
    assert_eq!(fetch.len(), 3);
    // The first new one came after the hand had taken the mark of all others.
    let kept: HashSet<String> = names(&registry).into_iter().collect();
    let used = ["a", "b", "c"].into_iter().find(|key| kept.contains(&format!("fetch[{key}]"))).expect("two are left");
    for other in 0..100 {
        fetch.get(used);
        fetch.get(&format!("new {other}"));
    }
    assert!(fetch.find(used).is_some(), "{:?}", names(&registry));
    assert_eq!((fetch.len(), registry.all().len()), (3, 3));
}

#[test]
fn what_is_open_or_forced_never_leaves_and_what_is_held_only_if_nothing_else_can() {
    let registry = Registry::with_clock(ManualClock::new());
    let fetch = family(&registry, 5);
    trip(&fetch.get("open"));
    fetch.get("forced").force_open();
    fetch.get("disabled").disable();
    let held = fetch.get("held");
    for other in 0..1000 {
        fetch.get_display(&other);
    }
    for key in ["open", "forced", "disabled", "held"] {
        assert!(fetch.find(key).is_some(), "{key}: {:?}", names(&registry));
    }
    held.record_failure();
    assert_eq!(fetch.get("held").status().totals.failures, 1);
    assert_eq!(fetch.len(), 5);
    assert!(registry.get("fetch[*]").is_none(), "one place was free all the time");
}

#[test]
fn of_those_used_alike_one_that_failed_stays() {
    for failing in 0..5 {
        let registry = Registry::new();
        let fetch = family(&registry, 5);
        for key in 0..5 {
            fetch.get_display(&key);
        }
        fetch.get_display(&failing).record_failure();
        for other in 5..8 {
            fetch.get_display(&other);
        }
        fetch.get_display(&failing).record_failure();
        assert_eq!(fetch.get_display(&failing).state(), State::Open, "{failing}");
    }
}

#[test]
fn a_place_is_free_again_long_after_its_open_time() {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let fetch = family(&registry, 2);
    trip(&fetch.get("a"));
    trip(&fetch.get("b"));
    clock.advance(secs(60));
    fetch.get("new");
    assert!(fetch.find("new").is_none(), "an open time that is just over is to be tried");
    clock.advance(secs(60));
    fetch.get("new");
    assert!(fetch.find("new").is_some());
    assert_eq!(fetch.len(), 2);
}

#[test]
fn keys_without_a_place_share_a_breaker_that_never_opens() {
    let registry = Registry::with_clock(ManualClock::new());
    let fetch = family(&registry, 2);
    trip(&fetch.get("a"));
    trip(&fetch.get("b"));
    for other in 0..100 {
        let shared = fetch.get_display(&other);
        assert_eq!(shared.name(), "fetch[*]");
        shared.record_failure();
        assert!(shared.try_acquire().is_ok());
    }
    assert_eq!(names(&registry), ["fetch[*]", "fetch[a]", "fetch[b]"]);
    let shared = registry.get("fetch[*]").expect("listed");
    assert_eq!((shared.mode(), shared.state()), (Mode::Auto, State::Closed));
    assert_eq!(shared.status().setting(Key::FailureThreshold).value, Value::Off);
    assert_eq!(shared.status().totals.failures, 100);
    // The key that looks like it is another one.
    fetch.get("a").reset();
    assert_eq!(fetch.get("*").name(), "fetch[\\*]");
}

#[test]
fn no_command_lets_keys_without_a_place_refuse_each_other() -> Result<(), ConfigError> {
    let registry = Registry::with_clock(ManualClock::new());
    let settings = Config::builder().failure_threshold(2).failure_rate_threshold(0.1).minimum_calls(2).max_keys(1);
    let fetch = registry.keyed("fetch", settings)?;
    fetch.get("a").force_open();
    let shared = fetch.get("without a place");
    for command in 0..8 {
        match command {
            0 => drop(registry.reset_all()),
            1 => shared.reset(),
            2 => shared.auto(),
            3 => shared.close(),
            4 => shared.metrics_only(),
            5 => shared.reconfigure(Config::builder().failure_threshold(1))?,
            6 => fetch.reconfigure(Config::builder().failure_rate_threshold(0.01))?,
            _ => shared.set_clock(ManualClock::new()),
        }
        fetch.get("a").force_open();
        for _ in 0..10 {
            fetch.get("hostile").record_failure();
        }
        assert!(fetch.get("honest").try_acquire().is_ok(), "after command {command}");
    }
    shared.force_open();
    assert!(fetch.get("honest").try_acquire().is_err(), "an operator may");
    registry.remove("fetch[*]");
    assert!(fetch.get("honest").try_acquire().is_ok());
    assert!(registry.get("fetch[*]").is_some(), "it is listed again");
    Ok(())
}

#[test]
fn a_name_with_brackets_is_refused() {
    let registry = Registry::new();
    for name in ["a[b]", "a[", "]"] {
        let error = registry.keyed(name, Config::default()).expect_err(name);
        assert_eq!(error.to_string(), "`name` must not hold brackets, which stand around the key");
    }
}

#[test]
fn a_breaker_that_was_made_by_hand_becomes_that_of_its_key() -> Result<(), ConfigError> {
    let registry = Registry::new();
    let by_hand = registry.get_or_insert("fetch[a]", Config::builder().failure_threshold(1))?;
    let fetch = family(&registry, 10);
    fetch.get("a").record_failure();
    assert_eq!(by_hand.state(), State::Open);
    assert_eq!((fetch.len(), registry.all().len()), (1, 1));
    Ok(())
}

#[test]
fn a_removed_breaker_makes_room_and_its_key_begins_anew() {
    let registry = Registry::new();
    let fetch = family(&registry, 10);
    trip(&fetch.get("a"));
    assert!(registry.remove("fetch[a]").is_some());
    assert!(fetch.is_empty());
    assert_eq!(fetch.get("a").state(), State::Closed);
    assert_eq!(names(&registry), ["fetch[a]"]);
}

#[test]
fn fewer_places_are_kept_from_the_next_new_key_on() -> Result<(), ConfigError> {
    let registry = Registry::new();
    let fetch = family(&registry, 100);
    for key in 0..100 {
        fetch.get_display(&key);
    }
    fetch.reconfigure(Config::builder().max_keys(10))?;
    fetch.get("new");
    assert_eq!((fetch.len(), registry.all().len()), (10, 10));
    Ok(())
}

#[test]
fn listeners_hear_of_those_that_come_and_leave_and_may_use_the_family() {
    let registry = Registry::new();
    let fetch = family(&registry, 2);
    let (came, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (comes, leaves, inside) = (Arc::clone(&came), Arc::clone(&left), fetch.clone());
    registry
        .subscribe(move |event: &Event| {
            match event {
                Event::Registered { .. } => comes.fetch_add(1, Ordering::Relaxed),
                Event::Removed { .. } => leaves.fetch_add(1, Ordering::Relaxed),
                _ => 0,
            };
            inside.get("heard");
        })
        .keep();
    for key in 0..10 {
        fetch.get_display(&key);
    }
    let (came, left) = (came.load(Ordering::Relaxed), left.load(Ordering::Relaxed));
    assert!(came >= 11, "{came}");
    assert_eq!(came - left, 2);
}

#[test]
fn whatever_the_key_the_name_is_one_line_of_bounded_length() {
    let registry = Registry::new();
    let fetch = family(&registry, 1000);
    let long = "k".repeat(1 << 20);
    let keys = ["", "*", " ", "\n", "\\n", "a\u{0}b", "\u{1b}[2J", "]", "[", "fetch[x]", "\u{202e}", "ü", &long];
    let names: HashSet<String> = keys.iter().map(|key| fetch.get(key).name().to_owned()).collect();
    assert_eq!(names.len(), keys.len(), "{names:?}");
    for name in names {
        assert!(name.len() < 300 && !name.chars().any(char::is_control), "{name}");
    }
    assert_eq!(fetch.len(), keys.len());
}

#[test]
fn threads_that_make_the_same_keys_get_the_same_breakers_and_never_too_many() {
    let registry = Registry::new();
    let fetch = family(&registry, 20);
    thread::scope(|scope| {
        for thread in 0..4_u32 {
            let fetch = fetch.clone();
            scope.spawn(move || {
                for step in 0..5000_u32 {
                    let key = step.wrapping_mul(2_654_435_761).wrapping_add(thread) % 40;
                    let breaker = fetch.get_display(&key);
                    assert_eq!(breaker.name(), format!("fetch[{key}]"));
                    breaker.record_success();
                    assert!(fetch.len() <= 20);
                }
            });
        }
    });
    assert_eq!(registry.all().len(), fetch.len());
}

#[test]
fn any_number_of_keys_takes_no_more_room_than_the_last_ones() {
    let registry = Registry::new();
    let fetch = family(&registry, 100);
    for key in 0..100_000 {
        fetch.get_display(&key);
    }
    assert_eq!((fetch.len(), registry.all().len()), (100, 100));
}

#[test]
fn a_permit_outlives_the_handle_that_gave_it() {
    let registry = Registry::with_clock(ManualClock::new());
    let fetch = family(&registry, 3);
    let permit = fetch.get("a").try_acquire_owned().expect("closed");
    for key in 0..100 {
        fetch.get_display(&key);
    }
    permit.failure();
    assert_eq!(fetch.get("a").status().totals.failures, 1);
    drop(fetch.get("a").try_acquire_owned().expect("closed"));
    assert_eq!(fetch.get("a").status().totals.cancelled, 1);
    let broken = fetch.get("a").try_acquire_owned().expect("closed");
    let panicked = thread::spawn(move || {
        let _broken = broken;
        panic!("as planned");
    });
    assert!(panicked.join().is_err());
    assert_eq!(fetch.get("a").status().totals.failures, 2);
    assert_eq!(fetch.get("a").state(), State::Open);
}
