//! The cost of a call against the number of threads that call one breaker.
//!
//! With more threads than cores, the elapsed time of a call grows with the time that threads wait for a core. So the
//! first chart counts the processor time that the threads spend, spinning and system calls included. It does not see a
//! thread that sleeps while it waits for a lock; the second chart does: the elapsed time of all cores, shared out among
//! all calls, so that a core which nobody uses counts as well.

use std::io;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use breakerbox::State;
use failsafe::CircuitBreaker as _;
use rustix::time::{ClockId, clock_gettime};

use super::calls::{consecutive, count_window, mostly_failing, open, time_window, verify};
use super::chart::{Chart, Subject};
use super::fewer;
use crate::measure::{Effort, time};
use crate::work::work;

const THREADS: [usize; 5] = [1, 2, 4, 8, 16];

const CPU: &str = "threads";
const ELAPSED: &str = "threads-elapsed";

/// The charts of this file.
pub(super) const NAMES: [&str; 2] = [CPU, ELAPSED];

/// If the bare call waits longer than so many times its processor time, something else keeps the cores busy.
pub(super) const BUSY: f64 = 1.2;

/// A thread makes so many calls between two looks at whether it should stop.
const BATCH: u64 = 1_000;

#[derive(Clone, Copy)]
enum Cost {
    Cpu,
    Elapsed,
}

pub(super) fn by_cpu_time(effort: &Effort) -> io::Result<Chart> {
    let chart = Chart::new(
        CPU,
        "Cost of a call against threads on one breaker, in processor time",
        "threads",
        "ns of processor time per call",
    );
    measure(chart, Cost::Cpu, effort)
}

pub(super) fn by_elapsed_time(effort: &Effort) -> io::Result<Chart> {
    let chart = Chart::new(
        ELAPSED,
        "Cost of a call against threads on one breaker, in elapsed time",
        "threads",
        "ns of elapsed time of the cores per call",
    );
    measure(chart, Cost::Elapsed, effort)
}

fn measure(mut chart: Chart, cost: Cost, effort: &Effort) -> io::Result<Chart> {
    // Long enough for all threads to have turns on the cores.
    let slice = Duration::from_millis(if effort.quick { 4 } else { 20 });
    for threads in THREADS {
        let (closed, counted, timed) = (consecutive(), count_window(100), time_window());
        let (failing, failing_counted, refusing) = (consecutive(), count_window(100), open());
        let another = failsafe::Config::new()
            .failure_policy(failsafe::failure_policy::consecutive_failures(
                5,
                failsafe::backoff::constant(Duration::from_mins(1)),
            ))
            .build();
        let subjects = vec![
            Subject::floor("bare call", |calls| spend(cost, threads, slice, calls, work)),
            Subject::ours("success, consecutive", |calls| {
                spend(cost, threads, slice, calls, |x| closed.call(|| work(x)))
            }),
            Subject::ours("success, count window", |calls| {
                spend(cost, threads, slice, calls, |x| counted.call(|| work(x)))
            }),
            Subject::ours("success, time window", |calls| {
                spend(cost, threads, slice, calls, |x| timed.call(|| work(x)))
            }),
            Subject::ours("refused", |calls| spend(cost, threads, slice, calls, |x| refusing.call(|| work(x)))),
            Subject::ours("failed, consecutive", |calls| {
                spend(cost, threads, slice, calls, |x| failing.call(|| work(mostly_failing(x))))
            }),
            Subject::ours("failed, count window", |calls| {
                spend(cost, threads, slice, calls, |x| failing_counted.call(|| work(mostly_failing(x))))
            }),
            Subject::contrast("failsafe, success", |calls| {
                spend(cost, threads, slice, calls, |x| another.call(|| work(x)))
            }),
        ];
        chart.measure_calls(threads, fewer(effort), 1_000_000, subjects);
        for breaker in [&closed, &counted, &timed, &failing, &failing_counted] {
            verify(breaker, State::Closed)?;
        }
        verify(&refusing, State::Open)?;
    }
    Ok(chart)
}

/// How many times longer the bare call of all threads took than its processor time: 1, unless something else ran.
pub(super) fn waited(charts: &[Chart]) -> f64 {
    let cost = |name| {
        let chart = charts.iter().find(|chart| chart.name == name);
        chart.and_then(|chart| chart.curves[0].points.last()).map_or(f64::NAN, |(_, cost)| *cost)
    };
    cost(ELAPSED) / cost(CPU)
}

/// What `calls` calls cost when the threads call at once, from what they cost while the threads run for `slice`.
fn spend<R>(cost: Cost, threads: usize, slice: Duration, calls: u64, call: impl Fn(u64) -> R + Sync) -> Duration {
    let (start, stop) = (Barrier::new(threads + 1), AtomicBool::new(false));
    let run = || {
        start.wait();
        let (began, before) = (Instant::now(), thread_time());
        let mut made = 0;
        while !stop.load(Ordering::Relaxed) {
            time(BATCH, &call);
            made += BATCH;
        }
        (made, thread_time().saturating_sub(before), began, Instant::now())
    };
    let runs: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        start.wait();
        thread::sleep(slice);
        stop.store(true, Ordering::Relaxed);
        running.into_iter().map(|thread| thread.join().expect("no call panics")).collect()
    });
    let total = match cost {
        Cost::Cpu => runs.iter().map(|(_, spent, _, _)| *spent).sum(),
        Cost::Elapsed => {
            let began = runs.iter().map(|(_, _, began, _)| *began).min();
            let ended = runs.iter().map(|(_, _, _, ended)| *ended).max();
            let elapsed = ended.zip(began).map_or(Duration::ZERO, |(ended, began)| ended - began);
            elapsed * thread::available_parallelism().map_or(1, usize::from).min(threads) as u32
        }
    };
    let made: u64 = runs.iter().map(|(made, ..)| made).sum();
    // A thread that never had its turn made no calls.
    total.mul_f64(calls as f64 / made.max(1) as f64)
}

/// The processor time of the calling thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Both parts are never negative.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
