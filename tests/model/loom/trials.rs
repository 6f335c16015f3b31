//! Half-open: who may try, and what the trials decide.

use breakerbox::{Reason, State};

use crate::support::{
    advance, cancel, check, check_most, fail, hold, join, recovering, rest, secs, settings, succeed, with,
};

/// Of two calls that compete for the only trial place, exactly one is admitted.
#[test]
fn one_of_two_competing_trial_calls_is_admitted() {
    check(|| {
        let breaker = recovering(settings());
        let other = with(&breaker, hold);
        let mut answers = [hold(&breaker), join(other)];
        answers.sort_by_key(Result::is_ok);
        assert_eq!(answers, [Err(Reason::HalfOpenFull), Ok(())]);
        let status = breaker.status();
        assert_eq!(status.state, State::HalfOpen);
        assert_eq!(status.totals.transitions.open_to_half_open, 1);
    });
}

/// Of three calls that compete for two trial places, exactly two are admitted.
#[test]
fn two_of_three_competing_trial_calls_are_admitted() {
    check_most(|| {
        let breaker = recovering(settings().half_open_max_calls(2));
        let others = [with(&breaker, hold), with(&breaker, hold)];
        let own = hold(&breaker);
        let [one, two] = others.map(join);
        let mut answers = [own, one, two];
        answers.sort_by_key(Result::is_ok);
        assert_eq!(answers, [Err(Reason::HalfOpenFull), Ok(()), Ok(())]);
    });
}

/// A trial that is given up gives its place back, once.
#[test]
fn a_place_comes_back_once() {
    check(|| {
        let breaker = recovering(settings());
        let other = with(&breaker, cancel);
        let own = cancel(&breaker);
        let cancelled = u64::from(own.is_ok()) + u64::from(join(other).is_ok());
        let status = rest(&breaker, 2);
        assert_eq!((status.state, status.totals.cancelled), (State::HalfOpen, cancelled));
        let _held = breaker.try_acquire().expect("the place is free");
        assert_eq!(breaker.try_acquire().map(drop).map_err(|e| e.reason()), Err(Reason::HalfOpenFull));
    });
}

/// A place that is given back is never taken twice while its holder is still trying.
#[test]
fn a_free_place_is_taken_by_one() {
    check(|| {
        let breaker = recovering(settings());
        let other = with(&breaker, |breaker| {
            let _ = cancel(breaker);
            hold(breaker)
        });
        let own = hold(&breaker);
        let answers = [own, join(other)];
        assert!(answers.iter().filter(|answer| answer.is_ok()).count() == 1, "{answers:?}");
    });
}

/// When one trial fails and one succeeds, the first to end decides, once, and the other is late.
#[test]
fn the_first_of_two_trials_decides() {
    check(|| {
        let breaker = recovering(settings().failure_threshold(9).half_open_max_calls(2).success_threshold(1));
        let other = with(&breaker, succeed);
        let own = fail(&breaker);
        let theirs = join(other);
        let status = rest(&breaker, 2);
        let totals = &status.totals;
        if status.state == State::Closed {
            // The failure was a late trial, or one of the closed circuit.
            assert_eq!((totals.successes, totals.failures + totals.late), (1, 1), "{status:?}");
            assert_eq!(u64::from(status.consecutive_failures), totals.failures, "{status:?}");
            assert_eq!((totals.transitions.half_open_to_closed, totals.transitions.half_open_to_open), (1, 0));
        } else {
            assert_eq!((own, status.state), (Ok(()), State::Open));
            assert_eq!((totals.failures, totals.successes), (1, 0), "{status:?}");
            assert!(theirs == Err(Reason::Open) || totals.late == 1, "{status:?}");
            assert_eq!((totals.transitions.half_open_to_closed, totals.transitions.half_open_to_open), (0, 1));
        }
    });
}

/// A trial that ends while its time runs out counts or is late, and no episode is left without an end.
#[test]
fn a_trial_is_in_time_or_late() {
    check(|| {
        let breaker = recovering(settings().half_open_timeout(secs(60)));
        let other = with(&breaker, succeed);
        advance(secs(60));
        let seen = breaker.state();
        assert_eq!(join(other), Ok(()));
        let status = rest(&breaker, 1);
        match status.state {
            State::Closed => assert_eq!((status.totals.successes, status.totals.late), (1, 0)),
            State::Open => assert_eq!((status.totals.successes, status.totals.late), (0, 1)),
            State::HalfOpen => panic!("seen {seen}, then {status:?}"),
        }
        advance(secs(60));
        assert_eq!(succeed(&breaker), Ok(()));
        assert_eq!(breaker.state(), State::Closed);
    });
}

/// A trial whose time runs out while another call asks gives way to it, in a new episode.
#[test]
fn a_lost_trial_makes_room() {
    check(|| {
        let breaker = recovering(settings().half_open_timeout(secs(60)));
        let other = with(&breaker, hold);
        advance(secs(60));
        let own = hold(&breaker);
        let theirs = join(other);
        // Open since its time was over, or half-open with one of the two.
        assert!(own.is_ok() || theirs.is_ok(), "{own:?} {theirs:?}");
        advance(secs(60));
        let _ = breaker.state();
        advance(secs(60));
        assert_eq!(succeed(&breaker), Ok(()), "{:?}", breaker.status());
    });
}

/// Two trials that succeed close the circuit once.
#[test]
fn two_good_trials_close_it_once() {
    check(|| {
        let breaker = recovering(settings().half_open_max_calls(2).success_threshold(2));
        let other = with(&breaker, succeed);
        assert_eq!(succeed(&breaker), Ok(()));
        assert_eq!(join(other), Ok(()));
        let status = rest(&breaker, 2);
        assert_eq!((status.state, status.totals.transitions.half_open_to_closed), (State::Closed, 1));
    });
}
