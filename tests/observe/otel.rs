//! What OpenTelemetry's SDK collects, by its exporter in memory.

use std::collections::BTreeMap;

use breakerbox::observe::instrument;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

use crate::{fresh, live};

/// The points of every metric, as lines of name and attributes.
pub(crate) fn collected(exporter: &InMemoryMetricExporter) -> BTreeMap<String, f64> {
    let mut points = BTreeMap::new();
    let mut point = |name: &str, mut attributes: Vec<String>, value: f64| {
        attributes.sort_unstable();
        points.insert(format!("{name} {}", attributes.join(" ")), value);
    };
    macro_rules! take {
        ($name:expr, $data:expr) => {
            match $data {
                MetricData::Gauge(gauge) => gauge.data_points().for_each(|p| {
                    let attributes = p.attributes().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
                    point($name, attributes, p.value() as f64);
                }),
                MetricData::Sum(sum) => sum.data_points().for_each(|p| {
                    let attributes = p.attributes().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
                    point($name, attributes, p.value() as f64);
                }),
                other => panic!("{} is {other:?}", $name),
            }
        };
    }
    for resource in &exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(ScopeMetrics::metrics) {
            match metric.data() {
                AggregatedMetrics::F64(data) => take!(metric.name(), data),
                AggregatedMetrics::U64(data) => take!(metric.name(), data),
                AggregatedMetrics::I64(data) => take!(metric.name(), data),
            }
        }
    }
    points
}

#[test]
fn a_collection_gets_what_the_breakers_show() {
    let (registry, clock, breaker) = fresh();
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    instrument(&registry, &provider.meter("test"));
    let _under_way = live(&clock, &breaker);
    breaker.force_open();
    provider.force_flush().unwrap();
    let points = collected(&exporter);
    for (line, value) in [
        ("circuit_breaker.status circuit_breaker.name=quotes circuit_breaker.state=closed", 0.0),
        ("circuit_breaker.status circuit_breaker.name=quotes circuit_breaker.state=open", 1.0),
        ("circuit_breaker.status circuit_breaker.name=quotes circuit_breaker.state=half_open", 0.0),
        ("circuit_breaker.requests circuit_breaker.name=quotes circuit_breaker.state=closed", 7.0),
        ("circuit_breaker.successes circuit_breaker.name=quotes", 6.0),
        ("circuit_breaker.failures circuit_breaker.name=quotes", 5.0),
        ("circuit_breaker.rejections circuit_breaker.name=quotes circuit_breaker.reason=open", 2.0),
        ("circuit_breaker.trips circuit_breaker.name=quotes", 1.0),
        (
            "circuit_breaker.transitions circuit_breaker.from=half_open circuit_breaker.name=quotes \
             circuit_breaker.to=closed",
            1.0,
        ),
        ("circuit_breaker.in_flight circuit_breaker.name=quotes", 1.0),
        ("circuit_breaker.forced circuit_breaker.name=quotes", 1.0),
        ("circuit_breaker.state.duration circuit_breaker.name=quotes circuit_breaker.state=open", 120.0),
    ] {
        assert_eq!(points.get(line), Some(&value), "{line} of {points:#?}");
    }
    // What is not known is not shown.
    assert!(!points.keys().any(|line| line.starts_with("circuit_breaker.failure_ratio")), "{points:#?}");
    provider.shutdown().unwrap();
}
