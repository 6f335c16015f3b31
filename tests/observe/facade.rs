//! What a recorder of the metrics facade gets.

use std::collections::BTreeMap;
use std::time::Duration;

use breakerbox::observe::MetricsBridge;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::{fresh, live};

/// What the recorder holds, as lines of name and labels.
fn recorded(snapshotter: &Snapshotter) -> BTreeMap<String, DebugValue> {
    let line = |key: &metrics_util::CompositeKey| {
        let labels: Vec<String> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        format!("{} {}", key.key().name(), labels.join(" ")).trim_end().to_owned()
    };
    snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| (line(&key), value)).collect()
}

#[test]
fn a_recorder_gets_what_the_breakers_show() {
    let (registry, clock, breaker) = fresh();
    let bridge = MetricsBridge::new(&registry);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _under_way = live(&clock, &breaker);
    metrics::with_local_recorder(&recorder, || {
        bridge.describe();
        bridge.publish();
        // Absolute values: handing them over again adds nothing.
        bridge.publish();
    });
    let recorded = recorded(&snapshotter);
    let counter = |value| Some(DebugValue::Counter(value));
    let gauge = |value: f64| Some(DebugValue::Gauge(value.into()));
    for (line, value) in [
        ("circuit_breaker_state name=quotes", gauge(0.0)),
        ("circuit_breaker_requests_total state=closed name=quotes", counter(7)),
        ("circuit_breaker_requests_total state=open name=quotes", counter(2)),
        ("circuit_breaker_requests_total state=half_open name=quotes", counter(4)),
        ("circuit_breaker_successes_total name=quotes", counter(6)),
        ("circuit_breaker_failures_total name=quotes", counter(5)),
        ("circuit_breaker_rejections_total reason=open name=quotes", counter(2)),
        ("circuit_breaker_trips_total name=quotes", counter(1)),
        ("circuit_breaker_transitions_total from=open to=half_open name=quotes", counter(2)),
        ("circuit_breaker_in_flight name=quotes", gauge(1.0)),
        ("circuit_breaker_state_seconds_total state=open name=quotes", gauge(120.0)),
    ] {
        assert_eq!(recorded.get(line), value.as_ref(), "{line} of {recorded:#?}");
    }
    let unknown = recorded.get("circuit_breaker_failure_ratio name=quotes");
    assert!(matches!(unknown, Some(DebugValue::Gauge(ratio)) if ratio.is_nan()), "{unknown:?}");
}

#[test]
fn the_label_can_have_another_name() {
    let (registry, _, _) = fresh();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || MetricsBridge::new(&registry).label("service").publish());
    assert!(recorded(&snapshotter).contains_key("circuit_breaker_state service=quotes"));
}

#[test]
fn a_publisher_hands_over_until_it_is_dropped() {
    // Its thread knows the global recorder alone, and there is none: it must end all the same.
    let (registry, _, _) = fresh();
    let publisher = MetricsBridge::new(&registry).every(Duration::from_secs(3600)).unwrap();
    drop(publisher);
}
