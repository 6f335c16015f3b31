//! Threads: every call stands in exactly one counter, and every breaker recovers.

use std::sync::Barrier;
use std::thread;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, Permit, Registry, State};

use super::{HANDS, Made, assert_recovers, one_more};
use crate::rig::{Dice, panics, planned_panic};
use crate::support::{Bench, bench, millis, secs};

/// One call that ends in one of the ways that there are.
fn hit(breaker: &CircuitBreaker, made: &Made, dice: &mut Dice) {
    let outcome = dice.roll(100);
    if outcome < 10 {
        // Through `call`, which may panic.
        let mut has_run = false;
        let panicked = panics(|| {
            breaker.call(|| {
                has_run = true;
                if outcome < 3 {
                    planned_panic();
                }
                if outcome < 6 { Err("down".to_owned()) } else { Ok(()) }
            })
        });
        assert_eq!(panicked, has_run && outcome < 3);
        let counter = match outcome {
            _ if !has_run => &made.refused,
            0..6 => &made.failed,
            _ => &made.succeeded,
        };
        one_more(counter);
        return;
    }
    let Ok(permit) = breaker.try_acquire() else { return one_more(&made.refused) };
    if dice.roll(8) == 0 {
        thread::yield_now();
    }
    match outcome {
        10..20 => {
            drop(permit);
            one_more(&made.dropped);
        }
        20..25 => {
            permit.ignore();
            one_more(&made.ignored);
        }
        25..45 => {
            permit.failure();
            one_more(&made.failed);
        }
        _ => {
            permit.success();
            one_more(&made.succeeded);
        }
    }
}

fn shapes() -> [ConfigBuilder; 4] {
    let rates = || Config::builder().failure_threshold(4).failure_rate_threshold(0.5);
    [
        Config::builder().failure_threshold(3),
        rates().window_size(20).minimum_calls(5),
        rates().window_duration(secs(1)).minimum_calls(5),
        rates().window_duration(secs(1)).slow_call_duration(millis(1)).slow_call_rate_threshold(0.5).minimum_calls(5),
    ]
}

/// What an operator does now and then. Nobody disables: those calls are not counted.
fn operate(b: &Bench, dice: &mut Dice) {
    let breaker = &b.breaker;
    match dice.roll(40) {
        0 => breaker.reset(),
        1 => breaker.force_open(),
        2 => breaker.metrics_only(),
        3 => breaker.open(),
        4 => breaker.half_open(),
        5 => breaker.close(),
        6 => breaker.open_for(millis(20)),
        7 => drop(breaker.status()),
        8 => breaker.restore(&breaker.snapshot()),
        9 => {
            let threshold = u32::try_from(2 + dice.roll(4)).unwrap_or(2);
            let changed = breaker.reconfigure(Config::builder().failure_threshold(threshold));
            assert!(changed.is_ok(), "{changed:?}");
        }
        10..18 => breaker.auto(),
        _ => b.clock.advance(millis(dice.roll(30))),
    }
}

#[test]
fn no_call_is_lost_while_nothing_changes() {
    for config in shapes() {
        let b = bench(config.failure_threshold(1_000_000).failure_rate_threshold(None).slow_call_rate_threshold(None));
        let made = Made::default();
        thread::scope(|scope| {
            for hand in 0..HANDS {
                let (b, made) = (&b, &made);
                scope.spawn(move || {
                    let mut dice = Dice::new(hand + 1);
                    for _ in 0..2000 {
                        hit(&b.breaker, made, &mut dice);
                    }
                });
            }
        });
        made.assert_counted(&b.breaker, false);
        assert_eq!(b.breaker.status().totals.attempts, HANDS * 2000);
    }
}

#[test]
fn no_call_is_lost_while_everything_changes() {
    for (round, config) in (0..).zip(shapes()) {
        let b = bench(config.recovery_timeout(millis(50)).half_open_timeout(millis(200)));
        let made = Made::default();
        let heard = b.transitions();
        thread::scope(|scope| {
            for hand in 0..HANDS {
                let (b, made) = (&b, &made);
                scope.spawn(move || {
                    let mut dice = Dice::new(hand + 100 * round + 1);
                    for _ in 0..1500 {
                        hit(&b.breaker, made, &mut dice);
                        if hand < 2 {
                            operate(b, &mut dice);
                        }
                    }
                });
            }
        });
        made.assert_counted(&b.breaker, true);
        let totals = b.breaker.status().totals;
        assert_eq!(totals.attempts, HANDS * 1500);
        let told = heard.steps().iter().filter(|(from, to)| (*from, *to) == (State::Closed, State::Open)).count();
        assert_eq!(told as u64, totals.trips);
        assert_recovers(&b.breaker, &b.clock);
    }
}

