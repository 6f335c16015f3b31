//! What a status has to say, by itself and after an earlier one, whatever goes on meanwhile.

use breakerbox::{Key, Mode, State, Status, Totals, Value};

use crate::law::{Law, check};
use crate::settings::{LONGEST_OPEN, MOST_TRIALS};

fn counters(totals: &Totals) -> [u64; 18] {
    let (refused, moved) = (&totals.rejections, &totals.transitions);
    [
        totals.attempts,
        totals.successes,
        totals.failures,
        totals.ignored,
        totals.cancelled,
        totals.late,
        refused.open,
        refused.half_open_full,
        refused.forced_open,
        totals.slow_calls,
        totals.fallbacks,
        moved.closed_to_open,
        moved.closed_to_half_open,
        moved.open_to_half_open,
        moved.open_to_open,
        moved.open_to_closed,
        moved.half_open_to_open,
        moved.half_open_to_closed,
    ]
}

/// The last episode that a transition has begun.
fn begun(status: &Status) -> u64 {
    status.last_transition.as_ref().map_or(0, |transition| transition.generation)
}

/// Whether it shows a half-open episode as over that nobody has ended yet. A call that has read the
/// clock before may still go on with it.
fn is_ahead(status: &Status) -> bool {
    let was_half_open = status.last_transition.as_ref().is_some_and(|transition| transition.to == State::HalfOpen);
    was_half_open && status.state != State::HalfOpen
}

/// What holds between a status and a later one.
pub(crate) fn follows(before: &Status, after: &Status) {
    let (old, new) = (counters(&before.totals), counters(&after.totals));
    let grows = old.iter().zip(&new).all(|(old, new)| old <= new);
    check(Law::CountersGrow, grows, || format!("'{}': {:?} after {:?}", after.name, after.totals, before.totals));
    let shown = if is_ahead(before) { before.generation - 1 } else { before.generation };
    let grows = shown <= after.generation && begun(before) <= begun(after);
    check(Law::GenerationsGrow, grows, || format!("'{}': {after:?} after {before:?}", after.name));
}

/// What holds within one status.
pub(crate) fn agrees(status: &Status) {
    let name = &status.name;
    let (totals, moved) = (&status.totals, &status.totals.transitions);
    check(Law::TripsAreTransitions, totals.trips == moved.closed_to_open, || format!("'{name}': {totals:?}"));

    let left = moved.closed_to_open + moved.closed_to_half_open;
    let returned = moved.open_to_closed + moved.half_open_to_closed;
    let is_away = status.mode == Mode::Auto && status.state != State::Closed;
    let adds_up = match left.checked_sub(returned) {
        Some(away) if status.mode == Mode::Auto => away == u64::from(is_away),
        Some(away) => away <= 1,
        None => false,
    };
    check(Law::TransitionsAddUp, adds_up, || format!("'{name}' is {}, {}: {moved:?}", status.state, status.mode));

    let retry_after = status.retry_after.unwrap_or_default();
    let opened = status.last_transition.as_ref().and_then(|transition| transition.retry_after).unwrap_or_default();
    let is_bounded = retry_after <= LONGEST_OPEN && opened <= LONGEST_OPEN;
    check(Law::RetryIsBounded, is_bounded, || format!("'{name}': {status:?}"));

    let is_auto = status.mode == Mode::Auto;
    let expected = match status.mode {
        Mode::Auto => status.state,
        Mode::ForcedOpen => State::Open,
        Mode::Disabled | Mode::MetricsOnly => State::Closed,
    };
    let count = |key| match status.setting(key).value {
        Value::Count(count) => count,
        _ => 0,
    };
    let (most, enough) = (count(Key::HalfOpenMaxCalls), count(Key::SuccessThreshold));
    let trials_fit = status.half_open.is_none_or(|trials| {
        // What the settings were when they were admitted counts.
        trials.in_flight + trials.successes <= MOST_TRIALS
            && (trials.max_calls, trials.success_threshold) == (most, enough)
            && trials.successes < enough
    });
    let window_fits = status.window.is_none_or(|window| {
        window.failures <= window.calls
            && window.slow_failures <= window.failures.min(window.slow_calls)
            && window.failure_rate.is_none_or(|rate| (0.0..=1.0).contains(&rate))
    });
    let agrees = status.state == expected
        && status.retry_after.is_some() == (is_auto && status.state == State::Open)
        && status.half_open.is_some() == (is_auto && status.state == State::HalfOpen)
        && enough <= most
        && trials_fit
        && window_fits
        && begun(status) <= status.generation
        && totals.slow_calls <= totals.successes + totals.failures;
    check(Law::StatusAgrees, agrees, || format!("'{name}': {status:?}"));
}
