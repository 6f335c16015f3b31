//! Numbers read while they are written.

use breakerbox::{CircuitBreaker, Reason, Registry, Totals};

use crate::support::{breaker, cancel, check_most, fail, join, rest, settings, succeed, with};

fn numbers(totals: &Totals) -> [u64; 8] {
    let Totals { attempts, successes, failures, ignored, cancelled, late, trips, .. } = *totals;
    [attempts, successes, failures, ignored, cancelled, late, trips, totals.rejections.total()]
}

fn read(breaker: &CircuitBreaker) -> [u64; 8] {
    numbers(&breaker.status().totals)
}

/// No addition to a counter is lost, also when threads share a stripe.
#[test]
fn successes_of_three_threads_all_count() {
    check_most(|| {
        let breaker = breaker(settings());
        let others = [with(&breaker, succeed), with(&breaker, succeed)];
        assert_eq!(succeed(&breaker), Ok(()));
        for other in others {
            join(other).expect("closed");
        }
        assert_eq!(rest(&breaker, 3).totals.successes, 3);
    });
}

/// A counter that is read twice has not shrunk, and the attempts are the sum of the others.
#[test]
fn a_reader_sees_counters_grow() {
    check_most(|| {
        let breaker = breaker(settings().failure_threshold(2));
        let other = with(&breaker, |breaker| {
            let _ = succeed(breaker);
            let _ = fail(breaker);
        });
        let (first, second) = (read(&breaker), read(&breaker));
        join(other);
        let last = numbers(&rest(&breaker, 2).totals);
        for (number, earlier) in first.iter().enumerate() {
            assert!(*earlier <= second[number] && second[number] <= last[number], "{first:?} {second:?} {last:?}");
        }
        for [attempts, ended @ .., _, refused] in [first, second, last] {
            assert_eq!(attempts, ended.iter().sum::<u64>() + refused);
        }
    });
}

/// Refusals of several threads all count, also when threads share a stripe.
#[test]
fn refusals_of_three_threads_all_count() {
    check_most(|| {
        let breaker = breaker(settings());
        breaker.force_open();
        let others = [with(&breaker, succeed), with(&breaker, succeed)];
        let _ = succeed(&breaker);
        for other in others {
            let _ = join(other);
        }
        assert_eq!(rest(&breaker, 3).totals.rejections.forced_open, 3);
    });
}

/// Calls under way hold one's own, and are none at rest, although they are counted from a moment in the middle
/// of a call.
#[test]
fn calls_under_way_are_none_at_rest() {
    check_most(|| under_way(succeed));
}

/// The same of calls that are given up, whose ends are counted elsewhere.
#[test]
fn calls_under_way_that_are_given_up_end() {
    check_most(|| under_way(cancel));
}

fn under_way(call: fn(&CircuitBreaker) -> Result<(), Reason>) {
    let registry = Registry::new();
    let breaker = registry.get_or_insert("quotes", settings()).expect("valid");
    let other = with(&breaker, call);
    registry.count_in_flight();
    let permit = breaker.try_acquire();
    let seen = breaker.status().in_flight;
    assert!(seen == Some(1) || seen == Some(2), "{seen:?}");
    drop(permit);
    let _ = join(other);
    assert_eq!(breaker.status().in_flight, Some(0));
}
