//! Sets of breakers: found, made and removed at once.

use breakerbox::{CircuitBreaker, Registry};
use loom::thread::{self, JoinHandle};

use crate::support::{check, fail, join, secs, settings};

fn with<T: 'static>(registry: &Registry, act: impl FnOnce(&Registry) -> T + 'static) -> JoinHandle<T> {
    let registry = registry.clone();
    thread::spawn(move || act(&registry))
}

fn insert(registry: &Registry) -> CircuitBreaker {
    registry.get_or_insert("quotes", settings()).expect("valid")
}

/// Whether two handles are of one breaker: what one does, the other shows.
fn are_one(one: &CircuitBreaker, other: &CircuitBreaker) -> bool {
    let before = other.status().totals.failures;
    let _ = fail(one);
    other.status().totals.failures == before + 1
}

/// Who makes a breaker of the same name at the same time gets the same breaker, listed once.
#[test]
fn one_name_is_one_breaker() {
    check(|| {
        let registry = Registry::new();
        let other = with(&registry, insert);
        let own = insert(&registry);
        let theirs = join(other);
        assert_eq!(registry.all().len(), 1);
        assert!(are_one(&own, &theirs));
    });
}

/// A look-up finds nothing, or the breaker that is being made, whole.
#[test]
fn a_look_up_finds_a_whole_breaker() {
    check(|| {
        let registry = Registry::new();
        let other = with(&registry, |registry| registry.get("quotes").map(|found| found.status().retry_after));
        let made = insert(&registry);
        made.open();
        if let Some(left) = join(other) {
            assert!(left.is_none_or(|left| left == secs(60)), "{left:?}");
        }
        made.close();
        assert!(are_one(&made, &registry.get("quotes").expect("made")));
    });
}

/// A breaker is on the list and found, or neither, while it is removed and made again.
#[test]
fn a_removed_breaker_is_found_nowhere() {
    check(|| {
        let registry = Registry::new();
        insert(&registry);
        let other = with(&registry, |registry| registry.remove("quotes").is_some());
        let own = insert(&registry);
        assert!(join(other));
        let listed = registry.all();
        assert_eq!(listed.len(), usize::from(registry.get("quotes").is_some()));
        if let Some(listed) = listed.first() {
            assert!(are_one(&own, listed));
        }
    });
}
