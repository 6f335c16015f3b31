//! Random schedules of programs that are too large to try all. `SHUTTLE_ITERATIONS` sets how many; a
//! schedule that breaks a law is printed, and `shuttle::replay` plays it again.

#![cfg(breakerbox_model = "shuttle")]
#![forbid(unsafe_code)]

mod made;
mod sets;
mod storm;
mod trials;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

/// Half of the schedules at random, half with few preemptions in unlucky places (PCT).
fn check(iterations: usize, program: impl Fn() + Copy + Send + Sync + 'static) {
    let iterations =
        std::env::var("SHUTTLE_ITERATIONS").ok().and_then(|given| given.parse().ok()).unwrap_or(iterations);
    let mut config = Config::new();
    config.silence_warnings = true;
    config.stack_size = 1 << 18;
    Runner::new(RandomScheduler::new(iterations / 2), config.clone()).run(program);
    Runner::new(PctScheduler::new(4, iterations / 2), config).run(program);
}
