//! How long something takes and how often it allocates, by wall clock and the counting allocator.

use std::ops::Range;
use std::time::Instant;

use crate::memory;

#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub ns: f64,
    pub allocations: f64,
}

/// The mean of so many.
fn mean(range: Range<usize>, each: &mut impl FnMut(usize)) -> Cost {
    let many = range.len() as f64;
    let allocations = memory::stats().allocations;
    let begun = Instant::now();
    range.for_each(each);
    let took = begun.elapsed();
    let allocated = memory::stats().allocations - allocations;
    Cost { ns: took.as_nanos() as f64 / many, allocations: allocated as f64 / many }
}

fn median(mut samples: Vec<Cost>) -> Cost {
    samples.sort_unstable_by(|one, other| one.ns.total_cmp(&other.ns));
    samples[samples.len() / 2]
}

/// The median of a hundred parts of so many, for other work of the machine would be in a mean.
pub fn cost(many: usize, mut each: impl FnMut(usize)) -> Cost {
    let part = many / 100;
    median((0..100).map(|at| mean(at * part..(at + 1) * part, &mut each)).collect())
}

/// The median of samples, each of which takes every key some times.
pub fn known<K>(keys: &[K], mut each: impl FnMut(&K)) -> Cost {
    let mut each = |number: usize| each(&keys[number * 7 % keys.len()]);
    median((0..101).map(|_| mean(0..10 * keys.len(), &mut each)).collect())
}
