//! What exporters say of a store that fails, that works again, and whose files are damaged.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc;
use std::time::SystemTime;

use breakerbox::observe::alerts::{Alerts, Rules, Severity};
use breakerbox::observe::{MetricsBridge, Prometheus, instrument};
use breakerbox::{Config, Event, FileStore, ManualClock, Registry};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use tracing::Level;

use crate::broken::{Broken, LONG};
use crate::otel::collected;
use crate::trace::{field, logged};
use crate::{SECOND, fresh};

/// The lines of a page about the store.
fn shown(registry: &Registry) -> Vec<String> {
    let page = Prometheus::new(registry).respond(None).body;
    page.lines().filter(|line| line.contains("_store_")).map(str::to_owned).collect()
}

/// A number that ends a line of the page.
fn value(lines: &[String], name: &str) -> Option<u64> {
    let line = lines.iter().find(|line| line.starts_with(name))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

const DEGRADED: &str = "circuit_breaker_store_degraded{store=\"file\"}";
const WRITE: &str = "circuit_breaker_store_errors_total{store=\"file\",op=\"write\"}";

#[test]
fn the_page_tells_of_a_store_that_fails_and_works_again_and_nothing_without_one() {
    let (registry, _, breaker) = fresh();
    assert_eq!(shown(&registry), [""; 0]);
    let broken = Broken::attach(&registry);
    breaker.force_open();
    let lines = shown(&registry);
    assert_eq!(value(&lines, DEGRADED), Some(1), "{lines:#?}");
    assert!(value(&lines, WRITE) >= Some(1), "{lines:#?}");
    assert_eq!(value(&lines, "circuit_breaker_store_errors_total{store=\"file\",op=\"read\"}"), Some(0));
    assert!(lines.contains(&"# TYPE circuit_breaker_store_degraded gauge".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"# TYPE circuit_breaker_store_errors_total counter".to_owned()), "{lines:#?}");
    let open = Prometheus::new(&registry).respond(Some("application/openmetrics-text")).body;
    assert!(open.contains("# TYPE circuit_breaker_store_errors counter\n"), "{open}");

    broken.mend();
    let lines = shown(&registry);
    assert_eq!(value(&lines, DEGRADED), Some(0), "{lines:#?}");
    assert!(value(&lines, WRITE) >= Some(1), "counters only grow: {lines:#?}");
}

#[test]
fn a_recorder_hears_of_the_store() {
    let (registry, _, _) = fresh();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let bridge = MetricsBridge::new(&registry);
    let recorded = || -> BTreeMap<String, DebugValue> {
        metrics::with_local_recorder(&recorder, || {
            bridge.describe();
            bridge.publish();
        });
        let line = |key: &metrics_util::CompositeKey| {
            let labels = key.key().labels().map(|label| format!(" {}={}", label.key(), label.value()));
            key.key().name().to_owned() + &labels.collect::<String>()
        };
        let all = snapshotter.snapshot().into_vec();
        all.into_iter()
            .map(|(key, _, _, value)| (line(&key), value))
            .filter(|(line, _)| line.contains("_store_"))
            .collect()
    };
    assert_eq!(recorded(), BTreeMap::new());
    let broken = Broken::attach(&registry);
    let told = recorded();
    let gauge = |value: f64| Some(DebugValue::Gauge(value.into()));
    assert_eq!(told.get("circuit_breaker_store_degraded store=file"), gauge(1.0).as_ref(), "{told:#?}");
    let errors = told.get("circuit_breaker_store_errors_total store=file op=write");
    assert!(matches!(errors, Some(DebugValue::Counter(1..))), "{told:#?}");
    registry.get("quotes").unwrap().force_open();
    broken.mend();
    assert_eq!(recorded().get("circuit_breaker_store_degraded store=file"), gauge(0.0).as_ref());
}

#[test]
fn a_collection_gets_what_the_store_does() {
    let (registry, _, _) = fresh();
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    instrument(&registry, &provider.meter("test"));
    provider.force_flush().unwrap();
    assert!(!collected(&exporter).keys().any(|line| line.contains(".store.")));
    let _broken = Broken::attach(&registry);
    provider.force_flush().unwrap();
    let points = collected(&exporter);
    assert_eq!(points.get("circuit_breaker.store.degraded circuit_breaker.store=file"), Some(&1.0), "{points:#?}");
    let errors = points.get("circuit_breaker.store.errors circuit_breaker.op=write circuit_breaker.store=file");
    assert!(errors.is_some_and(|count| *count >= 1.0), "{points:#?}");
    provider.shutdown().unwrap();
}

#[test]
fn a_store_that_fails_is_said_once_and_once_more_when_it_works() {
    let (registry, _, breaker) = fresh();
    let lines = logged(Level::INFO, &registry, || {
        let broken = Broken::attach(&registry);
        for _ in 0..3 {
            // Each is one more thing that cannot be written.
            breaker.open();
            breaker.close();
        }
        broken.mend();
    });
    let of_store: Vec<_> = lines.iter().filter(|line| line.get("store").is_some()).collect();
    let told: Vec<_> = of_store.iter().map(|line| (field(line, "level"), field(line, "store"))).collect();
    assert_eq!(told, [("WARN", "file"), ("INFO", "file")], "{lines:#?}");
    let (degraded, recovered) = (of_store[0], of_store[1]);
    assert!(field(degraded, "problem").contains("states"), "{degraded}");
    assert!(field(degraded, "message").starts_with("file store: degraded, breakers work in memory ("), "{degraded}");
    assert_eq!(field(recovered, "message"), "file store: recovered");
}

#[test]
fn a_damaged_state_is_a_warning_of_its_breaker() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("quotes.cbs"), "no state").unwrap();
    let registry = Registry::new();
    let store = FileStore::open(folder.path());
    let lines = logged(Level::INFO, &registry, || {
        registry.attach(&store).unwrap();
        registry.get_or_insert("quotes", Config::default()).unwrap();
    });
    let told: Vec<_> =
        lines.iter().map(|line| (field(line, "level"), field(line, "breaker"), field(line, "store"))).collect();
    assert_eq!(told, [("WARN", "quotes", "file")], "{lines:#?}");
    assert!(field(&lines[0], "problem").contains("quotes.cbs"), "{lines:#?}");
    assert_eq!(value(&shown(&registry), "circuit_breaker_store_errors_total{store=\"file\",op=\"read\"}"), Some(1));
}

