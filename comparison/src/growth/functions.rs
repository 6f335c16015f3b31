//! The cost of a call against the number of annotated functions that are called in turn.
//!
//! More functions are more code and more data, so the floor has both too: bare functions, each of which counts its
//! calls on a cache line of its own.

use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use breakerbox::circuit_breaker;
use seq_macro::seq;

use super::chart::{Chart, Subject};
use crate::measure::Effort;
use crate::work::Fault;

#[repr(align(128))]
struct Line(AtomicU64);

// Each function adds another number, or the compiler would make them one.
seq!(N in 0..600 {
    #[inline(never)]
    fn bare~N(x: u64) -> Result<u64, Fault> {
        if x == u64::MAX { Err(Fault(x)) } else { Ok(black_box(x).wrapping_add(N)) }
    }

    #[inline(never)]
    fn counted~N(x: u64) -> Result<u64, Fault> {
        static CALLS: Line = Line(AtomicU64::new(0));
        CALLS.0.fetch_add(1, Ordering::Relaxed);
        if x == u64::MAX { Err(Fault(x)) } else { Ok(black_box(x).wrapping_add(N)) }
    }

    #[circuit_breaker]
    #[inline(never)]
    fn annotated~N(x: u64) -> Result<u64, Fault> {
        if x == u64::MAX { Err(Fault(x)) } else { Ok(black_box(x).wrapping_add(N)) }
    }
});

/// The time of so many calls, made to the first `$count` functions of a kind in turn.
macro_rules! in_turn {
    ($function:ident, $count:tt) => {
        |calls: u64| -> Duration {
            let turns = calls.div_ceil($count);
            let start = Instant::now();
            for _ in 0..turns {
                seq!(N in 0..$count {
                    let _ = black_box($function~N(black_box(1)));
                });
            }
            // Whole turns are made, so there are some calls too many.
            start.elapsed().mul_f64(calls as f64 / (turns * $count) as f64)
        }
    };
}

macro_rules! subjects {
    ($count:tt) => {
        vec![
            Subject::floor("bare functions that count, each on a line of its own", in_turn!(counted, $count)),
            Subject::floor("bare functions", in_turn!(bare, $count)),
            Subject::ours("annotated functions", in_turn!(annotated, $count)),
        ]
    };
}

pub(super) fn calls(effort: &Effort) -> io::Result<Chart> {
    let mut chart = Chart::new(
        "functions",
        "Cost of a call against annotated functions, called in turn",
        "different functions called in turn",
        "ns per call",
    );
    chart.measure(1, effort, subjects!(1));
    chart.measure(10, effort, subjects!(10));
    chart.measure(100, effort, subjects!(100));
    chart.measure(600, effort, subjects!(600));
    let called = breakerbox::breakers()
        .iter()
        .filter(|breaker| breaker.name().starts_with(module_path!()) && breaker.status().totals.successes > 0)
        .count();
    if called == 600 { Ok(chart) } else { Err(io::Error::other(format!("{called} of 600 functions were called"))) }
}
