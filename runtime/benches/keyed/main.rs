//! What it costs to find the breaker of a key, beside a hash map under a lock, and to make one for a new key.
//!
//! `cargo bench -p breakerbox --bench keyed` prints nanoseconds a call.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, RwLock};
use std::time::Instant;

use breakerbox::{Config, KeyedCircuitBreaker, Registry};
use criterion::{Criterion, criterion_group};

/// A family with this many keys, which look like hosts.
fn family(keys: u32) -> (KeyedCircuitBreaker, Vec<String>) {
    let fetch = Registry::new().keyed("fetch", Config::default()).expect("the settings are valid");
    let keys: Vec<String> = (0..keys).map(|key| format!("shard-{key}.api.example.com")).collect();
    for key in &keys {
        fetch.get(key);
    }
    (fetch, keys)
}

/// Runs `step` for each number on so many threads at once, and takes the longest time.
fn on_threads(threads: usize, rounds: u64, step: impl Fn(u64) + Sync) -> std::time::Duration {
    std::thread::scope(|scope| {
        let run = || {
            let begin = Instant::now();
            (0..rounds).for_each(&step);
            begin.elapsed()
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no step panics")).max().unwrap_or_default()
    })
}

fn known(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a known key");
    for count in [1, 1000] {
        let (fetch, keys) = family(count);
        let map: RwLock<HashMap<String, Arc<()>>> =
            RwLock::new(keys.iter().map(|key| (key.clone(), Arc::default())).collect());
        let of = |at: u64| keys[(at % keys.len() as u64) as usize].as_str();
        group.bench_function(format!("of {count}, HashMap under std's RwLock"), |bencher| {
            let mut at = 0;
            bencher.iter(|| {
                at += 1;
                map.read().expect("no panics").get(black_box(of(at))).cloned()
            });
        });
        group.bench_function(format!("of {count}"), |bencher| {
            let mut at = 0;
            bencher.iter(|| {
                at += 1;
                fetch.get(black_box(of(at)))
            });
        });
        group.bench_function(format!("of {count}, two threads"), |bencher| {
            bencher.iter_custom(|rounds| on_threads(2, rounds, |at| drop(fetch.get(black_box(of(at))))));
        });
        group.bench_function(format!("of {count}, HashMap under std's RwLock, two threads"), |bencher| {
            let find = |at: u64| drop(map.read().expect("no panics").get(black_box(of(at))).cloned());
            bencher.iter_custom(|rounds| on_threads(2, rounds, find));
        });
        if count == 1 {
            group.bench_function("a number that displays itself", |bencher| {
                fetch.get("42");
                bencher.iter(|| fetch.get_display(&black_box(42)));
            });
        }
    }
    group.finish();
}

fn new(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a new key");
    let (fetch, _) = family(1000);
    let mut next = 0_u64;
    group.bench_function("which takes the place of another one", |bencher| {
        bencher.iter(|| {
            next += 1;
            fetch.get_display(&next)
        });
    });
    let (fetch, keys) = family(1000);
    for key in &keys {
        fetch.get(key).open();
    }
    group.bench_function("where all are open and none can leave", |bencher| {
        bencher.iter(|| {
            next += 1;
            fetch.get_display(&next)
        });
    });
    group.finish();
}

criterion_group!(benches, known, new);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
