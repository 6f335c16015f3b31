//! Settings by chance: those that are in order, and those that must be refused.

use std::time::Duration;

use breakerbox::{Config, ConfigBuilder};
use fastrand::Rng;

use crate::target::Way;

/// No circuit of the soak is ever open for longer.
pub(crate) const LONGEST_OPEN: Duration = Duration::from_millis(400);
/// No half-open episode of the soak has more trial calls.
pub(crate) const MOST_TRIALS: u32 = 5;

pub(crate) fn milliseconds(rng: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_micros(rng.u64(range.start * 1000..range.end * 1000))
}

/// Settings that are in order, whatever others the breaker has. They state all that matters.
pub(crate) fn valid(rng: &mut Rng, way: Way) -> ConfigBuilder {
    let has_rate = rng.bool();
    let trials = rng.u32(1..=MOST_TRIALS);
    let is_inside = way == Way::Inside;
    let slow = if is_inside { Duration::from_millis(10) } else { Duration::from_millis(200) };
    let limit = if is_inside { Duration::from_millis(8) } else { Duration::from_secs(2) };
    let has_slow = rng.u8(0..4) == 0;
    let counts = !has_rate || rng.bool();
    let builder = Config::builder()
        .failure_threshold(counts.then(|| rng.u32(2..9)))
        .recovery_timeout(milliseconds(rng, 20..200))
        .max_recovery_timeout(LONGEST_OPEN)
        .half_open_max_calls(trials)
        .success_threshold(rng.u32(1..=trials))
        .half_open_timeout(milliseconds(rng, 100..400))
        .multiplier([1.0, 1.5, 2.0][rng.usize(0..3)])
        .jitter([0.0, 0.3, 1.0][rng.usize(0..3)])
        .timeout((rng.u8(0..3) == 0).then_some(limit))
        .failure_rate_threshold(has_rate.then(|| 0.3 + 0.7 * rng.f64()))
        .slow_call_duration(has_slow.then_some(slow))
        .slow_call_rate_threshold((has_slow && rng.bool()).then(|| 0.5 + 0.5 * rng.f64()));
    if rng.bool() {
        let calls = rng.u32(1..200);
        builder.window_size(calls).minimum_calls(rng.u32(1..=calls))
    } else {
        builder.window_duration(milliseconds(rng, 20..2000)).minimum_calls(rng.u32(1..50))
    }
}

/// A change that must be refused as a whole, and the key that its error names.
pub(crate) fn invalid(rng: &mut Rng) -> (ConfigBuilder, &'static str) {
    // What comes first is in order, so that a change that is taken in part would show.
    let builder = Config::builder().recovery_timeout(milliseconds(rng, 20..200)).half_open_max_calls(3);
    match rng.u8(0..7) {
        0 => (builder.failure_threshold(0), "failure_threshold"),
        1 => (builder.success_threshold(4), "success_threshold"),
        2 => (builder.failure_rate_threshold(1.5), "failure_rate_threshold"),
        3 => (builder.success_threshold(1).window_size(5).minimum_calls(6), "minimum_calls"),
        4 => (builder.success_threshold(1).jitter(2.0), "jitter"),
        5 => (builder.success_threshold(1).max_recovery_timeout(Duration::from_millis(1)), "max_recovery_timeout"),
        _ => (builder.multiplier(0.5), "multiplier"),
    }
}
