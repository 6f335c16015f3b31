//! Calls through the handle, sync and async: panics, dropped futures, time limits, reentrance.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, Outcome, Reason, State};
use futures_util::FutureExt;

use crate::support::{assert_law, bench, fail_times, millis, secs, succeed_times};

#[derive(Debug, thiserror::Error)]
enum QuoteError {
    #[error("the service is down")]
    Down,
    #[error(transparent)]
    Refused(#[from] CircuitBreakerError),
}

fn down() -> Result<u8, QuoteError> {
    Err(QuoteError::Down)
}

/// A panic without the hook's message.
fn quiet_panic() -> Result<u8, QuoteError> {
    std::panic::resume_unwind(Box::new("the function's own panic"))
}

#[test]
fn call_returns_what_the_function_returns_or_the_refusal_as_its_error() {
    let b = bench(Config::builder().failure_threshold(2));
    assert!(matches!(b.breaker.call(|| Ok::<_, QuoteError>(1)), Ok(1)));
    for _ in 0..2 {
        assert!(matches!(b.breaker.call(down), Err(QuoteError::Down)));
    }
    let ran = AtomicUsize::new(0);
    let refused = b.breaker.call(|| {
        ran.fetch_add(1, Ordering::Relaxed);
        down()
    });
    let Err(QuoteError::Refused(error)) = refused else { panic!("refused") };
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    assert!(error.is_rejected() && !error.is_timeout());
    assert_eq!(error.to_string(), "circuit 'quotes' is open, next trial in 1m");
    assert_eq!(b.breaker.call(|| Some(1)), None);
    assert_eq!(b.breaker.call(|| Err::<u8, String>(String::new())), Err(error.to_string()));
    assert_eq!(b.breaker.call(|| Err::<u8, ()>(())), Err(()));
    let io = b.breaker.call(|| Ok::<_, std::io::Error>(1)).expect_err("refused");
    assert!(io.get_ref().expect("a source").is::<CircuitBreakerError>());
    assert!(b.breaker.call(|| anyhow::Ok(1)).expect_err("refused").is::<CircuitBreakerError>());
    assert_law(&b.breaker, 9);
}

#[test]
fn a_panic_is_a_failure_and_goes_on() {
    let b = bench(Config::builder().failure_threshold(1));
    let panicked = catch_unwind(AssertUnwindSafe(|| b.breaker.call(quiet_panic)));
    assert_eq!(panicked.expect_err("it goes on").downcast_ref::<&str>(), Some(&"the function's own panic"));
    assert_eq!(b.breaker.state(), State::Open);
    assert_eq!(b.breaker.status().totals.failures, 1);
}

#[test]
fn a_permit_dropped_by_a_panic_failed_and_one_taken_in_a_destructor_did_not() {
    struct CallsOnDrop<'a>(&'a CircuitBreaker);
    impl Drop for CallsOnDrop<'_> {
        fn drop(&mut self) {
            // Taken and dropped while the thread unwinds, for reasons of its own.
            drop(self.0.try_acquire());
        }
    }
    let b = bench(Config::builder());
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _held = b.breaker.try_acquire().expect("closed");
        let _guard = CallsOnDrop(&b.breaker);
        std::panic::resume_unwind(Box::new(()));
    }));
    let totals = b.breaker.status().totals;
    assert_eq!((totals.failures, totals.cancelled, totals.attempts), (1, 1, 2));
}

#[tokio::test]
async fn call_async_takes_a_future_or_a_function_that_makes_one() {
    async fn fetch(n: u8) -> Result<u8, QuoteError> {
        tokio::task::yield_now().await;
        if n == 0 { down() } else { Ok(n) }
    }
    let b = bench(Config::builder().failure_threshold(1));
    assert!(matches!(b.breaker.call_async(fetch(1)).await, Ok(1)));
    assert!(matches!(b.breaker.call_async(|| fetch(2)).await, Ok(2)));
    assert!(matches!(b.breaker.call_async(async || fetch(3).await).await, Ok(3)));
    assert!(matches!(b.breaker.call_async(fetch(0)).await, Err(QuoteError::Down)));
    let made = AtomicUsize::new(0);
    let make = || {
        made.fetch_add(1, Ordering::Relaxed);
        fetch(1)
    };
    assert!(matches!(b.breaker.call_async(make).await, Err(QuoteError::Refused(_))));
    assert_eq!(made.load(Ordering::Relaxed), 0);
    assert_law(&b.breaker, 5);
}

#[tokio::test]
async fn a_future_that_is_never_polled_is_no_call() {
    let b = bench(Config::builder());
    drop(b.breaker.call_async(async { down() }));
    assert_law(&b.breaker, 0);
}

