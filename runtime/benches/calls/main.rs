//! What a call costs: through the handle and through the attribute, each beside the bare call.
//!
//! `cargo bench -p breakerbox --bench calls` prints nanoseconds a call; the ratios in the README
//! are those to `bare` of the same group.

use std::hint::black_box;
use std::time::{Duration, Instant};

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, ManualClock, Registry};
use criterion::{BenchmarkGroup, Criterion, criterion_group, measurement::WallTime};

/// The user's own error. With it a result fits two registers, so that the bare call is a call and nothing else.
#[derive(Debug)]
pub struct Fault(pub u64);

impl From<CircuitBreakerError> for Fault {
    #[inline]
    fn from(_: CircuitBreakerError) -> Self {
        Fault(u64::MAX)
    }
}

#[inline(never)]
fn succeed(x: u64) -> Result<u64, Fault> {
    if x == u64::MAX { Err(Fault(x)) } else { Ok(black_box(x).wrapping_add(1)) }
}

/// Fails, but for one call in 64, so that no threshold of a benchmark is ever reached.
#[inline(never)]
fn fail(x: u64) -> Result<u64, Fault> {
    if x.is_multiple_of(64) { Ok(x) } else { Err(Fault(black_box(x))) }
}

/// Thresholds that are never reached, so that failures do not open the circuit.
fn patient() -> breakerbox::ConfigBuilder {
    Config::builder().failure_threshold(1_000_000)
}

fn breaker(config: breakerbox::ConfigBuilder) -> CircuitBreaker {
    let config = config.build().expect("the settings of the benchmark are valid");
    Registry::new().get_or_insert("bench", config).expect("the name is valid")
}

fn consecutive() -> CircuitBreaker {
    breaker(patient())
}

fn count_window() -> CircuitBreaker {
    breaker(patient().failure_rate_threshold(1.0).window_size(100).minimum_calls(100))
}

fn time_window() -> CircuitBreaker {
    breaker(patient().failure_rate_threshold(1.0).window_duration(Duration::from_secs(10)).minimum_calls(1_000_000))
}

fn slow_calls() -> CircuitBreaker {
    let hour = Duration::from_secs(3600);
    breaker(patient().slow_call_duration(hour).slow_call_rate_threshold(1.0))
}

/// Where exporters of metrics count calls under way.
fn in_flight() -> CircuitBreaker {
    let registry = Registry::new();
    registry.count_in_flight();
    registry.get_or_insert("bench", patient()).expect("the settings are valid")
}

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1500)).sample_size(30);
    group
}

fn closed(c: &mut Criterion) {
    let mut group = group(c, "closed");
    group.bench_function("bare", |b| b.iter(|| succeed(black_box(1))));
    for (name, breaker) in [
        ("handle", consecutive()),
        ("handle, count window", count_window()),
        ("handle, time window", time_window()),
        ("handle, slow calls", slow_calls()),
        ("handle, calls under way counted", in_flight()),
    ] {
        group.bench_function(name, |b| b.iter(|| breaker.call(|| succeed(black_box(1)))));
    }
    let permits = consecutive();
    group.bench_function("permit", |b| {
        b.iter(|| {
            let permit = permits.try_acquire().expect("closed");
            let result = succeed(black_box(1));
            permit.success();
            result
        });
    });
    attribute::closed(&mut group);
}

fn failed(c: &mut Criterion) {
    let mut group = group(c, "failed");
    let mut x = 0_u64;
    let mut next = move || {
        x = x.wrapping_add(1);
        x
    };
    group.bench_function("bare", |b| b.iter(|| fail(next())));
    for (name, breaker) in
        [("handle", consecutive()), ("handle, count window", count_window()), ("handle, time window", time_window())]
    {
        group.bench_function(name, |b| b.iter(|| breaker.call(|| fail(next()))));
    }
    attribute::failed(&mut group);
}

/// One call in a hundred fails, so a window is never clean.
fn one_percent(c: &mut Criterion) {
    fn mixed(x: u64) -> Result<u64, Fault> {
        if x.is_multiple_of(100) { fail(x) } else { succeed(x) }
    }
    let mut group = group(c, "one percent failed");
    let mut x = 0_u64;
    let mut next = move || {
        x = x.wrapping_add(1);
        x
    };
    group.bench_function("bare", |b| b.iter(|| mixed(next())));
    for (name, breaker) in
        [("handle", consecutive()), ("handle, count window", count_window()), ("handle, time window", time_window())]
    {
        group.bench_function(name, |b| b.iter(|| breaker.call(|| mixed(next()))));
    }
}

fn refused(c: &mut Criterion) {
    let mut group = group(c, "refused");
    group.bench_function("bare", |b| b.iter(|| succeed(black_box(1))));
    let open = consecutive();
    open.open_for(Duration::from_secs(3600));
    group.bench_function("handle, open", |b| b.iter(|| open.call(|| succeed(black_box(1)))));
    let forced = consecutive();
    forced.force_open();
    group.bench_function("handle, forced open", |b| b.iter(|| forced.call(|| succeed(black_box(1)))));
    attribute::refused(&mut group);
}

