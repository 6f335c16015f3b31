//! How long something takes and how often it allocates, by wall clock and the counting allocator.

use std::time::Instant;

use crate::memory;

#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub ns: f64,
    pub allocations: f64,
}

/// The mean of so many, in which everything has happened as often as it does.
pub fn cost(many: usize, mut each: impl FnMut(usize)) -> Cost {
    let allocations = memory::stats().allocations;
    let begun = Instant::now();
    (0..many).for_each(&mut each);
    let took = begun.elapsed();
    let allocated = memory::stats().allocations - allocations;
    Cost { ns: took.as_nanos() as f64 / many as f64, allocations: allocated as f64 / many as f64 }
}

/// The median of samples, each of which takes every key some times.
pub fn known<K>(keys: &[K], mut each: impl FnMut(&K)) -> Cost {
    const SAMPLES: usize = 101;
    let mut samples: Vec<Cost> =
        (0..SAMPLES).map(|_| cost(10 * keys.len(), |number| each(&keys[number * 7 % keys.len()]))).collect();
    samples.sort_unstable_by(|one, other| one.ns.total_cmp(&other.ns));
    samples[SAMPLES / 2]
}