#[tokio::test]
async fn a_dropped_future_is_neutral_and_gives_its_trial_place_back() {
    let b = bench(Config::builder().failure_threshold(1).half_open_max_calls(1));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(60));
    for _ in 0..5 {
        let mut call = Box::pin(b.breaker.call_async(std::future::pending::<Result<u8, QuoteError>>()));
        assert!(call.as_mut().now_or_never().is_none());
        assert!(!b.breaker.can_execute());
        drop(call);
        assert!(b.breaker.can_execute());
    }
    succeed_times(&b.breaker, 1);
    assert_eq!((b.breaker.state(), b.breaker.status().totals.cancelled), (State::Closed, 5));
}

#[tokio::test]
async fn a_panic_in_a_poll_is_a_failure_although_the_thread_goes_on() {
    let b = bench(Config::builder().failure_threshold(1));
    let call = b.breaker.call_async(async {
        tokio::task::yield_now().await;
        quiet_panic()
    });
    assert!(AssertUnwindSafe(call).catch_unwind().await.is_err());
    assert_eq!((b.breaker.state(), b.breaker.status().totals.failures), (State::Open, 1));
}

#[tokio::test]
async fn a_call_over_its_time_limit_is_cut_off_and_failed() {
    let b = bench(Config::builder().failure_threshold(1).timeout(Duration::from_millis(20)));
    let error = b.breaker.call_async(std::future::pending::<Result<u8, QuoteError>>()).await.expect_err("cut off");
    let QuoteError::Refused(error) = error else { panic!("cut off: {error}") };
    assert!(error.is_timeout() && !error.is_rejected());
    assert_eq!((error.reason(), error.retry_after()), (Reason::Timeout, None));
    assert_eq!(error.to_string(), "call through circuit 'quotes' timed out after 20ms");
    assert_eq!((b.breaker.state(), b.breaker.status().totals.failures), (State::Open, 1));
}

#[tokio::test]
async fn a_call_within_its_time_limit_is_not_cut_off() {
    let b = bench(Config::builder().timeout(secs(600)));
    let call = async {
        tokio::task::yield_now().await;
        Ok::<_, QuoteError>(1)
    };
    assert!(matches!(b.breaker.call_async(call).await, Ok(1)));
    assert_eq!(b.breaker.status().totals.successes, 1);
}

#[test]
fn a_type_can_say_what_its_failures_are() {
    struct Response(u16);
    impl breakerbox::Classify for Response {
        fn outcome(&self) -> Outcome {
            match self.0 {
                500.. => Outcome::Failure,
                400.. => Outcome::Ignored,
                _ => Outcome::Success,
            }
        }
    }
    let b = bench(Config::builder());
    for status in [200, 404, 503] {
        let permit = b.breaker.try_acquire().expect("closed");
        permit.finish(breakerbox::Classify::outcome(&Response(status)));
    }
    let totals = b.breaker.status().totals;
    assert_eq!((totals.successes, totals.ignored, totals.failures), (1, 1, 1));
}

#[test]
fn a_breaker_may_be_called_through_itself() {
    let b = bench(Config::builder().failure_threshold(1).half_open_max_calls(1));
    let nested = || b.breaker.call(|| b.breaker.call(|| Ok::<_, QuoteError>(1)));
    assert!(matches!(nested(), Ok(1)));
    fail_times(&b.breaker, 1);
    b.clock.advance(secs(60));
    // The inner call meets the trial of the outer one.
    assert!(matches!(nested(), Err(QuoteError::Refused(_))));
    assert_eq!(b.breaker.state(), State::Open);
}

#[tokio::test]
async fn a_call_without_a_time_limit_is_never_cut_off() {
    let b = bench(Config::builder());
    let call = || async {
        tokio::time::sleep(millis(30)).await;
        Some(1)
    };
    assert_eq!(b.breaker.call_async(call).await, Some(1));
    assert_law(&b.breaker, 1);
}

/// A waker that is only counted.
struct Idle;

impl Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_call_with_a_time_limit_leaves_no_timer_behind() {
    let b = bench(Config::builder().timeout(secs(3600)));
    let idle = Arc::new(Idle);
    {
        let waker = Waker::from(Arc::clone(&idle));
        let mut call = std::pin::pin!(b.breaker.call_async(std::future::pending::<Option<u8>>()));
        assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    // The thread of the timers frees them a moment later; one that runs on for an hour keeps the waker.
    for _ in 0..5_000 {
        if Arc::strong_count(&idle) == 1 {
            return;
        }
        std::thread::sleep(millis(1));
    }
    panic!("the timer still runs");
}
