//! A rendered page that has every metric, and what can be asked of it: names, labels, and the values of labels.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breakerbox::observe::Prometheus;
use breakerbox::{CircuitBreaker, Config, FileStore, Registry};
use tempfile::TempDir;

/// A breaker that shows every metric, whatever it is called.
pub(crate) fn breaker(registry: &Registry, name: &str) -> CircuitBreaker {
    let config = Config::builder()
        .failure_threshold(5)
        .failure_rate_threshold(0.99)
        .slow_call_duration(Duration::from_secs(60))
        .slow_call_rate_threshold(1.0)
        .minimum_calls(1);
    let breaker = registry.get_or_insert(name, config).expect("a valid name");
    breaker.record_success();
    breaker.record_failure();
    breaker
}

/// Attaches a store that fails: a file stands where its folder would be.
pub(crate) fn failing_store(registry: &Registry) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("states");
    std::fs::write(&path, "no folder").expect("a file");
    registry.attach(FileStore::open(path)).expect("the first store");
    folder
}

pub(crate) fn renderer(registry: &Registry) -> Prometheus {
    Prometheus::builder(registry).durations(&Prometheus::BUCKETS).build().expect("a valid label")
}

/// The metrics of a page, each with its labels and their values.
pub(crate) struct Vocabulary {
    pub(crate) metrics: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Vocabulary {
    /// Of all that is ever rendered.
    pub(crate) fn whole() -> Self {
        let registry = Registry::new();
        let renderer = renderer(&registry);
        breaker(&registry, "payments");
        let _folder = failing_store(&registry);
        let mut text = String::new();
        renderer.render(&mut text);
        Vocabulary::of(&text)
    }

    fn of(text: &str) -> Self {
        let mut metrics: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let sample = line.rsplit_once(' ').expect("a sample has a value").0;
            let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
            let known = metrics.entry(name.to_owned()).or_default();
            for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
                let (key, value) = label.split_once('=').expect("a label has a value");
                known.entry(key.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
            }
        }
        Vocabulary { metrics }
    }

    /// Every label of every metric.
    pub(crate) fn labels(&self) -> BTreeSet<&str> {
        self.metrics.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }
}

#[test]
fn the_page_has_every_metric_of_the_list() {
    let vocabulary = Vocabulary::whole();
    let listed = include_str!("../../runtime/src/observe/families.rs");
    let names: Vec<&str> = listed.split('"').filter(|text| text.starts_with("circuit_breaker_")).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let rendered = [name.to_owned(), format!("{name}_count")];
        assert!(rendered.iter().any(|name| vocabulary.metrics.contains_key(name)), "{name} is not on the page");
    }
}
