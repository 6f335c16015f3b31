//! Futures that are dropped, cut off, or polled once too often: no place is lost, and nothing is counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use breakerbox::{Config, State};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tower::{Service, ServiceExt};

use crate::support::{Ask, Backend, Down, assert_law, bench, millis, poll_once, secs};

#[tokio::test]
async fn a_future_dropped_before_its_first_poll_or_while_pending_is_neutral() {
    let bench = bench(Config::builder().failure_threshold(1));
    let mut service = bench.service(&Backend::default());
    drop(service.ready().await.unwrap().call(Ask::Fail));
    let mut pending = service.ready().await.unwrap().call(Ask::Hang);
    assert!(poll_once(&mut pending).is_pending());
    drop(pending);
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.attempts, totals.cancelled, totals.failures), (2, 2, 0));
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[tokio::test]
async fn a_dropped_response_future_gives_its_trial_back() {
    let bench = bench(Config::builder().failure_threshold(1).half_open_max_calls(1).success_threshold(1));
    let mut service = bench.service(&Backend::default());
    assert!(service.ready().await.unwrap().call(Ask::Fail).await.is_err());
    bench.clock.advance(secs(60));
    for _ in 0..10 {
        let mut trial = service.ready().await.unwrap().call(Ask::Hang);
        assert!(poll_once(&mut trial).is_pending());
        assert!(service.ready().await.unwrap().call(Ask::Answer(200)).await.unwrap_err().is_rejected());
        drop(trial);
        drop(service.ready().await.unwrap().call(Ask::Hang));
    }
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    assert_eq!(service.ready().await.unwrap().call(Ask::Answer(200)).await.unwrap(), 200);
    assert_eq!(bench.breaker.state(), State::Closed);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn a_ready_service_that_is_never_called_holds_no_trial() {
    let bench = bench(Config::builder().failure_threshold(1).half_open_max_calls(1).success_threshold(1));
    let service = bench.service(&Backend::default());
    assert!(service.clone().oneshot(Ask::Fail).await.is_err());
    bench.clock.advance(secs(60));
    let mut ready: Vec<_> = (0..10).map(|_| service.clone()).collect();
    for service in &mut ready {
        service.ready().await.unwrap();
    }
    assert_eq!(service.oneshot(Ask::Answer(200)).await.unwrap(), 200);
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[tokio::test]
async fn a_future_dropped_by_somebody_elses_panic_is_neutral() {
    let bench = bench(Config::builder().failure_threshold(1));
    let service = bench.service(&Backend::default());
    let mut call = service.oneshot(Ask::Hang).boxed();
    assert!(poll_once(&mut call).is_pending());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _call = call;
        panic!("asked for");
    }));
    assert!(panicked.is_err());
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.cancelled, totals.failures), (1, 0));
}

#[tokio::test]
async fn a_future_polled_after_its_end_says_the_same_and_counts_nothing() {
    let bench = bench(Config::builder());
    let mut service = tower::ServiceBuilder::new().layer(bench.layer()).service_fn(|answer: u16| {
        // Can be polled again, unlike most.
        std::future::poll_fn(move |_| Poll::Ready(Ok::<_, Down>(answer)))
    });
    let mut call = service.ready().await.unwrap().call(200);
    for _ in 0..3 {
        assert!(matches!(poll_once(&mut call), Poll::Ready(Ok(200))));
    }
    bench.breaker.force_open();
    let mut refused = service.ready().await.unwrap().call(200);
    for _ in 0..3 {
        let Poll::Ready(Err(error)) = poll_once(&mut refused) else { panic!("pending or answered") };
        assert!(error.is_rejected());
    }
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.attempts, totals.successes, totals.rejections.total()), (2, 1, 1));
}

