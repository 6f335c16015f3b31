//! Operators and late results against calls.

use breakerbox::{CircuitBreaker, Config, ManualClock, Mode, Reason, State};

use crate::support::{
    advance, breaker, check, check_most, fail, hold, join, recovering, rest, secs, settings, succeed, with,
};

/// A failure counts before a reset or is late after it; the circuit is closed and clean either way.
#[test]
fn a_reset_leaves_nothing_of_a_failure() {
    check(|| {
        let breaker = breaker(settings());
        let other = with(&breaker, fail);
        breaker.reset();
        let let_in = join(other).is_ok();
        let status = rest(&breaker, 1);
        // Unless the failing call began after the reset.
        if status.state == State::Closed {
            assert_eq!(status.consecutive_failures, 0, "{status:?}");
        } else {
            assert_eq!((let_in, status.totals.failures, status.totals.trips), (true, 1, 1), "{status:?}");
        }
    });
}

/// A result of an episode that has ended changes neither the state nor the run of failures of a later one.
#[test]
fn a_result_of_an_earlier_episode_is_late() {
    check(|| {
        let breaker = breaker(settings().failure_threshold(2));
        // Tells when the call was admitted, in the order that the breaker itself makes.
        let other = with(&breaker, |breaker| {
            let permit = breaker.try_acquire();
            let admitted = breaker.status().generation;
            let let_in = permit.map(breakerbox::Permit::failure).is_ok();
            (let_in, admitted)
        });
        breaker.open();
        breaker.close();
        let (let_in, admitted) = join(other);
        let status = rest(&breaker, 1);
        assert_eq!((status.state, status.generation), (State::Closed, 2));
        if status.consecutive_failures == 1 {
            assert!(let_in && status.totals.failures == 1, "{status:?}");
            assert_eq!(admitted, 2, "admitted before, counted after: {status:?}");
        }
    });
}

/// Who ends a call after he saw that its episode had ended is late, a success like any other.
#[test]
fn a_success_after_its_episode_is_late() {
    check_most(|| {
        let breaker = breaker(settings());
        let other = with(&breaker, |breaker| {
            let permit = breaker.try_acquire().ok();
            let admitted = breaker.status().generation;
            let seen = breaker.status().generation;
            let let_in = permit.map(breakerbox::Permit::success).is_some();
            let_in && admitted == 0 && seen > 0
        });
        breaker.open();
        breaker.close();
        let must_be_late = join(other);
        let status = rest(&breaker, 1);
        assert!(!must_be_late || status.totals.late == 1, "{status:?}");
    });
}

/// Who is admitted was admitted before the circuit was forced open; afterwards nobody is.
#[test]
fn nobody_passes_a_circuit_that_is_forced_open() {
    check(|| {
        let breaker = breaker(settings());
        let other = with(&breaker, succeed);
        breaker.force_open();
        assert_eq!(succeed(&breaker), Err(Reason::ForcedOpen));
        let theirs = join(other);
        let status = rest(&breaker, 2);
        assert_eq!((status.state, status.mode, status.totals.trips), (State::Open, Mode::ForcedOpen, 0));
        assert_eq!(status.totals.successes + status.totals.late, u64::from(theirs.is_ok()));
        breaker.auto();
        assert_eq!(succeed(&breaker), Ok(()));
    });
}

/// A call that asks to be a trial begins the episode, or meets the mode that came first.
#[test]
fn a_trial_meets_the_mode_that_came_first() {
    check(|| {
        let breaker = recovering(settings());
        let other = with(&breaker, hold);
        breaker.force_open();
        let theirs = join(other);
        let begun = breaker.status().totals.transitions.open_to_half_open;
        assert!(matches!((theirs, begun), (Ok(()), 1) | (Err(Reason::ForcedOpen), 0)), "{theirs:?} {begun}");
    });
}

/// A failure that races a mode which records nothing, or a forced one, opens nothing afterwards.
#[test]
fn a_mode_keeps_what_it_found() {
    for mode in [Mode::Disabled, Mode::MetricsOnly, Mode::ForcedOpen] {
        check(move || {
            let breaker = breaker(settings());
            let other = with(&breaker, fail);
            match mode {
                Mode::Disabled => breaker.disable(),
                Mode::MetricsOnly => breaker.metrics_only(),
                _ => breaker.force_open(),
            }
            let _ = join(other);
            let trips = breaker.status().totals.trips;
            breaker.auto();
            let status = breaker.status();
            assert_eq!(status.totals.trips, trips);
            assert_eq!(status.state == State::Open, trips == 1, "{status:?}");
        });
    }
}

/// Settings that race a failure are those by which it, or the next result, is judged.
#[test]
fn a_lower_threshold_is_not_missed() {
    check(|| {
        let breaker = breaker(settings().failure_threshold(3));
        let _ = fail(&breaker);
        let other = with(&breaker, fail);
        breaker.reconfigure(Config::builder().failure_threshold(2)).expect("valid");
        let _ = join(other);
        if breaker.state() == State::Closed {
            assert_eq!(breaker.status().consecutive_failures, 2);
            let _ = fail(&breaker);
        }
        assert_eq!(breaker.state(), State::Open);
    });
}

/// Of two commands the later one holds, whole.
#[test]
fn two_commands_have_an_order() {
    check(|| {
        let breaker = breaker(settings());
        let other = with(&breaker, CircuitBreaker::force_open);
        breaker.open();
        join(other);
        let status = breaker.status();
        let seen = (status.state, status.mode, status.retry_after.is_some());
        assert!(matches!(seen, (State::Open, Mode::Auto, true) | (State::Open, Mode::ForcedOpen, false)), "{status:?}");
        assert!(status.generation >= 2, "{status:?}");
    });
}

/// A trial that ends while the clock is exchanged is timed by the clock of its end.
#[test]
fn an_old_time_does_not_meet_a_new_clock() {
    check(|| {
        let breaker = recovering(settings().half_open_max_calls(2).success_threshold(2));
        let _ = hold(&breaker);
        let other = with(&breaker, succeed);
        breaker.set_clock(ManualClock::new());
        let _ = join(other);
        let trials = breaker.status().half_open.expect("one trial decides nothing");
        assert!(trials.time_left.is_some_and(|left| left <= secs(60)), "{trials:?}");
    });
}

/// A state that is taken up holds, whatever a failure of before wanted.
#[test]
fn a_restored_state_holds() {
    check(|| {
        let breaker = breaker(settings());
        let closed = breaker.snapshot();
        breaker.open();
        let open = breaker.snapshot();
        breaker.restore(&closed);
        let other = with(&breaker, succeed);
        breaker.restore(&open);
        let _ = join(other);
        let status = rest(&breaker, 1);
        assert_eq!((status.state, status.retry_after), (State::Open, Some(secs(60))));
        advance(secs(60));
        assert_eq!(succeed(&breaker), Ok(()));
    });
}
