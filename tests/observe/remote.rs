//! What is said of transitions that the fleet told, and of a store of one's own.

use breakerbox::observe::Prometheus;
use breakerbox::shared::{Answer, Beat, Fleet, Proposal, SharedStore, StoreError, View};
use breakerbox::{Config, Registry, State};
use tracing::Level;

use crate::fleet::Pair;
use crate::trace::{field, logged};

#[test]
fn what_the_fleet_told_is_said_with_its_cause_and_who_ordered_it() {
    let registry = Registry::new();
    let mut pair = Pair::new(&registry);
    let lines = logged(Level::INFO, &registry, || {
        pair.elsewhere.quotes.record_failure();
        pair.until("it is open here", |pair| pair.here.quotes.state() == State::Open);
        pair.elsewhere.quotes.by("alice").reset();
        pair.until("it is closed here", |pair| pair.here.quotes.state() == State::Closed);
    });
    let told: Vec<_> =
        lines.iter().map(|line| (field(line, "level"), field(line, "reason"), field(line, "message"))).collect();
    assert_eq!(
        told,
        [
            ("WARN", "remote", "circuit 'quotes': closed -> open (told by the fleet)"),
            ("WARN", "remote", "circuit 'quotes': open -> closed (told by the fleet by alice)"),
        ]
    );
    assert_eq!((field(&lines[0], "by"), field(&lines[1], "by")), ("", "alice"));
}

/// A store of one's own that nothing can be had of, with a name that would break out of a label.
struct Hostile;

impl SharedStore for Hostile {
    fn kind(&self) -> &'static str {
        "a\"} 1\nb\\"
    }

    fn sync(&mut self, _: &str, _: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        Err(StoreError::new("away"))
    }

    fn propose(&mut self, _: &str, _: &str, _: u64, _: &Proposal) -> Result<Answer, StoreError> {
        Err(StoreError::new("away"))
    }
}

#[test]
fn the_name_of_a_store_cannot_break_out_of_its_label() {
    let registry = Registry::new();
    let fleet = Fleet::new(Hostile).stepped();
    registry.attach(&fleet).unwrap();
    registry.get_or_insert("quotes", Config::default()).unwrap();
    fleet.sync();
    let page = Prometheus::new(&registry).respond(None).body;
    let lines: Vec<&str> = page.lines().filter(|line| line.contains("a\\\"} 1\\nb\\\\")).collect();
    assert!(lines.contains(&"circuit_breaker_store_degraded{store=\"a\\\"} 1\\nb\\\\\"} 1"), "{page}");
    assert!(lines.contains(&"circuit_breaker_store_errors_total{store=\"a\\\"} 1\\nb\\\\\",op=\"sync\"} 1"), "{page}");
}
