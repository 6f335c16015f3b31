//! Runtimes, and the loops that await ready futures on them.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::measure::{self, Span};

static CURRENT_THREAD: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime starts"));

static MULTI_THREAD: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime with threads starts")
});

/// Waits on the current-thread runtime.
pub fn wait<F: Future>(future: F) -> F::Output {
    CURRENT_THREAD.block_on(future)
}

/// Time of `calls` awaits, one after the other.
pub async fn time<T: Future>(calls: u64, mut call: impl FnMut(u64) -> T) -> Duration {
    let start = Instant::now();
    for number in 0..calls {
        let _ = black_box(call(number).await);
    }
    start.elapsed()
}

/// The same in a task of the multi-thread runtime.
pub fn in_task<T>(calls: u64, call: impl FnMut(u64) -> T + Send + 'static) -> Duration
where
    T: Future + Send + 'static,
{
    MULTI_THREAD.block_on(async { MULTI_THREAD.spawn(time(calls, call)).await.expect("the calls do not panic") })
}

/// The same in two tasks at once: the mean of both. `caller` makes what each task calls.
pub fn in_two_tasks<T, F>(calls: u64, caller: impl Fn() -> F) -> Duration
where
    T: Future + Send + 'static,
    F: FnMut(u64) -> T + Send + 'static,
{
    measure::at_once(|| {
        let waiting = Arc::new(AtomicUsize::new(2));
        let (one, other) = (caller(), caller());
        MULTI_THREAD.block_on(async {
            let one = MULTI_THREAD.spawn(beside_another(calls, one, Arc::clone(&waiting)));
            let other = MULTI_THREAD.spawn(beside_another(calls, other, waiting));
            (one.await.expect("the calls do not panic"), other.await.expect("the calls do not panic"))
        })
    })
}

/// One of two tasks: begins when both are here.
async fn beside_another<T: Future>(calls: u64, mut call: impl FnMut(u64) -> T, waiting: Arc<AtomicUsize>) -> Span {
    // What a thread sets up at its first calls is no cost of a call.
    time(16, &mut call).await;
    waiting.fetch_sub(1, Ordering::AcqRel);
    let mut spins = 0_u32;
    while waiting.load(Ordering::Acquire) > 0 {
        spins += 1;
        // The other task may be queued behind this one.
        if spins.is_multiple_of(1024) { tokio::task::yield_now().await } else { std::hint::spin_loop() }
    }
    let start = Instant::now();
    time(calls, call).await;
    (start, Instant::now())
}
