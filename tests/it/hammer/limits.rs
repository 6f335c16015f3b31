//! Limits that hold whoever competes: trials of an episode, and what a refusal promises.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use breakerbox::{Config, ConfigBuilder, Reason, State};

use super::{HANDS, assert_recovers};
use crate::rig::Dice;
use crate::support::{bench, millis, secs};

fn trials(most: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(most)
}

#[test]
fn an_episode_admits_exactly_its_trials() {
    for most in [1, 3, 10] {
        let b = bench(trials(most).half_open_timeout(secs(1000)));
        b.fail(1);
        for _ in 0..20 {
            b.clock.advance(secs(10));
            let admitted = AtomicU64::new(0);
            let (start, end) = (Barrier::new(8), Barrier::new(8));
            thread::scope(|scope| {
                for _ in 0..HANDS {
                    scope.spawn(|| {
                        start.wait();
                        let permits: Vec<_> = (0..20).filter_map(|_| b.breaker.try_acquire().ok()).collect();
                        admitted.fetch_add(permits.len() as u64, Ordering::Relaxed);
                        end.wait();
                        // The first failure opens it again, the others are late.
                        permits.into_iter().for_each(breakerbox::Permit::failure);
                    });
                }
            });
            assert_eq!(admitted.into_inner(), u64::from(most));
            assert_eq!(b.breaker.state(), State::Open);
        }
        let totals = b.breaker.status().totals;
        assert_eq!(totals.rejections.half_open_full, 20 * (HANDS * 20 - u64::from(most)));
        assert_eq!((totals.failures, totals.late), (21, 20 * (u64::from(most) - 1)));
        assert_eq!(totals.transitions.half_open_to_open, 20);
        assert_recovers(&b.breaker, &b.clock);
    }
}

#[test]
fn trials_that_come_back_never_make_more_than_the_limit_at_once() {
    for most in [1, 2, 5] {
        let b = bench(trials(most).half_open_timeout(secs(1000)));
        b.fail(1);
        b.clock.advance(secs(10));
        let (in_flight, highest, admitted) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for hand in 0..HANDS {
                let (b, in_flight, highest, admitted) = (&b, &in_flight, &highest, &admitted);
                scope.spawn(move || {
                    let mut dice = Dice::new(hand + 3);
                    for _ in 0..2000 {
                        let Ok(permit) = b.breaker.try_acquire() else { continue };
                        admitted.fetch_add(1, Ordering::Relaxed);
                        highest.fetch_max(in_flight.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        if dice.roll(4) == 0 {
                            thread::yield_now();
                        }
                        in_flight.fetch_sub(1, Ordering::SeqCst);
                        if dice.roll(2) == 0 { permit.ignore() } else { drop(permit) }
                    }
                });
            }
        });
        let highest = highest.into_inner();
        assert!(highest <= u64::from(most), "{highest} trials at once, {most} are allowed");
        let status = b.breaker.status();
        assert_eq!(status.state, State::HalfOpen);
        assert_eq!(status.half_open.map(|half_open| half_open.in_flight), Some(0));
        assert_eq!(status.totals.ignored + status.totals.cancelled, admitted.into_inner());
        assert_recovers(&b.breaker, &b.clock);
    }
}

/// With successes mixed in, an episode still admits no more than its trials: what came back apart.
#[test]
fn an_episode_admits_its_trials_and_one_more_for_each_that_came_back() {
    let most = 10_u64;
    for round in 0..20 {
        let b = bench(trials(10).half_open_timeout(secs(1000)));
        b.fail(1);
        b.clock.advance(secs(10));
        let (admitted, returned) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for hand in 0..HANDS {
                let (b, admitted, returned) = (&b, &admitted, &returned);
                scope.spawn(move || {
                    let mut dice = Dice::new(hand + 50 * round);
                    for _ in 0..100 {
                        if b.breaker.state() == State::Closed {
                            return;
                        }
                        let Ok(permit) = b.breaker.try_acquire() else { continue };
                        if dice.roll(2) == 0 {
                            drop(permit);
                            returned.fetch_add(1, Ordering::Relaxed);
                        } else {
                            permit.success();
                        }
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let totals = b.breaker.status().totals;
        let (admitted, returned) = (admitted.into_inner(), returned.into_inner());
        assert_eq!(totals.successes + totals.cancelled + totals.late, admitted);
        if b.breaker.state() == State::HalfOpen {
            assert!(admitted - returned < most, "{admitted} admitted, {returned} came back");
        } else {
            // Closed by exactly so many; who had asked before may have come through afterwards.
            assert_eq!(totals.transitions.half_open_to_closed, 1);
            assert!(totals.successes >= most);
        }
    }
}

// A word of one moment must not be read together with the deadline of another.
#[test]
fn a_refusal_never_promises_a_longer_time_than_the_open_time() {
    let b = bench(trials(1).recovery_timeout(secs(10)).half_open_timeout(secs(50)));
    let longest = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) == 0 {
                    if let Err(refusal) = b.breaker.try_acquire() {
                        assert_ne!(refusal.reason(), Reason::ForcedOpen);
                        let left = refusal.retry_after().unwrap_or_default();
                        longest.fetch_max(u64::try_from(left.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
                    }
                }
            });
        }
        for _ in 0..20_000 {
            b.breaker.open();
            b.breaker.close();
        }
        done.store(1, Ordering::Relaxed);
    });
    assert!(longest.load(Ordering::Relaxed) <= 10_000, "retry after {} ms", longest.into_inner());
}

// While the clock stands still, no call gets through an open circuit, however many try.
#[test]
fn an_open_circuit_admits_nobody_before_its_time() {
    let b = bench(trials(1).recovery_timeout(millis(10)));
    for _ in 0..20 {
        b.fail(1);
        b.clock.advance(millis(9));
        thread::scope(|scope| {
            for _ in 0..HANDS {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert!(b.breaker.try_acquire().is_err());
                        b.breaker.record_success();
                    }
                });
            }
        });
        b.clock.advance(millis(1));
        b.succeed(1);
        assert_eq!(b.breaker.state(), State::Closed);
    }
}
