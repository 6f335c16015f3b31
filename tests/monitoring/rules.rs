//! The rules for Prometheus and those of the library: the same names, severities and times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breakerbox::observe::alerts::{Alerts, Rules};
use breakerbox::{Config, ManualClock, Registry};
use serde_json::Value;

use crate::expressions::{are_rendered, placeholders};
use crate::page::{Vocabulary, failing_store};
use crate::yaml;

/// About several processes, so one alone cannot tell.
const OF_MANY: &str = "CircuitBreakerDependencyDown";

pub(crate) fn alerts() -> Vec<Value> {
    let file = yaml("prometheus-rules.yml");
    let groups = file["groups"].as_array().expect("there are groups");
    groups.iter().flat_map(|group| group["rules"].as_array().expect("it has rules")).cloned().collect()
}

fn named(name: &str) -> Value {
    alerts().into_iter().find(|rule| rule["alert"] == name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn waits(name: &str) -> Duration {
    let rule = named(name);
    let text = rule["for"].as_str().unwrap_or("0s");
    let (number, unit) = text.split_at(text.len() - 1);
    Duration::from_secs(number.parse::<u64>().expect("a number") * if unit == "m" { 60 } else { 1 })
}

/// Every alert of the library, made to happen: name and severity.
fn told() -> BTreeSet<(String, String)> {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let alerts = Alerts::new(&registry);
    let _folder = failing_store(&registry);
    let breaker = |name| registry.get_or_insert(name, Config::builder().failure_threshold(1_000_000)).unwrap();
    let (open, forced, trying, failing, flapping) =
        (breaker("open"), breaker("forced"), breaker("trying"), breaker("failing"), breaker("flapping"));
    open.open_for(Duration::from_secs(86_400));
    forced.disable();
    trying.half_open();
    let mut told = BTreeSet::new();
    for _ in 0..60 {
        (0..30).for_each(|_| failing.record_failure());
        flapping.open();
        flapping.reset();
        clock.advance(Duration::from_secs(60));
        told.extend(alerts.active().into_iter().map(|alert| (alert.name.to_owned(), alert.severity.to_string())));
    }
    told
}

#[test]
fn both_have_the_same_alerts_with_the_same_severities() {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut listed: BTreeSet<_> =
        alerts().iter().map(|rule| (text(&rule["alert"]), text(&rule["labels"]["severity"]))).collect();
    assert!(listed.remove(&(OF_MANY.to_owned(), "critical".to_owned())));
    assert_eq!(told(), listed);
}

#[test]
fn both_have_the_same_times_and_thresholds() {
    let rules = Rules::default();
    let time = |time: Option<Duration>| time.expect("it is on by default");
    let waiting = [
        ("CircuitBreakerOpen", time(rules.open)),
        ("CircuitBreakerOpenLong", time(rules.open_long)),
        ("CircuitBreakerFlapping", Duration::ZERO),
        ("CircuitBreakerStuckHalfOpen", time(rules.stuck_half_open)),
        ("CircuitBreakerForced", time(rules.forced)),
        ("CircuitBreakerFailureRate", rules.failure_for),
        ("CircuitBreakerStoreDegraded", time(rules.store_degraded)),
    ];
    for (name, expected) in waiting {
        assert_eq!(waits(name), expected, "{name}");
    }
    let known: BTreeMap<&str, Duration> = waiting.into();
    assert!(
        alerts().iter().all(|rule| rule["alert"] == OF_MANY || known.contains_key(rule["alert"].as_str().unwrap()))
    );
    let says = |name: &str, part: String| {
        let expression = named(name)["expr"].as_str().expect("an expression").to_owned();
        assert!(expression.contains(&part), "{name} has no {part}: {expression}");
    };
    let minutes = |time: Duration| time.as_secs() / 60;
    let flapping = rules.flapping_trips.expect("it is on by default");
    says("CircuitBreakerFlapping", format!("[{}m]) >= {flapping}", minutes(rules.flapping_window)));
    let (window, ratio) = (minutes(rules.failure_window), rules.failure_ratio.expect("it is on by default"));
    says("CircuitBreakerFailureRate", format!("failures_total[{window}m])"));
    says("CircuitBreakerFailureRate", format!("successes_total[{window}m])"));
    says("CircuitBreakerFailureRate", format!("> {ratio}\n"));
    says("CircuitBreakerFailureRate", format!("{{state=\"closed\"}}[{window}m]) > {}", rules.failure_calls_per_second));
}

#[test]
fn every_rule_names_what_is_rendered_and_tells_people_what_to_do() {
    let vocabulary = Vocabulary::whole();
    for rule in alerts() {
        let name = rule["alert"].as_str().expect("a name");
        assert!(are_rendered(rule["expr"].as_str().expect("an expression"), &vocabulary) > 0);
        for key in ["summary", "description", "runbook"] {
            let text = rule["annotations"][key].as_str().unwrap_or_else(|| panic!("{name} has no {key}"));
            are_rendered(text, &vocabulary);
            let known = match name {
                OF_MANY => &["name"][..],
                "CircuitBreakerStoreDegraded" => &["store", "instance", "job"],
                _ => &["name", "instance", "job"],
            };
            // Besides labels there are the words of the template language.
            let words = ["with", "range", "end"];
            for label in placeholders(text) {
                assert!(known.contains(&&*label) || words.contains(&&*label), "{name}: {key} has {label}");
            }
        }
    }
}

#[test]
fn every_series_of_the_rule_tests_is_rendered_and_every_alert_is_tested_both_ways() {
    let vocabulary = Vocabulary::whole();
    let file = yaml("prometheus-rules-test.yml");
    let (mut fires, mut does_not) = (BTreeSet::new(), BTreeSet::new());
    for test in file["tests"].as_array().expect("there are tests") {
        for series in test["input_series"].as_array().expect("there are series") {
            assert_eq!(are_rendered(series["series"].as_str().expect("a series"), &vocabulary), 1);
        }
        for case in test["alert_rule_test"].as_array().expect("there are cases") {
            let is_firing = !case["exp_alerts"].as_array().expect("a list").is_empty();
            let name = case["alertname"].as_str().expect("a name").to_owned();
            if is_firing {
                fires.insert(name)
            } else {
                does_not.insert(name)
            };
        }
    }
    let all: BTreeSet<_> = alerts().iter().map(|rule| rule["alert"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(fires, all);
    assert_eq!(does_not, all);
}
