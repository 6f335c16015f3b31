//! The costs of a breaker against the size of its count window.

use std::convert::identity;
use std::io;

use breakerbox::{CircuitBreaker, State};

use super::calls::{count_window, mostly_failing, rarely_failing, verify};
use super::chart::{Chart, Subject};
use crate::measure::{Effort, time};
use crate::work::work;

const SIZES: [u32; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const X: &str = "calls in the window";

/// A breaker whose window such calls have filled.
fn filled(size: u32, argument: impl Fn(u64) -> u64) -> CircuitBreaker {
    let breaker = count_window(size);
    time(2 * u64::from(size), |x| breaker.call(|| work(argument(x))));
    breaker
}

pub(super) fn calls(effort: &Effort) -> io::Result<Chart> {
    let mut chart = Chart::new("windows", "Cost of a call against the size of the window", X, "ns per call");
    for size in SIZES {
        let (clean, dirty, failing) =
            (filled(size, identity), filled(size, rarely_failing), filled(size, mostly_failing));
        let subjects = vec![
            Subject::floor("bare call", |calls| time(calls, work)),
            Subject::ours("success, window without failures", |calls| time(calls, |x| clean.call(|| work(x)))),
            Subject::ours("one call in a hundred fails", |calls| {
                time(calls, |x| dirty.call(|| work(rarely_failing(x))))
            }),
            Subject::ours("seven calls in eight fail", |calls| {
                time(calls, |x| failing.call(|| work(mostly_failing(x))))
            }),
        ];
        chart.measure(size as usize, effort, subjects);
        for breaker in [&clean, &dirty, &failing] {
            verify(breaker, State::Closed)?;
        }
    }
    Ok(chart)
}

pub(super) fn commands(effort: &Effort) -> io::Result<Chart> {
    let mut chart = Chart::new("commands", "Cost of a command against the size of the window", X, "ns per command");
    for size in SIZES {
        let [moved, reset, read] = [(); 3].map(|()| filled(size, rarely_failing));
        let subjects = vec![
            Subject::ours("opened and closed again", |calls| {
                time(calls, |_| {
                    moved.open();
                    moved.close();
                })
            }),
            Subject::ours("reset()", |calls| time(calls, |_| reset.reset())),
            Subject::ours("status()", |calls| time(calls, |_| read.status())),
        ];
        chart.measure(size as usize, effort, subjects);
        let (moved, read) = (moved.status(), read.status());
        if moved.totals.transitions.open_to_closed == 0
            || read.window.is_none_or(|window| window.calls < u64::from(size))
        {
            return Err(io::Error::other("the breakers of the benchmark did not move, or kept no window"));
        }
    }
    Ok(chart)
}
