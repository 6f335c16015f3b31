//! The gate: how many instructions a thousand calls take, by path, and how many they may take.
//!
//! Valgrind counts them, so they depend on the code and the compiler, and not on how busy the
//! machine is. `cargo bench -p breakerbox --bench instructions` prints every count and fails if one
//! is over its limit. It needs `valgrind`, and `gungraun-runner` of the version in `Cargo.toml`.
//!
//! A limit is the count a call of the day it was written, and three percent more are let pass, for
//! other compilers. Lower it when a path gets shorter. To raise one, say in the commit what the
//! instructions are spent on.
//!
//! The clock is the system's. Under valgrind reading it is a system call, whose instructions are not
//! counted, where it is some tens of instructions otherwise. The windows are so long that none of
//! their buckets ends.

#![allow(unused_qualifications, reason = "what `library_benchmark` writes")]

use std::hint::black_box;
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, ConfigBuilder, KeyedCircuitBreaker, Permit, Registry};
use futures_util::FutureExt;
use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};

mod attribute;

use attribute::annotated;

const CALLS: u32 = 1000;
const HOUR: Duration = Duration::from_secs(3600);

/// The user's own error. With it a result fits two registers, so that the bare call is a call and nothing else.
#[derive(Debug)]
struct Fault(u64);

impl From<CircuitBreakerError> for Fault {
    #[inline]
    fn from(_: CircuitBreakerError) -> Self {
        Fault(u64::MAX)
    }
}

/// Fails with zero.
#[inline(never)]
fn answer(x: u64) -> Result<u64, Fault> {
    if x == 0 { Err(Fault(x)) } else { Ok(black_box(x).wrapping_add(1)) }
}

#[expect(clippy::unused_async, reason = "a future that is ready at once")]
async fn answer_async(x: u64) -> Result<u64, Fault> {
    answer(x)
}

/// Makes a thousand calls.
#[inline(always)]
fn repeat<R>(mut call: impl FnMut() -> R) {
    for _ in 0..CALLS {
        black_box(call());
    }
}

/// At most so many instructions a call.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let limit = instructions * u64::from(CALLS) * 103 / 100;
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::with_args(["--cache-sim=no"]).hard_limits([(EventKind::Ir, limit)]));
    config
}

fn patient() -> ConfigBuilder {
    let plain = Config::builder().failure_threshold(1_000_000).recovery_timeout(HOUR).half_open_timeout(HOUR);
    plain.half_open_max_calls(1_000_000)
}

fn rate() -> ConfigBuilder {
    patient().failure_rate_threshold(1.0)
}

/// A breaker that calls have gone through, so that its thread has its counters, and its window more
/// calls than a success has to be looked at for.
fn warm(settings: ConfigBuilder) -> CircuitBreaker {
    let breaker = Registry::new().get_or_insert("bench", settings).expect("the settings are valid");
    for _ in 0..4 {
        let _ = breaker.call(|| answer(1));
    }
    breaker
}

fn consecutive() -> CircuitBreaker {
    warm(patient())
}

fn count_window() -> CircuitBreaker {
    warm(rate().window_size(10_000).minimum_calls(2))
}

fn time_window() -> CircuitBreaker {
    warm(rate().window_duration(HOUR).minimum_calls(2))
}

fn slow_calls() -> CircuitBreaker {
    warm(patient().slow_call_duration(HOUR).slow_call_rate_threshold(1.0))
}

/// Where calls under way are counted.
fn in_flight() -> CircuitBreaker {
    let registry = Registry::new();
    registry.count_in_flight();
    registry.get_or_insert("bench", patient()).expect("the settings are valid")
}

/// With a failure in its window, so that a success has to look at it.
fn dirty(breaker: CircuitBreaker) -> CircuitBreaker {
    let _ = breaker.call(|| answer(0));
    breaker
}

fn open() -> CircuitBreaker {
    let breaker = consecutive();
    breaker.open();
    breaker
}

fn forced_open() -> CircuitBreaker {
    let breaker = consecutive();
    breaker.force_open();
    breaker
}

fn half_open() -> CircuitBreaker {
    let breaker = consecutive();
    breaker.half_open();
    let _ = breaker.call(|| answer(1));
    breaker
}

fn half_open_full() -> CircuitBreaker {
    let breaker = warm(patient().half_open_max_calls(1));
    breaker.half_open();
    std::mem::forget(breaker.try_acquire());
    breaker
}

#[library_benchmark(config = at_most(15))]
fn bare() {
    repeat(|| answer(black_box(1)));
}

