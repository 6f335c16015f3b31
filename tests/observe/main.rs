//! Views of a registry: what exporters say, heard by the real recorders and subscribers.

#![forbid(unsafe_code)]

mod broken;
mod complaints;
mod facade;
mod fleet;
mod keyed;
mod otel;
mod prometheus;
mod remote;
mod store;
mod trace;

use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ManualClock, Permit, Registry};

const SECOND: Duration = Duration::from_secs(1);

/// A registry with one breaker, `quotes`, to which nothing has happened.
fn fresh() -> (Registry, ManualClock, CircuitBreaker) {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let settings = Config::builder().failure_threshold(3).failure_rate_threshold(0.9).minimum_calls(4);
    let breaker = registry.get_or_insert("quotes", settings).expect("the settings are valid");
    (registry, clock, breaker)
}

/// A success and three failures, a refusal, a trial that fails, another refusal, three trials that succeed,
/// and three calls of a closed circuit, of which one fails. The last call is under way.
fn live<'a>(clock: &ManualClock, breaker: &'a CircuitBreaker) -> Permit<'a> {
    let calls = |outcomes: &[bool]| {
        for succeeds in outcomes {
            let _ = breaker.call(|| if *succeeds { Ok(1) } else { Err("down".to_owned()) });
        }
    };
    calls(&[true, false, false, false, true]);
    clock.advance(60 * SECOND);
    calls(&[false, true]);
    clock.advance(60 * SECOND);
    calls(&[true, true, true]);
    clock.advance(5 * SECOND);
    calls(&[true, false, true]);
    breaker.try_acquire().expect("the circuit is closed")
}
