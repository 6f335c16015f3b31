//! The costs of one registry against the number of its breakers.
//!
//! Calls and lookups go through all breakers in a random order, so with many of them each finds its data out of the
//! cache. That is inherent, and the floors show how much of it: they touch one cache line for each breaker.

use std::collections::HashMap;
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use breakerbox::{CircuitBreaker, Config, Registry, State};

use super::calls::verify;
use super::chart::{Chart, Subject};
use super::fewer;
use crate::measure::{Effort, time};
use crate::work::work;

/// A smoke run leaves out the largest number, most of whose time is setting up.
fn sizes(effort: &Effort) -> &'static [usize] {
    let sizes = &[1, 10, 100, 1_000, 10_000, 100_000];
    if effort.quick { &sizes[..5] } else { sizes }
}

/// The smallest thing that a call could write to.
#[repr(align(128))]
#[derive(Default)]
struct Line(AtomicU64);

/// Calls something with each element in turn, and goes on where it stopped.
struct Cycle<T> {
    elements: Vec<T>,
    next: usize,
}

impl<T> Cycle<T> {
    fn new(elements: Vec<T>) -> Self {
        Cycle { elements, next: 0 }
    }

    fn time<R>(&mut self, calls: u64, mut call: impl FnMut(&T, u64) -> R) -> Duration {
        let (elements, mut next) = (self.elements.as_slice(), self.next);
        let taken = time(calls, |x| {
            let element = &elements[next];
            next = if next + 1 == elements.len() { 0 } else { next + 1 };
            call(element, x)
        });
        self.next = next;
        taken
    }
}

/// Always the same order, so that runs can be compared.
fn shuffled<T>(mut elements: Vec<T>) -> Vec<T> {
    fastrand::Rng::with_seed(7).shuffle(&mut elements);
    elements
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("service-{number:06}")).collect()
}

fn registry_of(names: &[String]) -> io::Result<Registry> {
    let registry = Registry::new();
    for name in names {
        registry.get_or_insert(name, Config::default()).map_err(io::Error::other)?;
    }
    Ok(registry)
}

pub(super) fn calls(effort: &Effort) -> io::Result<Chart> {
    let mut chart = Chart::new(
        "breakers",
        "Cost of a call against breakers, called in a random order",
        "breakers in one registry",
        "ns per call",
    );
    for &count in sizes(effort) {
        let closed = shuffled(registry_of(&names(count))?.all());
        let open = shuffled(registry_of(&names(count))?.all());
        for breaker in &open {
            breaker.open_for(Duration::from_hours(1));
        }
        let lines: Vec<Line> = (0..count).map(|_| Line::default()).collect();
        let mut lines = Cycle::new(shuffled(lines.iter().collect()));
        let (mut admitting, mut refusing) = (Cycle::new(closed), Cycle::new(open));
        // The first call through a breaker makes its counters.
        admitting.time(count as u64, |breaker, x| breaker.call(|| work(x)));
        refusing.time(count as u64, |breaker, x| breaker.call(|| work(x)));
        let subjects = vec![
            Subject::floor("bare call that counts on a line of its own", |calls| {
                lines.time(calls, |line, x| {
                    line.0.fetch_add(1, Ordering::Relaxed);
                    work(x)
                })
            }),
            Subject::ours("success", |calls| admitting.time(calls, |breaker, x| breaker.call(|| work(x)))),
            Subject::ours("refused", |calls| refusing.time(calls, |breaker, x| breaker.call(|| work(x)))),
        ];
        chart.measure(count, effort, subjects);
        admitting.elements.iter().try_for_each(|breaker| verify(breaker, State::Closed))?;
        refusing.elements.iter().try_for_each(|breaker| verify(breaker, State::Open))?;
    }
    Ok(chart)
}

pub(super) fn lookups(effort: &Effort) -> io::Result<Chart> {
    const ANY: &str = "get, any name";
    const SAME: &str = "get, the same 10 names";
    const SAME_FLOOR: &str = "a HashMap behind a lock, the same 10 names";
    let mut chart =
        Chart::new("lookup", "Cost of a lookup by name against breakers", "breakers in one registry", "ns per lookup");
    for &count in sizes(effort) {
        let names = shuffled(names(count));
        let registry = registry_of(&names)?;
        let map: HashMap<String, Arc<Line>> = names.iter().map(|name| (name.clone(), Arc::default())).collect();
        let map = RwLock::new(map);
        // Cloned in the shuffled order, so that the caller's own names are no cause of cache misses.
        let again = || Cycle::new(names.clone());
        let (mut any, mut in_map) = (again(), again());
        let again = || Cycle::new(names.iter().take(10).cloned().collect());
        let (mut same, mut same_in_map) = (again(), again());
        let find = |name: &String, _| map.read().ok().and_then(|map| map.get(name).cloned());
        let subjects = vec![
            Subject::floor("a HashMap behind a lock, any name", |calls| in_map.time(calls, find)),
            Subject::floor(SAME_FLOOR, |calls| same_in_map.time(calls, find)),
            Subject::ours(ANY, |calls| any.time(calls, |name, _| found(&registry, name))),
            Subject::ours(SAME, |calls| same.time(calls, |name, _| found(&registry, name))),
        ];
        chart.measure(count, effort, subjects);
    }
    for name in [ANY, SAME] {
        chart.curve(name).limit = Some((100_000.0, 100.0));
    }
    chart.curve(SAME).floor = Some(SAME_FLOOR);
    Ok(chart)
}

fn found(registry: &Registry, name: &str) -> CircuitBreaker {
    registry.get(name).expect("every name of the benchmark has a breaker")
}

pub(super) fn lists(effort: &Effort) -> io::Result<Chart> {
    const ALL: &str = "all()";
    let mut chart = Chart::new(
        "list",
        "Cost of a list of all breakers against their number",
        "breakers in one registry",
        "ms for all of them",
    );
    (chart.unit, chart.is_total) = (1e6, true);
    for &count in sizes(effort) {
        let registry = registry_of(&shuffled(names(count)))?;
        if registry.all().len() != count {
            return Err(io::Error::other(format!("the registry lists {} of {count} breakers", registry.all().len())));
        }
        let floor: Vec<Arc<Line>> = shuffled((0..count).map(|_| Arc::default()).collect());
        let subjects = vec![
            Subject::floor("a Vec of Arcs, cloned", |_| once(|| floor.clone())),
            Subject::ours(ALL, |_| once(|| registry.all())),
            Subject::ours("summary()", |_| once(|| registry.summary())),
            Subject::ours("statuses()", |_| once(|| registry.statuses())),
        ];
        chart.measure_calls(count, fewer(effort), 1, subjects);
    }
    // A short list takes less time than it takes to read the clock.
    chart.curves.iter_mut().for_each(|curve| curve.judged_from = 1_000.0);
    chart.curve(ALL).limit = Some((100_000.0, 20.0));
    Ok(chart)
}

/// The time of one call, without that of dropping what it returns.
fn once<R>(call: impl FnOnce() -> R) -> Duration {
    let start = Instant::now();
    let _returned = black_box(call());
    start.elapsed()
}
