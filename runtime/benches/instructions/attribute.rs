//! The same calls through the attribute.

use std::hint::black_box;

use breakerbox::{CircuitBreaker, circuit_breaker};
use futures_util::FutureExt;
use gungraun::prelude::*;

use crate::{Fault, answer, at_most, repeat};

macro_rules! protected {
    ($function:ident, $name:literal, $($argument:tt)*) => {
        #[circuit_breaker(name = $name, failure_threshold = 1_000_000, recovery_timeout = 3600, $($argument)*)]
        #[inline(never)]
        fn $function(x: u64) -> Result<u64, Fault> {
            if x == 0 { Err(Fault(x)) } else { Ok(black_box(x).wrapping_add(1)) }
        }
    };
}

protected!(consecutive, "consecutive", half_open_max_calls = 1_000_000);
protected!(count_window, "count window", failure_rate_threshold = 1.0, window_size = 10_000, minimum_calls = 2);
protected!(time_window, "time window", failure_rate_threshold = 1.0, window_duration = 3600, minimum_calls = 2);
protected!(slow_calls, "slow calls", slow_call_duration = 3600, slow_call_rate_threshold = 1.0);
protected!(ignoring, "ignoring", ignore_if = |fault: &Fault| fault.0 == 0);

#[circuit_breaker(name = "async")]
async fn ready(x: u64) -> Result<u64, Fault> {
    answer(x)
}

/// The breaker of an annotated function, after some calls.
fn warm(name: &str) -> CircuitBreaker {
    let call = || match name {
        "consecutive" => consecutive(1),
        "count window" => count_window(1),
        "time window" => time_window(1),
        "slow calls" => slow_calls(1),
        "ignoring" => ignoring(1),
        _ => ready(1).now_or_never().expect("ready at once"),
    };
    for _ in 0..4 {
        let _ = call();
    }
    breakerbox::breaker(name).expect("it is annotated")
}

fn half_open() -> CircuitBreaker {
    let breaker = warm("consecutive");
    breaker.half_open();
    let _ = consecutive(1);
    breaker
}

fn open() -> CircuitBreaker {
    let breaker = warm("consecutive");
    breaker.open();
    breaker
}

/// A thousand calls of an annotated function.
macro_rules! calls {
    ($bench:ident: $begin:expr, $function:ident($x:literal), at_most $limit:literal) => {
        #[library_benchmark]
        #[bench::attribute(args = ($begin), config = at_most($limit))]
        fn $bench(breaker: CircuitBreaker) -> CircuitBreaker {
            repeat(|| $function(black_box($x)));
            breaker
        }
    };
}

calls!(success_consecutive: warm("consecutive"), consecutive(1), at_most 45);
calls!(success_count_window: warm("count window"), count_window(1), at_most 45);
calls!(success_time_window: warm("time window"), time_window(1), at_most 89);
calls!(success_slow_calls: warm("slow calls"), slow_calls(1), at_most 196);
calls!(success_half_open_trial: half_open(), consecutive(1), at_most 645);
calls!(refused_open: open(), consecutive(1), at_most 98);
calls!(failed_consecutive: warm("consecutive"), consecutive(0), at_most 99);
calls!(failed_count_window: warm("count window"), count_window(0), at_most 253);
calls!(failed_time_window: warm("time window"), time_window(0), at_most 489);
calls!(ignored: warm("ignoring"), ignoring(0), at_most 227);

#[library_benchmark]
#[bench::attribute(args = (warm("async")), config = at_most(96))]
fn ready_future(breaker: CircuitBreaker) -> CircuitBreaker {
    repeat(|| ready(black_box(1)).now_or_never());
    breaker
}

library_benchmark_group!(
    name = annotated,
    benchmarks = [
        success_consecutive,
        success_count_window,
        success_time_window,
        success_slow_calls,
        success_half_open_trial,
        refused_open,
        failed_consecutive,
        failed_count_window,
        failed_time_window,
        ignored,
        ready_future
    ]
);