#[test]
fn dozens_of_breakers_keep_their_counts_apart() {
    let clock = breakerbox::ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let fleet: Vec<_> = (0..36)
        .zip(shapes().into_iter().cycle())
        .map(|(number, config)| {
            let config = config.recovery_timeout(millis(50)).build().expect("settings");
            let breaker = registry.get_or_insert(&format!("host-{number}"), config).expect("a name");
            (breaker, Made::default())
        })
        .collect();
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let (fleet, clock, registry) = (&fleet, &clock, &registry);
            scope.spawn(move || {
                let mut dice = Dice::new(hand + 7);
                for _ in 0..3000 {
                    let (breaker, made) = &fleet[usize::try_from(dice.roll(36)).unwrap_or(0)];
                    hit(breaker, made, &mut dice);
                    match dice.roll(400) {
                        0 => assert_eq!(registry.reset_all(), 36),
                        1 => assert_eq!(registry.summary().total, 36),
                        2..40 => clock.advance(millis(7)),
                        _ => {}
                    }
                }
            });
        }
    });
    let mut attempts = 0;
    for (breaker, made) in &fleet {
        made.assert_counted(breaker, true);
        attempts += breaker.status().totals.attempts;
        assert_recovers(breaker, &clock);
    }
    assert_eq!(attempts, HANDS * 3000);
}

#[test]
fn calls_of_a_disabled_breaker_are_the_only_ones_not_counted() {
    let b = bench(Config::builder().failure_threshold(3).recovery_timeout(millis(50)));
    let made = Made::default();
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let (b, made) = (&b, &made);
            scope.spawn(move || {
                let mut dice = Dice::new(hand + 31);
                for step in 0..1000 {
                    hit(&b.breaker, made, &mut dice);
                    match step % 100 {
                        20 if hand == 0 => b.breaker.disable(),
                        40 if hand == 0 => b.breaker.auto(),
                        _ => {}
                    }
                }
            });
        }
    });
    let totals = b.breaker.status().totals;
    assert!(totals.attempts <= HANDS * 1000);
    assert_eq!(totals.rejections.total(), made.refused.into_inner());
    let before = totals.attempts;
    b.breaker.disable();
    b.fail(50);
    assert_eq!(b.breaker.status().totals.attempts, before);
    assert_recovers(&b.breaker, &b.clock);
}

#[test]
fn failures_in_a_row_are_counted_exactly_and_trip_once() {
    let b = bench(Config::builder().failure_threshold(10_000));
    let fail = |times: u64| {
        thread::scope(|scope| {
            for _ in 0..HANDS {
                scope.spawn(|| (0..times).for_each(|_| b.breaker.record_failure()));
            }
        });
    };
    fail(1_249);
    let status = b.breaker.status();
    assert_eq!((status.state, status.consecutive_failures), (State::Closed, 9_992));
    b.fail(7);
    assert_eq!(b.breaker.state(), State::Closed);
    fail(100);
    let totals = b.breaker.status().totals;
    assert_eq!((totals.failures, totals.late, totals.trips), (10_000, HANDS * 100 - 1, 1));
}

#[test]
fn windows_hold_the_calls_of_all_threads() {
    let never = Config::builder().failure_threshold(None).failure_rate_threshold(1.0);
    let by_count = never.clone().window_size(100_000);
    let by_time = never.window_duration(secs(10));
    for (config, slack) in [(by_count, HANDS), (by_time, 0)] {
        let b = bench(config);
        b.succeed(1);
        thread::scope(|scope| {
            for hand in 0..HANDS {
                let b = &b;
                scope.spawn(move || {
                    for step in 0..2000 {
                        if (step + hand) % 10 == 0 { b.fail(1) } else { b.succeed(1) }
                    }
                });
            }
        });
        let window = b.window();
        assert_eq!(window.failures, HANDS * 200);
        // At the first failure one success of each thread may be on its way past the window.
        let all = HANDS * 2000 + 1;
        assert!(window.calls <= all && window.calls >= all - slack, "{} of {all}", window.calls);
        assert_eq!(b.breaker.status().totals.attempts, all);
    }
}

/// Counters are striped over 16 lines, by the number of a thread. Two threads whose numbers are 16
/// apart share a line; the threads between them only hold on to theirs.
#[test]
fn threads_that_share_a_counter_lose_nothing() {
    const ROUNDS: u64 = 4;
    const CALLS: u64 = 60_000;
    let b = bench(Config::builder());
    let ask = |times: u64| (0..times).for_each(|_| drop(b.breaker.try_acquire().map(Permit::success)));
    for is_open in [false, true] {
        if is_open {
            b.breaker.open();
        }
        for _ in 0..ROUNDS {
            let (is_numbered, start, end) = (Barrier::new(2), Barrier::new(2), Barrier::new(17));
            thread::scope(|scope| {
                for place in 0..17 {
                    let (is_numbered, start, end, ask) = (&is_numbered, &start, &end, &ask);
                    scope.spawn(move || {
                        ask(1);
                        is_numbered.wait();
                        if place == 0 || place == 16 {
                            start.wait();
                            ask(CALLS);
                        }
                        end.wait();
                    });
                    is_numbered.wait();
                }
            });
        }
    }
    let (totals, asked) = (b.breaker.status().totals, ROUNDS * (2 * CALLS + 17));
    assert_eq!((totals.successes, totals.rejections.open), (asked, asked));
}