#[tokio::test]
async fn a_call_is_cut_off_after_the_timeout_and_its_future_is_dropped() {
    let bench = bench(Config::builder().failure_threshold(1).timeout(millis(20)));
    let mut service = bench.service(&Backend::default());
    let (mut say, told) = oneshot::channel();
    let mut call = service.ready().await.unwrap().call(Ask::Wait(told));
    let error = (&mut call).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_rejected());
    assert_eq!(error.to_string(), "call through circuit 'quotes' timed out after 20ms");
    // The inner future is gone although the outer one is still there.
    tokio::time::timeout(secs(60), say.closed()).await.expect("the inner future is dropped");
    assert!((&mut call).await.unwrap_err().is_timeout());
    let totals = bench.breaker.status().totals;
    assert_eq!((totals.attempts, totals.failures, bench.breaker.state()), (1, 1, State::Open));
    drop(call);
    assert_law(&bench.breaker);
}

#[tokio::test]
async fn a_call_that_ends_in_time_is_not_cut_off() {
    let bench = bench(Config::builder().timeout(secs(60)));
    let service = bench.service(&Backend::default());
    assert_eq!(service.oneshot(Ask::After(3, Ok(200))).await.unwrap(), 200);
    assert_eq!(bench.breaker.status().totals.successes, 1);
}

/// Thousands of calls on two threads, through all states: answered, failed, panicking, dropped at any point.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_futures_dropped_everywhere_no_place_is_lost_and_every_attempt_is_counted() {
    const CALLS: u64 = 20_000;
    let settings = Config::builder().failure_threshold(4).half_open_max_calls(3).success_threshold(2);
    let bench = bench(settings.half_open_timeout(secs(1_000_000)));
    let backend = Backend::default();
    let service = bench.service(&backend);
    let mut random = fastrand::Rng::with_seed(7);
    let mut kept = Vec::new();
    let made = Arc::new(AtomicU64::new(0));
    for number in 0..CALLS {
        let ask = match random.u8(..10) {
            0..3 => Ask::After(random.u32(..4), Ok(200)),
            3..6 => Ask::After(random.u32(..4), Err(Down::Down)),
            6 => Ask::Hang,
            7 if number.is_multiple_of(16) => Ask::PanicAtOnce,
            7 if number.is_multiple_of(4) => Ask::Panic,
            _ => Ask::Answer(200),
        };
        let polls = random.u32(..4);
        let hangs = matches!(ask, Ask::Hang);
        let (mut service, count) = (service.clone(), Arc::clone(&made));
        let task = tokio::spawn(async move {
            let service = service.ready().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut call = service.call(ask);
            for _ in 0..polls {
                if poll_once(&mut call).is_ready() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            if polls == 3 {
                // To the end, or until somebody aborts it.
                let _ = call.await;
            }
        });
        match random.u8(..8) {
            0 => {
                task.abort();
                kept.push(task);
            }
            4.. if !hangs => drop(task.await),
            _ => kept.push(task),
        }
        if random.u8(..20) == 0 {
            bench.clock.advance(secs(31));
        }
    }
    for task in &kept {
        task.abort();
    }
    for task in kept {
        let _ = task.await;
    }
    assert_law(&bench.breaker);
    let status = bench.breaker.status();
    let (totals, refused) = (status.totals, status.totals.rejections.total());
    assert_eq!(totals.attempts, made.load(Ordering::SeqCst));
    assert_eq!(totals.attempts - refused, backend.calls(), "admitted calls reach the backend, and no others");
    for count in [totals.successes, totals.failures, totals.cancelled, refused] {
        assert!(count > 50, "{totals:?}");
    }
    assert!(totals.trips > 5, "{totals:?}");
    // No place was lost, neither in an episode that still runs nor in the next one.
    assert_eq!(status.half_open.map_or(0, |trials| trials.in_flight), 0);
    bench.breaker.close();
    bench.breaker.half_open();
    let mut trials = Vec::new();
    for _ in 0..3 {
        let mut trial = service.clone().ready().await.unwrap().call(Ask::Hang);
        assert!(poll_once(&mut trial).is_pending());
        trials.push(trial);
    }
    assert!(service.clone().oneshot(Ask::Answer(200)).await.unwrap_err().is_rejected());
    drop(trials);
    for _ in 0..2 {
        assert_eq!(service.clone().oneshot(Ask::Answer(200)).await.unwrap(), 200);
    }
    assert_eq!(bench.breaker.state(), State::Closed);
}