/// A registry with two breakers and a manual clock.
fn two() -> (Registry, ManualClock) {
    let (registry, clock, _) = fresh();
    registry.get_or_insert("payments", Config::default()).unwrap();
    (registry, clock)
}

#[test]
fn a_store_that_fails_for_a_minute_is_one_alert_for_all_breakers() {
    let (registry, clock) = two();
    let alerts = Alerts::new(&registry);
    let broken = Broken::attach(&registry);
    // Nobody asks in between: it is known since when.
    clock.advance(59 * SECOND);
    assert_eq!(alerts.active(), []);
    clock.advance(SECOND);
    let active = alerts.active();
    assert_eq!(active.len(), 1, "{active:#?}");
    let alert = &active[0];
    assert_eq!((alert.name, &alert.breaker), ("CircuitBreakerStoreDegraded", &None));
    assert_eq!((alert.severity, alert.value), (Severity::Warning, 1.0));
    assert!(alert.summary.starts_with("the file store has been degraded for 1m: "), "{alert}");
    let began = SystemTime::now().duration_since(alert.since).unwrap();
    assert!((60..600).contains(&began.as_secs()), "{began:?}");
    // It stands after those of breakers that are as grave, and lasts for as long as the store fails.
    registry.get("quotes").unwrap().force_open();
    clock.advance(120 * SECOND);
    let names: Vec<_> = alerts.active().iter().map(|alert| alert.name).collect();
    assert_eq!(names, ["CircuitBreakerOpen", "CircuitBreakerStoreDegraded"]);
    broken.mend();
    let names: Vec<_> = alerts.active().iter().map(|alert| alert.name).collect();
    assert_eq!(names, ["CircuitBreakerOpen"]);
}

#[test]
fn the_time_of_a_store_that_worked_in_between_begins_again() {
    let (registry, clock) = two();
    let alerts = Alerts::new(&registry);
    let (tell, told) = mpsc::channel();
    let listen = move |event: &Event| {
        if matches!(event, Event::StoreDegraded { .. }) {
            tell.send(()).unwrap();
        }
    };
    registry.subscribe(listen).keep();
    let broken = Broken::attach(&registry);
    told.recv_timeout(LONG).unwrap();
    clock.advance(50 * SECOND);
    assert_eq!(alerts.active(), []);
    registry.get("quotes").unwrap().force_open();
    broken.mend();
    // It fails again before anybody has asked.
    fs::remove_dir_all(&broken.path).unwrap();
    fs::write(&broken.path, "no folder").unwrap();
    registry.get("quotes").unwrap().auto();
    told.recv_timeout(LONG).unwrap();
    clock.advance(30 * SECOND);
    assert_eq!(alerts.active(), []);
    clock.advance(30 * SECOND);
    assert_eq!(alerts.active().len(), 1);
}

#[test]
fn the_rule_about_stores_can_be_switched_off() {
    let (registry, clock) = two();
    let alerts = Alerts::with_rules(&registry, Rules { store_degraded: None, ..Rules::default() }).unwrap();
    let eager = Alerts::with_rules(&registry, Rules { store_degraded: Some(SECOND), ..Rules::default() }).unwrap();
    let _broken = Broken::attach(&registry);
    clock.advance(3600 * SECOND);
    assert_eq!((alerts.active().len(), eager.active().len()), (0, 1));
}
