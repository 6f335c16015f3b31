//! The cost of a call against the number of calls that a breaker has recorded before.

use std::convert::identity;
use std::io;
use std::time::Duration;

use breakerbox::{CircuitBreaker, State};

use super::calls::{consecutive, count_window, mostly_failing, rarely_failing, time_window, verify};
use super::chart::{Chart, Role};
use super::fewer;
use crate::measure::{Effort, Samples, order, time};
use crate::work::work;

/// So few calls are timed that they are no history themselves.
const TIMED: u64 = 500;

/// Makes a breaker, and gives the time of `TIMED` calls after each length of history.
type Life = fn(&[u64]) -> io::Result<Vec<Duration>>;

fn live(breaker: &CircuitBreaker, lengths: &[u64], argument: impl Fn(u64) -> u64) -> io::Result<Vec<Duration>> {
    let mut made = 0;
    let mut times = Vec::new();
    for length in lengths {
        time(length - made, |x| breaker.call(|| work(argument(x))));
        times.push(time(TIMED, |x| breaker.call(|| work(argument(x)))));
        made = length + TIMED;
    }
    verify(breaker, State::Closed)?;
    Ok(times)
}

pub(super) fn calls(effort: &Effort) -> io::Result<Chart> {
    let lives: [(&'static str, Role, Life); 6] = [
        ("bare call", Role::Floor, |lengths| Ok(lengths.iter().map(|_| time(TIMED, work)).collect())),
        ("success, consecutive", Role::Breakerbox, |lengths| live(&consecutive(), lengths, identity)),
        ("success, count window", Role::Breakerbox, |lengths| live(&count_window(100), lengths, identity)),
        ("one call in a hundred fails, count window", Role::Breakerbox, |lengths| {
            live(&count_window(100), lengths, rarely_failing)
        }),
        ("one call in a hundred fails, time window", Role::Breakerbox, |lengths| {
            live(&time_window(), lengths, rarely_failing)
        }),
        ("seven calls in eight fail, count window", Role::Breakerbox, |lengths| {
            live(&count_window(100), lengths, mostly_failing)
        }),
    ];
    let longest = if effort.quick { 6 } else { 7 };
    let lengths: Vec<u64> = (3..=longest).map(|power| 10_u64.pow(power)).collect();
    let mut figures = vec![vec![Vec::new(); lengths.len()]; lives.len()];
    for round in 0..fewer(effort) {
        for index in order(round, lives.len()) {
            for (figure, taken) in figures[index].iter_mut().zip(lives[index].2(&lengths)?) {
                figure.push(taken.as_secs_f64() * 1e9 / TIMED as f64);
            }
        }
    }
    let mut chart = Chart::new(
        "history",
        "Cost of a call against calls recorded before",
        "calls that the breaker has recorded",
        "ns per call",
    );
    for ((name, role, _), figures) in lives.into_iter().zip(figures) {
        for (length, samples) in lengths.iter().zip(figures) {
            chart.add(name, role, *length as usize, Samples(samples).spread().median);
        }
    }
    Ok(chart)
}
