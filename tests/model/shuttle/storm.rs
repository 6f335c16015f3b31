//! Many threads do anything at all to one breaker.

use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, ManualClock, Registry, State};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::check;
use crate::made::{Heard, Made};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn settings() -> ConfigBuilder {
    let mut dice = thread_rng();
    let config = Config::builder()
        .failure_threshold(dice.gen_range(1..4))
        .recovery_timeout(millis(10))
        .half_open_max_calls(2)
        .success_threshold(dice.gen_range(1..3))
        .half_open_timeout(millis(10));
    match dice.gen_range(0..4) {
        0 => config.failure_rate_threshold(0.5).window_size(4).minimum_calls(2),
        1 => config.failure_rate_threshold(0.5).window_duration(millis(40)).minimum_calls(2),
        2 => config.slow_call_duration(millis(5)).slow_call_rate_threshold(0.5).window_size(4).minimum_calls(2),
        _ => config,
    }
}

fn call(breaker: &CircuitBreaker, clock: &ManualClock, made: &mut Made) {
    let Ok(permit) = breaker.try_acquire() else {
        made.refused += 1;
        return;
    };
    if thread_rng().gen_bool(0.2) {
        clock.advance(millis(6));
    }
    let (counter, end): (_, fn(breakerbox::Permit<'_>)) = match thread_rng().gen_range(0..8) {
        0..3 => (&mut made.succeeded, |permit| permit.success()),
        3..6 => (&mut made.failed, |permit| permit.failure()),
        6 => (&mut made.ignored, |permit| permit.ignore()),
        _ => (&mut made.dropped, |permit| drop(permit)),
    };
    *counter += 1;
    end(permit);
}

fn command(breaker: &CircuitBreaker, clock: &ManualClock) {
    match thread_rng().gen_range(0..12) {
        0 => breaker.reset(),
        1 => breaker.open(),
        2 => breaker.close(),
        3 => breaker.half_open(),
        4 => breaker.open_for(millis(3)),
        5 => breaker.force_open(),
        6 => breaker.metrics_only(),
        7 => breaker.restore(&breaker.snapshot()),
        8 => breaker.reconfigure(settings()).unwrap_or(()),
        9 => drop(breaker.status()),
        10 => breaker.auto(),
        _ => clock.advance(millis(10)),
    }
}

/// Whatever four threads do, calls are counted exactly, transitions form a chain, and it recovers.
#[test]
fn a_storm_breaks_no_law() {
    check(6_000, || {
        let clock = ManualClock::new();
        let registry = Registry::with_clock(clock.clone());
        let breaker = registry.get_or_insert("quotes", settings()).expect("valid");
        let heard = Heard::of(&registry);
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let (breaker, clock) = (breaker.clone(), clock.clone());
                thread::spawn(move || {
                    let mut made = Made::default();
                    let mut generation = 0;
                    for _ in 0..8 {
                        // One in four steps of a thread is a command; one thread gives none.
                        if number > 0 && thread_rng().gen_bool(0.25) {
                            command(&breaker, &clock);
                        } else {
                            call(&breaker, &clock, &mut made);
                        }
                        let now = breaker.status().generation;
                        assert!(now >= generation, "generation {generation}, then {now}");
                        generation = now;
                    }
                    made
                })
            })
            .collect();
        let made = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        let made = made.fold(Made::default(), Made::plus);
        made.assert_counted(&breaker);
        heard.assert_chain(&breaker);
        breaker.auto();
        for _ in 0..20 {
            clock.advance(breaker.status().retry_after.unwrap_or(Duration::ZERO));
            if let Ok(permit) = breaker.try_acquire() {
                permit.success();
            }
        }
        assert_eq!(breaker.state(), State::Closed, "stuck: {:?}", breaker.status());
    });
}

/// Whatever threads record at once, the window holds the last calls when they have ended.
#[test]
fn a_window_is_exact_at_rest() {
    check(4_000, || {
        let size = thread_rng().gen_range(3..40);
        let rates = Config::builder().failure_threshold(None).failure_rate_threshold(1.0).minimum_calls(3);
        let breaker = CircuitBreaker::new("quotes", rates.window_size(size)).expect("valid");
        // Never three failures in a row, so that a full share is out of reach.
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let breaker = breaker.clone();
                thread::spawn(move || {
                    for step in 0..6 {
                        let Ok(permit) = breaker.try_acquire() else { continue };
                        if number == 0 && step % 2 == 0 { permit.failure() } else { permit.success() }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        let status = breaker.status();
        if status.totals.trips == 0 {
            let window = status.window.expect("a rate is set");
            assert_eq!((status.totals.successes, status.totals.failures), (21, 3));
            assert_eq!(window.calls, u64::from(size).min(24), "{status:?}");
            assert!(window.failures <= 3 && (u64::from(size) < 24 || window.failures == 3), "{status:?}");
        }
    });
}
