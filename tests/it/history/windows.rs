//! Windows at rest: what many threads did at once is all there, whatever the order, and the last of them
//! finds the verdict. While threads are under way a window is not of one instant, so it is looked at
//! between their bursts.

use std::time::Duration;

use breakerbox::{Cause, Config, ConfigBuilder, State};

use super::record::{Op, run};
use crate::reference::End;
use crate::rig::Dice;
use crate::support::{Bench, bench, secs};

const THREADS: usize = 4;
const EACH: usize = 8;
const ALL: u32 = 32;

/// Calls of which so many fail, dealt out to the threads in any order.
fn burst(failures: usize, dice: &mut Dice) -> Vec<Vec<Op>> {
    let mut ends: Vec<End> =
        (0..THREADS * EACH).map(|at| if at < failures { End::Failure } else { End::Success }).collect();
    for at in (1..ends.len()).rev() {
        ends.swap(at, usize::try_from(dice.roll(at as u64 + 1)).unwrap_or(0));
    }
    ends.chunks(EACH).map(|ends| ends.iter().flat_map(|end| [Op::Acquire, Op::End(0, *end)]).collect()).collect()
}

/// Verdicts are taken when all calls of a burst are in the window, and not before.
fn by_rate(failures: u32) -> ConfigBuilder {
    Config::builder()
        .failure_threshold(None)
        .failure_rate_threshold(f64::from(failures) / f64::from(ALL))
        .minimum_calls(ALL)
        .recovery_timeout(secs(1))
        .half_open_max_calls(1)
}

/// A window of calls, and one of time.
fn shapes(failures: u32) -> [ConfigBuilder; 2] {
    [by_rate(failures).window_size(ALL), by_rate(failures).window_duration(secs(100))]
}

fn numbers(b: &Bench) -> (u64, u64) {
    let window = b.breaker.status().window.expect("a rate is set");
    (window.calls, window.failures)
}

#[test]
fn a_burst_that_reaches_the_rate_opens_the_circuit_whoever_comes_last() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let failures = 1 + u32::try_from(dice.roll(u64::from(ALL))).unwrap_or(0);
        for settings in shapes(failures) {
            let b = bench(settings);
            run(&b.breaker, &b.clock, &burst(failures as usize, &mut dice));
            let transition = b.breaker.status().last_transition.expect("the rate was reached");
            let seen = (transition.cause, transition.calls, transition.failures, b.breaker.state());
            assert_eq!(
                seen,
                (Cause::FailureRateThreshold, u64::from(ALL), u64::from(failures), State::Open),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_burst_under_the_rate_is_in_the_window_to_the_last_call_and_each_reset_empties_it() {
    for seed in 0..150 {
        let mut dice = Dice::new(seed);
        let failures = usize::try_from(dice.roll(u64::from(ALL))).unwrap_or(0);
        for settings in shapes(u32::try_from(failures).unwrap_or(0) + 1) {
            let b = bench(settings);
            for _ in 0..3 {
                run(&b.breaker, &b.clock, &burst(failures, &mut dice));
                assert_eq!(
                    (b.breaker.state(), numbers(&b)),
                    (State::Closed, (u64::from(ALL), failures as u64)),
                    "seed {seed}"
                );
                b.breaker.reset();
                assert_eq!(numbers(&b), (0, 0), "seed {seed}");
            }
            assert_eq!(b.breaker.status().totals.attempts, 3 * u64::from(ALL));
        }
    }
}

#[test]
fn a_window_is_empty_after_recovery_and_holds_the_next_burst() {
    for seed in 0..150 {
        let mut dice = Dice::new(seed);
        for settings in shapes(ALL) {
            let b = bench(settings);
            run(&b.breaker, &b.clock, &burst(THREADS * EACH, &mut dice));
            assert_eq!(b.breaker.state(), State::Open);
            b.clock.advance(Duration::from_secs(1));
            b.succeed(1);
            assert_eq!((b.breaker.state(), numbers(&b)), (State::Closed, (0, 0)), "seed {seed}");
            run(&b.breaker, &b.clock, &burst(THREADS * EACH - 1, &mut dice));
            assert_eq!((b.breaker.state(), numbers(&b)), (State::Closed, (u64::from(ALL), u64::from(ALL) - 1)));
        }
    }
}
