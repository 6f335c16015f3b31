//! What the tests say to stores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use breakerbox::RedisStore;
use breakerbox::shared::{Answer, Beat, Order, Proposal, SharedStore, StoreError, Verdict, View};

use crate::server::PATIENCE;

/// Longer than any test.
pub(crate) const LONG: Duration = Duration::from_secs(1000);

pub(crate) fn beat(breaker: &str) -> Beat {
    Beat::new(breaker, LONG)
}

pub(crate) fn try_sync(store: &mut RedisStore, instance: &str, breaker: &str) -> Result<View, StoreError> {
    store.sync(instance, &[beat(breaker)]).and_then(|mut views| views.remove(0))
}

pub(crate) fn sync(store: &mut RedisStore, instance: &str, breaker: &str) -> View {
    try_sync(store, instance, breaker).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn propose(store: &mut RedisStore, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Answer {
    store.propose(instance, breaker, on, what).unwrap_or_else(|error| panic!("{what:?}: {error}"))
}

pub(crate) fn trip(wait: Duration, quorum: u32) -> Proposal {
    Proposal::Trip { wait, quorum, lasts: LONG }
}

pub(crate) fn lease(places: u32, want: u32) -> Proposal {
    lease_more(places, want, vec![])
}

/// By an instance that has some.
pub(crate) fn lease_more(places: u32, want: u32, held: Vec<u64>) -> Proposal {
    Proposal::Lease { waited: Duration::ZERO, wait: LONG, places, want, lasts: LONG, held }
}

pub(crate) fn report(leases: Vec<u64>, successes: u32, failures: u32, close_at: u32) -> Proposal {
    Proposal::Report { leases, successes, failures, close_at, wait: LONG, lasts: LONG }
}

pub(crate) fn command(order: Order) -> Proposal {
    Proposal::Command { order, by: Some(Arc::from("ada")), ago: Duration::ZERO }
}

pub(crate) fn granted(answer: &Answer) -> Vec<u64> {
    match &answer.verdict {
        Verdict::Granted(leases) => leases.clone(),
        other => panic!("{other:?}"),
    }
}

/// Opens a breaker, and lets it be half-open: with the first trial calls.
pub(crate) fn half_open(store: &mut RedisStore, instance: &str, breaker: &str, places: u32) -> Answer {
    let view = sync(store, instance, breaker);
    let open = propose(store, instance, breaker, view.epoch, &trip(Duration::ZERO, 1));
    assert_eq!(open.verdict, Verdict::Applied);
    propose(store, instance, breaker, open.view.epoch, &lease(places, places))
}

/// Asks until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