#[library_benchmark(config = at_most(15))]
fn bare_async() {
    repeat(|| answer_async(black_box(1)).now_or_never());
}

#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(45))]
#[bench::count_window(args = (count_window()), config = at_most(45))]
#[bench::time_window(args = (time_window()), config = at_most(88))]
#[bench::slow_calls(args = (slow_calls()), config = at_most(196))]
#[bench::in_flight(args = (in_flight()), config = at_most(113))]
#[bench::dirty(args = (dirty(consecutive())), config = at_most(45))]
#[bench::dirty_count_window(args = (dirty(count_window())), config = at_most(45))]
#[bench::dirty_time_window(args = (dirty(time_window())), config = at_most(88))]
#[bench::half_open_trial(args = (half_open()), config = at_most(642))]
fn success(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| breaker.call(|| answer(black_box(1))));
    breaker
}

#[library_benchmark]
#[bench::open(args = (open()), config = at_most(88))]
#[bench::forced_open(args = (forced_open()), config = at_most(79))]
#[bench::half_open_full(args = (half_open_full()), config = at_most(142))]
fn refused(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| breaker.call(|| answer(black_box(1))));
    breaker
}

#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(101))]
#[bench::count_window(args = (count_window()), config = at_most(255))]
#[bench::time_window(args = (time_window()), config = at_most(491))]
fn failed(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| breaker.call(|| answer(black_box(0))));
    breaker
}

// A thousand of each.
#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(236))]
fn failed_then_success(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| (breaker.call(|| answer(black_box(0))), breaker.call(|| answer(black_box(1)))));
    breaker
}

#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(57))]
fn ready_future(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| breaker.call_async(answer_async(black_box(1))).now_or_never());
    breaker
}

#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(54))]
fn permit_success(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| breaker.try_acquire().map(Permit::success));
    breaker
}

#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(236))]
fn permit_ignored(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| breaker.try_acquire().map(Permit::ignore));
    breaker
}

#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(226))]
fn permit_cancelled(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| drop(breaker.try_acquire()));
    breaker
}

// Here and below more is let pass: the C library's part of it differs by processor.
#[library_benchmark]
#[bench::consecutive(args = (consecutive()), config = at_most(1_840))]
#[bench::time_window(args = (dirty(time_window())), config = at_most(2_330))]
fn status(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| breaker.status());
    breaker
}

/// A registry of a thousand breakers, and their names.
fn registered() -> (Registry, Vec<String>) {
    let registry = Registry::new();
    let names: Vec<_> = (0..CALLS).map(|number| format!("payments::client::call_{number}")).collect();
    for name in &names {
        registry.get_or_insert(name, patient()).expect("the name is valid");
    }
    (registry, names)
}

#[library_benchmark]
#[bench::of_thousand(args = (registered()), config = at_most(185))]
fn looked_up((registry, names): (Registry, Vec<String>)) -> (Registry, Vec<String>) {
    for name in &names {
        black_box(registry.get(name));
    }
    (registry, names)
}

/// A family of a thousand keys, and the keys.
fn keyed() -> (KeyedCircuitBreaker, Vec<String>) {
    let fetch = Registry::new().keyed("fetch", patient()).expect("the name is valid");
    let keys: Vec<_> = (0..CALLS).map(|number| format!("shard-{number}.api.example.com")).collect();
    for key in &keys {
        fetch.get(key);
    }
    (fetch, keys)
}

#[library_benchmark]
#[bench::of_thousand(args = (keyed()), config = at_most(263))]
fn found_by_key((fetch, keys): (KeyedCircuitBreaker, Vec<String>)) -> (KeyedCircuitBreaker, Vec<String>) {
    for key in &keys {
        black_box(fetch.get(key));
    }
    (fetch, keys)
}

// A thousand breakers, once.
#[library_benchmark]
#[bench::thousand(args = (registered()), config = at_most(45))]
fn listed((registry, names): (Registry, Vec<String>)) -> (Registry, Vec<String>) {
    black_box(registry.all());
    (registry, names)
}

library_benchmark_group!(name = bare_call, benchmarks = [bare, bare_async]);
library_benchmark_group!(
    name = handle,
    benchmarks =
        [success, refused, failed, failed_then_success, ready_future, permit_success, permit_ignored, permit_cancelled]
);
library_benchmark_group!(name = looked_at, benchmarks = [status, looked_up, found_by_key, listed]);

main!(library_benchmark_groups = [bare_call, handle, annotated, looked_at]);
