//! `poll_ready`: that of the inner service, whatever the state; its errors are failures.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use breakerbox::tower::{CircuitBreakerLayer, Error};
use breakerbox::{Config, Registry, State};
use futures_util::FutureExt;
use tower::{Layer, Service, ServiceExt};

use crate::support::{Ask, Backend, Down, assert_law, bench, secs};

/// Not ready for a while, or broken.
#[derive(Clone)]
struct Sluggish {
    pending: u64,
    polls: Arc<AtomicU64>,
    is_broken: bool,
}

impl Service<()> for Sluggish {
    type Response = ();
    type Error = Down;
    type Future = Ready<Result<(), Down>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Down>> {
        if self.is_broken {
            return Poll::Ready(Err(Down::Down));
        }
        if self.polls.fetch_add(1, Ordering::SeqCst) < self.pending {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(()))
    }
}

fn sluggish(pending: u64) -> Sluggish {
    Sluggish { pending, polls: Arc::default(), is_broken: false }
}

#[tokio::test]
async fn a_service_is_ready_when_the_inner_one_is() {
    let bench = bench(Config::builder());
    let inner = sluggish(3);
    let mut service = bench.layer().layer(inner.clone());
    assert!(service.ready().now_or_never().is_none());
    service.ready().await.unwrap().call(()).await.unwrap();
    assert_eq!(inner.polls.load(Ordering::SeqCst), 4);
    assert_eq!(bench.breaker.status().totals.attempts, 1);
}

#[tokio::test]
async fn to_be_ready_takes_no_place_and_counts_nothing() {
    let bench = bench(Config::builder());
    let backend = Backend::default();
    let mut service = bench.service(&backend);
    for _ in 0..5 {
        service.ready().await.unwrap();
    }
    bench.breaker.force_open();
    service.ready().await.unwrap();
    assert_eq!(backend.asked_for_readiness.load(Ordering::SeqCst), 6);
    assert_eq!((bench.breaker.status().totals.attempts, backend.calls()), (0, 0));
}

#[tokio::test]
async fn a_clone_asks_for_readiness_itself() {
    let bench = bench(Config::builder());
    let mut service = bench.service(&Backend::default());
    service.ready().await.unwrap();
    // The backend panics when it is called without having been ready; a clone never was.
    let mut clone = service.clone();
    assert_eq!(clone.ready().await.unwrap().call(Ask::Answer(200)).await.unwrap(), 200);
    assert_eq!(service.call(Ask::Answer(201)).await.unwrap(), 201);
}

#[tokio::test]
async fn a_refused_call_leaves_the_inner_service_ready() {
    let bench = bench(Config::builder());
    let mut service = bench.service(&Backend::default());
    service.ready().await.unwrap();
    bench.breaker.force_open();
    assert!(service.call(Ask::Answer(200)).await.unwrap_err().is_rejected());
    bench.breaker.auto();
    assert_eq!(service.call(Ask::Answer(200)).await.unwrap(), 200);
}

#[tokio::test]
async fn an_inner_service_that_is_broken_is_a_failure() {
    let bench = bench(Config::builder().failure_threshold(3));
    let mut service = bench.layer().layer(Sluggish { is_broken: true, ..sluggish(0) });
    for _ in 0..3 {
        let error = service.ready().await.map(|_| ()).unwrap_err();
        assert!(error.inner().unwrap().is::<Down>());
    }
    assert_eq!((bench.breaker.state(), bench.breaker.status().totals.failures), (State::Open, 3));
    // An open circuit does not hide that the inner service is broken.
    assert!(!service.ready().await.map(|_| ()).unwrap_err().is_rejected());
    assert_eq!(bench.breaker.status().totals.late, 1);
    bench.clock.advance(secs(60));
    assert!(service.ready().await.is_err());
    assert_eq!(bench.breaker.state(), State::Open);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn without_a_request_no_key_has_failed() {
    let registry = Registry::new();
    let family = registry.keyed("http", Config::default()).unwrap();
    let layer = CircuitBreakerLayer::keyed(family.clone(), |(): &()| "a".into());
    let mut service = layer.layer(Sluggish { is_broken: true, ..sluggish(0) });
    let error: Error = service.ready().await.map(|_| ()).unwrap_err();
    assert!(error.inner().is_some());
    assert_eq!(family.len(), 0);
}
