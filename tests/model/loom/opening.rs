//! Around the last failure before the circuit opens.

use breakerbox::State;

use crate::support::{breaker, check, fail, join, rest, settings, succeed, with};

/// Whoever comes first, as many failures count as the threshold says, and the circuit opens once.
#[test]
fn two_last_failures_open_it_once() {
    check(|| {
        let breaker = breaker(settings().failure_threshold(2));
        let _ = fail(&breaker);
        let other = with(&breaker, fail);
        let _ = fail(&breaker);
        let _ = join(other);
        let status = rest(&breaker, 3);
        assert_eq!((status.state, status.totals.trips, status.totals.failures), (State::Open, 1, 2));
    });
}

/// Whoever comes first, as many failures count as the threshold says, and the circuit opens once.
#[test]
fn of_three_failures_the_second_opens_it() {
    check(|| {
        let breaker = breaker(settings().failure_threshold(2));
        let others = [with(&breaker, fail), with(&breaker, fail)];
        let _ = fail(&breaker);
        for other in others {
            let _ = join(other);
        }
        let status = rest(&breaker, 3);
        assert_eq!((status.state, status.totals.trips, status.totals.failures), (State::Open, 1, 2));
    });
}

/// A success either ends the run of failures before the last one, or comes too late to count.
#[test]
fn a_success_ends_the_run_or_is_too_late() {
    check(|| {
        let breaker = breaker(settings().failure_threshold(2));
        let _ = fail(&breaker);
        let other = with(&breaker, succeed);
        let _ = fail(&breaker);
        let _ = join(other);
        let status = rest(&breaker, 3);
        let seen = (status.state, status.totals.successes, status.consecutive_failures, status.totals.trips);
        assert!(matches!(seen, (State::Closed, 1, 1, 0) | (State::Open, 0, 2, 1)), "{status:?}");
    });
}

/// A success of a clean circuit counts before the failure that opens it, or not at all.
#[test]
fn a_clean_success_meets_the_failure_that_opens() {
    check(|| {
        let breaker = breaker(settings());
        let other = with(&breaker, succeed);
        let _ = fail(&breaker);
        let let_in = join(other).is_ok();
        let status = rest(&breaker, 2);
        assert_eq!((status.state, status.totals.trips), (State::Open, 1));
        assert_eq!(status.totals.successes + status.totals.late, u64::from(let_in));
    });
}

/// Two failures and a success end as in one of their orders.
#[test]
fn two_failures_and_a_success_have_an_order() {
    check(|| {
        let breaker = breaker(settings().failure_threshold(2));
        let others = [with(&breaker, fail), with(&breaker, succeed)];
        let _ = fail(&breaker);
        for other in others {
            let _ = join(other);
        }
        let status = rest(&breaker, 3);
        let seen = (status.state, status.totals.successes, status.consecutive_failures);
        assert!(matches!(seen, (State::Open, 0 | 1, 2) | (State::Closed, 1, 1)), "{status:?}");
    });
}
