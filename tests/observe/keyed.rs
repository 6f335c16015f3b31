//! Breakers of keys in metrics: each by name, or only so many of them.

use std::collections::{BTreeMap, HashSet};

use breakerbox::observe::{MetricsBridge, Prometheus, instrument};
use breakerbox::{Config, KeyedCircuitBreaker, ManualClock, Registry};
use metrics_util::debugging::DebuggingRecorder;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

use crate::otel::collected;

fn family(keys: u32) -> (Registry, KeyedCircuitBreaker) {
    let registry = Registry::with_clock(ManualClock::new());
    let settings = Config::builder().failure_threshold(2).max_keys(keys);
    let fetch = registry.keyed("fetch", settings).expect("the settings are valid");
    (registry, fetch)
}

/// The values of a metric by the name of the breaker.
fn values(registry: &Registry, metric: &str) -> BTreeMap<String, f64> {
    let mut page = String::new();
    Prometheus::new(registry).render(&mut page);
    let sample = |line: &str| {
        let (name, value) = line.strip_prefix(metric)?.strip_prefix("{name=\"")?.split_once("\"} ")?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    page.lines().filter_map(sample).collect()
}

#[test]
fn each_key_is_a_label_unless_they_are_limited() {
    let (registry, fetch) = family(100);
    for key in 0..5 {
        fetch.get_display(&key).record_success();
    }
    let names: Vec<String> = values(&registry, "circuit_breaker_successes_total").into_keys().collect();
    assert_eq!(names, ["fetch[0]", "fetch[1]", "fetch[2]", "fetch[3]", "fetch[4]"]);
    registry.label_keys(2);
    let successes = values(&registry, "circuit_breaker_successes_total");
    assert_eq!(
        successes.into_iter().collect::<Vec<_>>(),
        [("fetch[*]".to_owned(), 3.0), ("fetch[0]".to_owned(), 1.0), ("fetch[1]".to_owned(), 1.0)]
    );
    registry.label_keys(None);
    assert_eq!(values(&registry, "circuit_breaker_successes_total").len(), 5);
}

#[test]
fn those_without_a_label_show_the_worst_of_their_states_together() {
    let (registry, fetch) = family(100);
    registry.get_or_insert("fetch[by hand]", Config::default()).expect("a valid name");
    registry.label_keys(1);
    for key in ["a", "b", "c"] {
        fetch.get(key);
    }
    assert_eq!(values(&registry, "circuit_breaker_state")["fetch[*]"], 0.0);
    fetch.get("b").half_open();
    assert_eq!(values(&registry, "circuit_breaker_state")["fetch[*]"], 2.0);
    fetch.get("c").open();
    let states = values(&registry, "circuit_breaker_state");
    assert_eq!((states["fetch[*]"], states["fetch[a]"], states["fetch[by hand]"]), (1.0, 0.0, 0.0));
    assert_eq!(values(&registry, "circuit_breaker_forced")["fetch[*]"], 0.0);
    fetch.get("b").disable();
    assert_eq!(values(&registry, "circuit_breaker_forced")["fetch[*]"], 1.0);
}

#[test]
fn counters_of_keys_that_come_and_go_only_grow() {
    let (registry, fetch) = family(10);
    registry.label_keys(3);
    let mut before = 0.0;
    let mut labels = HashSet::new();
    for key in 0..500_u32 {
        let breaker = fetch.get_display(&key);
        breaker.record_success();
        if key % 7 == 0 {
            breaker.record_failure();
            breaker.record_failure();
        }
        drop(breaker);
        let totals = values(&registry, "circuit_breaker_successes_total");
        assert!(totals.len() <= 4, "{totals:?}");
        let now = totals.get("fetch[*]").copied().unwrap_or_default();
        assert!(now >= before, "{before} became {now}");
        before = now;
        labels.extend(totals.into_keys());
    }
    let all: f64 = values(&registry, "circuit_breaker_successes_total").into_values().sum();
    assert!(before > 100.0 && all <= 500.0, "{before} of {all}");
    assert!(labels.len() > 4, "places change hands");
}

#[test]
fn every_exporter_heeds_the_limit() {
    let (registry, fetch) = family(100);
    registry.label_keys(1);
    for key in 0..10 {
        fetch.get_display(&key).record_success();
    }
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || MetricsBridge::new(&registry).publish());
    let names: HashSet<String> = snapshots
        .snapshot()
        .into_vec()
        .iter()
        .flat_map(|(key, ..)| key.key().labels())
        .filter(|label| label.key() == "name")
        .map(|label| label.value().to_owned())
        .collect();
    assert_eq!(names, HashSet::from(["fetch[*]".to_owned(), "fetch[0]".to_owned()]));

    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    instrument(&registry, &provider.meter("test"));
    provider.force_flush().expect("collected");
    let points = collected(&exporter);
    let successes = |name: &str| points[&format!("circuit_breaker.successes circuit_breaker.name={name}")];
    assert_eq!((successes("fetch[*]"), successes("fetch[0]")), (9.0, 1.0));
    assert_eq!(points.keys().filter(|point| point.starts_with("circuit_breaker.successes ")).count(), 2);
}
