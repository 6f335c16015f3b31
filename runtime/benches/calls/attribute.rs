//! The same calls through the attribute.

use std::hint::black_box;
use std::time::Instant;

use breakerbox::circuit_breaker;
use criterion::{BenchmarkGroup, measurement::WallTime};

use crate::{Fault, as_trials, on_two_threads};

macro_rules! protected {
    ($name:ident; $($argument:tt)*) => {
        #[circuit_breaker($($argument)*)]
        #[inline(never)]
        fn $name(x: u64) -> Result<u64, Fault> {
            if x == u64::MAX { Err(Fault(x)) } else { Ok(black_box(x).wrapping_add(1)) }
        }
    };
}

protected!(consecutive; name = "consecutive");
protected!(count_window; name = "count window", failure_rate_threshold = 1.0, minimum_calls = 100);
protected!(time_window; name = "time window", failure_rate_threshold = 1.0, window_duration = 10);
protected!(open; name = "open", recovery_timeout = 3600);

protected!(trial; name = "trial", half_open_max_calls = 1_000_000);

#[circuit_breaker(name = "failing", failure_threshold = 1_000_000)]
#[inline(never)]
fn failing(x: u64) -> Result<u64, Fault> {
    if x.is_multiple_of(64) { Ok(x) } else { Err(Fault(black_box(x))) }
}

#[circuit_breaker(name = "ready")]
async fn ready(x: u64) -> Result<u64, Fault> {
    crate::succeed(x)
}

pub(crate) fn closed(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.bench_function("attribute", |b| b.iter(|| consecutive(black_box(1))));
    group.bench_function("attribute, count window", |b| b.iter(|| count_window(black_box(1))));
    group.bench_function("attribute, time window", |b| b.iter(|| time_window(black_box(1))));
}

pub(crate) fn failed(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut x = 0_u64;
    let mut next = move || {
        x = x.wrapping_add(1);
        x
    };
    group.bench_function("attribute", |b| b.iter(|| failing(next())));
}

pub(crate) fn refused(group: &mut BenchmarkGroup<'_, WallTime>) {
    breakerbox::breaker("open").expect("it is annotated").open();
    group.bench_function("attribute, open", |b| b.iter(|| open(black_box(1))));
}

pub(crate) fn half_open(group: &mut BenchmarkGroup<'_, WallTime>) {
    let breaker = breakerbox::breaker("trial").expect("it is annotated");
    group.bench_function("attribute, trial", |b| {
        b.iter_custom(|calls| as_trials(&breaker, calls, || trial(black_box(1))));
    });
}

pub(crate) fn contended(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.bench_function("attribute", |b| {
        b.iter_custom(|calls| on_two_threads(calls, |_| drop(black_box(consecutive(black_box(1))))));
    });
}

pub(crate) fn asynchronous(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &tokio::runtime::Runtime) {
    group.bench_function("attribute", |b| b.iter_custom(|calls| awaited!(runtime, calls, ready(black_box(1)))));
}
