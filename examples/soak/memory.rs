//! Memory: what the allocator has given out, what the system says is resident, and whether they grow.

use std::alloc::System;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::law::{Law, check};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What is given out at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heap {
    pub(crate) blocks: usize,
    pub(crate) bytes: usize,
}

impl Heap {
    pub(crate) fn now() -> Heap {
        let stats = ALLOCATOR.stats();
        Heap {
            blocks: stats.allocations.saturating_sub(stats.deallocations),
            bytes: stats.bytes_allocated.saturating_sub(stats.bytes_deallocated),
        }
    }
}

/// Resident bytes of the process, where the system tells.
fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What the resident memory and the heap may grow by from the first quarter after the warm-up to the last
/// one: what the allocator keeps in its arenas for threads moves that much.
const RESIDENT_BOUND: usize = 16 << 20;
const HEAP_BOUND: usize = 4 << 20;
/// What may be left when everything is dropped: what the library, the runtime and the standard library keep
/// for the next time in what lives as long as the program.
const BLOCKS_BOUND: usize = 100;
const BYTES_BOUND: usize = 128 << 10;

/// Samples of a storm. Made with all its room, so as not to be seen itself.
#[derive(Debug)]
pub(crate) struct Samples {
    resident: Vec<usize>,
    heap: Vec<usize>,
}

impl Samples {
    pub(crate) fn with_capacity(samples: usize) -> Samples {
        Samples { resident: Vec::with_capacity(samples), heap: Vec::with_capacity(samples) }
    }

    pub(crate) fn take(&mut self, is_light: bool) {
        self.resident.extend(resident().filter(|_| !is_light));
        self.heap.push(Heap::now().bytes);
    }

    /// Medians of the first quarter after the warm-up and of the last one.
    pub(crate) fn resident(&self) -> Option<(usize, usize)> {
        quarters(&self.resident)
    }

    pub(crate) fn heap(&self) -> Option<(usize, usize)> {
        quarters(&self.heap)
    }

    pub(crate) fn judge(&self) {
        let all =
            [(Law::ResidentIsSteady, self.resident(), RESIDENT_BOUND), (Law::HeapIsSteady, self.heap(), HEAP_BOUND)];
        for (law, found, bound) in all {
            if let Some((before, after)) = found {
                check(law, after <= before + bound, || {
                    format!("{} KiB, and {} KiB at the end", before >> 10, after >> 10)
                });
            }
        }
    }
}

/// Too few to say anything.
const FEW: usize = 16;

fn quarters(samples: &[usize]) -> Option<(usize, usize)> {
    let warm = &samples[samples.len() / 5..];
    let quarter = warm.len() / 4;
    (samples.len() >= FEW).then(|| (median(&warm[..quarter]), median(&warm[warm.len() - quarter..])))
}

fn median(samples: &[usize]) -> usize {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// Compares with what was given out before, once threads that have ended have given back what was theirs.
pub(crate) fn judge_rest(before: Heap) -> Heap {
    let is_back = |now: Heap| now.blocks <= before.blocks + BLOCKS_BOUND && now.bytes <= before.bytes + BYTES_BOUND;
    let begin = Instant::now();
    while !is_back(Heap::now()) && begin.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(10));
    }
    let now = Heap::now();
    check(Law::MemoryComesBack, is_back(now), || format!("{before:?} before, {now:?} after"));
    now
}