/// Time of `calls` trial calls, in episodes that are long enough for many.
fn as_trials(breaker: &CircuitBreaker, calls: u64, call: impl Fn() -> Result<u64, Fault>) -> Duration {
    let mut taken = Duration::ZERO;
    let mut left = calls;
    while left > 0 {
        let batch = left.min(900_000);
        breaker.half_open();
        let start = Instant::now();
        for _ in 0..batch {
            let _ = black_box(call());
        }
        taken += start.elapsed();
        breaker.close();
        left -= batch;
    }
    taken
}

fn half_open(c: &mut Criterion) {
    let mut group = group(c, "half-open");
    group.bench_function("bare", |b| b.iter(|| succeed(black_box(1))));
    let trials = breaker(Config::builder().half_open_max_calls(1_000_000));
    group.bench_function("handle, trial", |b| {
        b.iter_custom(|calls| as_trials(&trials, calls, || trials.call(|| succeed(black_box(1)))));
    });
    attribute::half_open(&mut group);
    let full =
        Registry::with_clock(ManualClock::new()).get_or_insert("full", Config::default()).expect("the name is valid");
    full.half_open();
    let _places: Vec<_> = (0..3).map(|_| full.try_acquire()).collect();
    group.bench_function("handle, full", |b| b.iter(|| full.call(|| succeed(black_box(1)))));
}

/// Nanoseconds a call when two threads call at once.
fn on_two_threads(calls: u64, call: impl Fn(u64) + Sync) -> Duration {
    let barrier = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let run = || {
            barrier.wait();
            let start = Instant::now();
            for x in 0..calls {
                call(x);
            }
            start.elapsed()
        };
        let other = scope.spawn(run);
        let own = run();
        other.join().map_or(own, |other| (own + other) / 2)
    })
}

fn contended(c: &mut Criterion) {
    let mut group = group(c, "two threads");
    group.bench_function("bare", |b| {
        b.iter_custom(|calls| on_two_threads(calls, |_| drop(black_box(succeed(black_box(1))))));
    });
    for (name, breaker) in
        [("handle", consecutive()), ("handle, count window", count_window()), ("handle, time window", time_window())]
    {
        group.bench_function(name, |b| {
            b.iter_custom(|calls| on_two_threads(calls, |_| drop(black_box(breaker.call(|| succeed(black_box(1)))))));
        });
    }
    let failing = consecutive();
    group.bench_function("handle, failed", |b| {
        b.iter_custom(|calls| on_two_threads(calls, |x| drop(black_box(failing.call(|| fail(x))))));
    });
    let open = consecutive();
    open.open_for(Duration::from_secs(3600));
    group.bench_function("handle, refused", |b| {
        b.iter_custom(|calls| on_two_threads(calls, |_| drop(black_box(open.call(|| succeed(black_box(1)))))));
    });
    attribute::contended(&mut group);
}

/// Time of `calls` awaits, one after the other, of a future that is ready.
macro_rules! awaited {
    ($runtime:expr, $calls:expr, $call:expr) => {
        $runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..$calls {
                let _ = black_box($call.await);
            }
            start.elapsed()
        })
    };
}

fn asynchronous(c: &mut Criterion) {
    #[expect(clippy::unused_async, reason = "a future that is ready at once")]
    async fn ready(x: u64) -> Result<u64, Fault> {
        succeed(x)
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let mut group = group(c, "async");
    group.bench_function("bare", |b| b.iter_custom(|calls| awaited!(runtime, calls, ready(black_box(1)))));
    let breaker = consecutive();
    group.bench_function("handle", |b| {
        b.iter_custom(|calls| awaited!(runtime, calls, breaker.call_async(ready(black_box(1)))));
    });
    attribute::asynchronous(&mut group, &runtime);
}

mod ratios;

#[cfg(feature = "macros")]
mod attribute;
#[cfg(not(feature = "macros"))]
mod attribute {
    use super::{BenchmarkGroup, WallTime};
    pub(super) fn closed(_: &mut BenchmarkGroup<'_, WallTime>) {}
    pub(super) fn failed(_: &mut BenchmarkGroup<'_, WallTime>) {}
    pub(super) fn refused(_: &mut BenchmarkGroup<'_, WallTime>) {}
    pub(super) fn half_open(_: &mut BenchmarkGroup<'_, WallTime>) {}
    pub(super) fn contended(_: &mut BenchmarkGroup<'_, WallTime>) {}
    pub(super) fn asynchronous(_: &mut BenchmarkGroup<'_, WallTime>, _: &tokio::runtime::Runtime) {}
}

criterion_group!(benches, closed, failed, one_percent, refused, half_open, contended, asynchronous);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    ratios::print();
}
