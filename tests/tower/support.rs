//! What the tests of the layer share: a service that does what its requests ask for, and a breaker on a clock of its own.

use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use breakerbox::tower::CircuitBreakerLayer;
use breakerbox::{CircuitBreaker, CircuitBreakerError, ConfigBuilder, ManualClock, Registry};
use tokio::sync::oneshot;
use tower::{Layer, Service};

/// What the service of these tests does with a request.
#[derive(Debug)]
pub(crate) enum Ask {
    Answer(u16),
    Fail,
    Hang,
    /// Panics before there is a future.
    PanicAtOnce,
    Panic,
    /// Answers what it is told to.
    Wait(oneshot::Receiver<u16>),
    /// Is polled so many times before it answers, or fails.
    After(u32, Result<u16, Down>),
}

impl Clone for Ask {
    fn clone(&self) -> Self {
        match self {
            Ask::Answer(answer) => Ask::Answer(*answer),
            Ask::Fail => Ask::Fail,
            Ask::PanicAtOnce => Ask::PanicAtOnce,
            Ask::Panic => Ask::Panic,
            Ask::After(polls, result) => Ask::After(*polls, result.clone()),
            Ask::Hang | Ask::Wait(_) => Ask::Hang,
        }
    }
}

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Down {
    #[error("the backend is down")]
    Down,
    #[error(transparent)]
    Refused(#[from] CircuitBreakerError),
}

/// Counts what reaches it, and insists on the contract of `Service`: it is called when it has said that it is ready.
#[derive(Debug, Default)]
pub(crate) struct Backend {
    pub(crate) calls: Arc<AtomicU64>,
    pub(crate) asked_for_readiness: Arc<AtomicU64>,
    is_ready: bool,
}

impl Clone for Backend {
    fn clone(&self) -> Self {
        Backend {
            calls: Arc::clone(&self.calls),
            asked_for_readiness: Arc::clone(&self.asked_for_readiness),
            is_ready: false,
        }
    }
}

impl Backend {
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

/// A panic that prints nothing.
fn panic() -> ! {
    std::panic::resume_unwind(Box::new("asked for"))
}

pub(crate) type Boxed = Pin<Box<dyn Future<Output = Result<u16, Down>> + Send>>;

impl Service<Ask> for Backend {
    type Response = u16;
    type Error = Down;
    type Future = Boxed;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        self.asked_for_readiness.fetch_add(1, Ordering::SeqCst);
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Ask) -> Boxed {
        assert!(std::mem::take(&mut self.is_ready), "called without having been ready");
        self.calls.fetch_add(1, Ordering::SeqCst);
        match request {
            Ask::Answer(answer) => Box::pin(future::ready(Ok(answer))),
            Ask::Fail => Box::pin(future::ready(Err(Down::Down))),
            Ask::Hang => Box::pin(future::pending()),
            Ask::PanicAtOnce => panic(),
            Ask::Panic => Box::pin(future::poll_fn(|_| panic())),
            Ask::Wait(told) => Box::pin(async move { told.await.map_err(|_| Down::Down) }),
            Ask::After(polls, result) => Box::pin(async move {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
                result
            }),
        }
    }
}

/// A breaker in a registry of its own, on a clock of its own.
pub(crate) struct Bench {
    pub(crate) registry: Registry,
    pub(crate) clock: ManualClock,
    pub(crate) breaker: CircuitBreaker,
}

#[track_caller]
pub(crate) fn bench(settings: ConfigBuilder) -> Bench {
    let clock = ManualClock::new();
    clock.set(secs(1000));
    let registry = Registry::with_clock(clock.clone());
    let breaker = registry.get_or_insert("quotes", settings).expect("valid settings");
    Bench { registry, clock, breaker }
}

impl Bench {
    /// The layer with nothing chosen.
    pub(crate) fn layer(&self) -> CircuitBreakerLayer {
        CircuitBreakerLayer::new(self.breaker.clone())
    }

    /// A backend behind that layer.
    pub(crate) fn service(&self, backend: &Backend) -> breakerbox::tower::CircuitBreakerService<Backend> {
        self.layer().layer(backend.clone())
    }
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Polls a future once.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
}

/// At rest every attempt stands in exactly one counter.
#[track_caller]
pub(crate) fn assert_law(breaker: &CircuitBreaker) {
    let totals = breaker.status().totals;
    let sum = totals.successes
        + totals.failures
        + totals.ignored
        + totals.cancelled
        + totals.late
        + totals.rejections.total();
    assert_eq!(totals.attempts, sum, "{totals:?}");
}
