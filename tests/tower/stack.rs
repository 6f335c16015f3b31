//! Within stacks of tower: retries, timeouts, limits and buffers, around the breaker and within it.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use breakerbox::tower::{BoxError, Error};
use breakerbox::{Config, Outcome, State};
use tower::load_shed::error::Overloaded;
use tower::retry::Policy;
use tower::timeout::error::Elapsed;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::support::{Ask, Backend, Down, assert_law, bench, millis, secs};

/// Tries again so many times, but not what a breaker refused.
#[derive(Clone)]
struct Retries(u32);

impl<E: Into<BoxError>> Policy<Ask, u16, E> for Retries
where
    E: AsError,
{
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Ask, result: &mut Result<u16, E>) -> Option<Ready<()>> {
        let error = result.as_ref().err()?;
        if self.0 == 0 || Error::find_rejection(error.as_error()).is_some() {
            return None;
        }
        self.0 -= 1;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Ask) -> Option<Ask> {
        Some(request.clone())
    }
}

/// The errors of these stacks, as errors.
trait AsError {
    fn as_error(&self) -> &(dyn std::error::Error + 'static);
}

impl AsError for Error {
    fn as_error(&self) -> &(dyn std::error::Error + 'static) {
        self
    }
}

impl AsError for Down {
    fn as_error(&self) -> &(dyn std::error::Error + 'static) {
        self
    }
}

impl AsError for BoxError {
    fn as_error(&self) -> &(dyn std::error::Error + 'static) {
        &**self
    }
}

#[tokio::test]
async fn retries_around_a_breaker_stop_when_it_opens() {
    let bench = bench(Config::builder().failure_threshold(3));
    let backend = Backend::default();
    let service = ServiceBuilder::new().retry(Retries(10)).layer(bench.layer()).service(backend.clone());
    let error = service.clone().oneshot(Ask::Fail).await.unwrap_err();
    assert!(error.is_rejected());
    // Each try is a call: three failures, one refusal, and no further try.
    assert_eq!((backend.calls(), bench.breaker.status().totals.rejections.total()), (3, 1));
    assert!(service.oneshot(Ask::Fail).await.unwrap_err().is_rejected());
    assert_eq!((backend.calls(), bench.breaker.status().totals.rejections.total()), (3, 2));
}

#[tokio::test]
async fn retries_within_a_breaker_are_one_call() {
    let bench = bench(Config::builder().failure_threshold(3));
    let backend = Backend::default();
    let service = ServiceBuilder::new().layer(bench.layer()).retry(Retries(10)).service(backend.clone());
    for _ in 0..3 {
        assert!(!service.clone().oneshot(Ask::Fail).await.unwrap_err().is_rejected());
    }
    assert_eq!((backend.calls(), bench.breaker.status().totals.failures), (33, 3));
    assert!(service.oneshot(Ask::Fail).await.unwrap_err().is_rejected());
    assert_eq!(backend.calls(), 33);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_within_a_breaker_is_a_failure() {
    let bench = bench(Config::builder().failure_threshold(2));
    let service = ServiceBuilder::new().layer(bench.layer()).timeout(secs(1)).service(Backend::default());
    for _ in 0..2 {
        let error = service.clone().oneshot(Ask::Hang).await.unwrap_err();
        assert!(error.inner().unwrap().is::<Elapsed>());
    }
    assert!(service.oneshot(Ask::Answer(200)).await.unwrap_err().is_rejected());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_a_breaker_drops_the_call_which_is_neutral() {
    let bench = bench(Config::builder().failure_threshold(2));
    let service = ServiceBuilder::new().timeout(secs(1)).layer(bench.layer()).service(Backend::default());
    for _ in 0..5 {
        assert!(service.clone().oneshot(Ask::Hang).await.unwrap_err().is::<Elapsed>());
    }
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.cancelled, totals.failures, bench.breaker.state()), (5, 0, State::Closed));
    bench.breaker.force_open();
    let refused = service.oneshot(Ask::Hang).await.unwrap_err();
    assert!(Error::find_rejection(&*refused).is_some());
}

/// Counts how many calls are under way at once, and lets others in between.
fn crowded(most: Arc<AtomicU64>) -> impl Service<(), Response = (), Error = Down, Future: Send> + Clone + Send {
    let now = Arc::new(AtomicU64::new(0));
    tower::service_fn(move |(): ()| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(millis(10)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_concurrency_holds_within_a_breaker_and_around_it() {
    for limit_is_within in [true, false] {
        let bench = bench(Config::builder());
        let most = Arc::new(AtomicU64::new(0));
        let inner = crowded(Arc::clone(&most));
        let service = if limit_is_within {
            ServiceBuilder::new().layer(bench.layer()).concurrency_limit(3).service(inner).boxed_clone()
        } else {
            ServiceBuilder::new().concurrency_limit(3).layer(bench.layer()).service(inner).boxed_clone()
        };
        let calls: Vec<_> = (0..50).map(|_| tokio::spawn(service.clone().oneshot(()))).collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!((most.load(Ordering::SeqCst), bench.breaker.status().totals.successes), (3, 50));
        assert_law(&bench.breaker);
    }
}

#[tokio::test]
async fn a_refused_call_gives_its_slot_back_with_its_clone() {
    let bench = bench(Config::builder());
    let service = ServiceBuilder::new().layer(bench.layer()).concurrency_limit(1).service(Backend::default());
    bench.breaker.force_open();
    for _ in 0..5 {
        assert!(service.clone().oneshot(Ask::Answer(200)).await.unwrap_err().is_rejected());
    }
    // One that is kept holds the slot that it has become ready with, until its next call.
    let mut kept = service.clone();
    assert!(kept.ready().await.unwrap().call(Ask::Answer(200)).await.unwrap_err().is_rejected());
    bench.breaker.auto();
    let mut other = service.clone();
    assert!(futures_util::FutureExt::now_or_never(other.ready()).is_none());
    assert_eq!(kept.ready().await.unwrap().call(Ask::Answer(200)).await.unwrap(), 200);
    assert!(other.ready().await.is_ok());
}

#[tokio::test]
async fn shed_load_can_be_told_from_failures() {
    let bench = bench(Config::builder().failure_threshold(1));
    let layer = bench.layer().classify(|result: &Result<u16, BoxError>| match result {
        Ok(_) => Outcome::Success,
        Err(error) if error.is::<Overloaded>() => Outcome::Ignored,
        Err(_) => Outcome::Failure,
    });
    let service = ServiceBuilder::new().layer(layer).load_shed().concurrency_limit(1).service(Backend::default());
    let mut first = service.clone();
    let hanging = first.ready().await.unwrap().call(Ask::Hang);
    for _ in 0..3 {
        let error = service.clone().oneshot(Ask::Answer(200)).await.unwrap_err();
        assert!(error.inner().unwrap().is::<Overloaded>());
    }
    drop(hanging);
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.ignored, totals.cancelled, bench.breaker.state()), (3, 1, State::Closed));
    assert!(service.clone().oneshot(Ask::Fail).await.is_err());
    assert_eq!(bench.breaker.state(), State::Open);
}

#[tokio::test]
async fn a_buffer_around_a_breaker_passes_refusals_on() {
    let bench = bench(Config::builder().failure_threshold(1));
    let backend = Backend::default();
    let service = ServiceBuilder::new().buffer(16).layer(bench.layer()).service(backend.clone());
    let failed = service.clone().oneshot(Ask::Fail).await.unwrap_err();
    assert!(Error::find_rejection(&*failed).is_none());
    let refused = service.oneshot(Ask::Answer(200)).await.unwrap_err();
    assert!(Error::find_rejection(&*refused).is_some());
    assert_eq!(backend.calls(), 1);
}

#[tokio::test]
async fn a_buffer_within_a_breaker_is_not_used_while_it_is_open() {
    let bench = bench(Config::builder().failure_threshold(1));
    let backend = Backend::default();
    let service = ServiceBuilder::new().layer(bench.layer()).buffer(16).service(backend.clone());
    assert!(!service.clone().oneshot(Ask::Fail).await.unwrap_err().is_rejected());
    assert!(service.clone().oneshot(Ask::Answer(200)).await.unwrap_err().is_rejected());
    assert_eq!(backend.calls(), 1);
    bench.clock.advance(secs(60));
    assert_eq!(service.oneshot(Ask::Answer(200)).await.unwrap(), 200);
}

#[tokio::test]
async fn a_buffer_whose_worker_is_gone_is_a_failure_of_the_service() {
    let bench = bench(Config::builder().failure_threshold(1));
    let (buffer, worker) = tower::buffer::Buffer::pair(Backend::default(), 16);
    drop(worker);
    let mut service = ServiceBuilder::new().layer(bench.layer()).service(buffer);
    let error = service.ready().await.map(|_| ()).unwrap_err();
    assert!(error.inner().is_some(), "{error}");
    assert_eq!(bench.breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_whole_stack_fails_fast_and_recovers() {
    let bench = bench(Config::builder().failure_threshold(3).half_open_max_calls(1).success_threshold(1));
    let backend = Backend::default();
    let service = ServiceBuilder::new()
        .buffer(64)
        .load_shed()
        .concurrency_limit(8)
        .retry(Retries(1))
        .layer(bench.layer())
        .timeout(secs(1))
        .service(backend.clone());
    let begun = tokio::time::Instant::now();
    for _ in 0..10 {
        assert!(service.clone().oneshot(Ask::Hang).await.is_err());
    }
    // Three calls that hang for a second each, and then nobody waits any more.
    assert_eq!((backend.calls(), begun.elapsed().as_secs()), (3, 3));
    bench.clock.advance(secs(60));
    assert_eq!(service.clone().oneshot(Ask::Answer(200)).await.unwrap(), 200);
    assert_eq!(bench.breaker.state(), State::Closed);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_law(&bench.breaker);
}
