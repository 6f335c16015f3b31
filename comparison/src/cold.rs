//! Calls with cold caches: between two calls 4 MiB of other data are touched, which is more than the inner caches hold.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const SIZE: usize = 4 << 20;
const LINE: usize = 64;

static OTHER_DATA: LazyLock<Vec<u8>> = LazyLock::new(|| vec![1; SIZE]);

/// Touches every cache line of the other data.
fn walk() {
    let sum: u64 = OTHER_DATA.iter().step_by(LINE).map(|byte| u64::from(*byte)).sum();
    black_box(sum);
}

/// `calls` times what one cold call takes, with one reading of the clock: the mean of the middle half. A single
/// interrupt would spoil the mean of all, and a clock that counts in steps of 10 ns the median.
pub fn time<R>(calls: u64, mut call: impl FnMut(u64) -> R) -> Duration {
    let mut taken: Vec<Duration> = (0..calls)
        .map(|number| {
            walk();
            // The clock is no part of the breaker: it gets warm again.
            black_box(Instant::now());
            let start = Instant::now();
            let _ = black_box(call(number));
            start.elapsed()
        })
        .collect();
    taken.sort_unstable();
    let quarter = taken.len() / 4;
    let middle = &taken[quarter..taken.len() - quarter];
    middle.iter().sum::<Duration>().mul_f64(calls as f64 / middle.len() as f64)
}
