//! The two places in which deadlines lie, read without the lock.

use std::time::Duration;

use breakerbox::{CircuitBreaker, ManualClock, Reason, State};

use crate::support::{advance, breaker, check, join, secs, settings, with};

/// What the coarse clock is behind by in a model.
const LAG: Duration = Duration::from_millis(20);

/// What a call is told: nothing, or how long to wait.
fn ask(breaker: &CircuitBreaker) -> Option<Duration> {
    let refusal = breaker.try_acquire().map(std::mem::forget).err()?;
    assert_eq!(refusal.reason(), Reason::Open);
    refusal.retry_after()
}

/// A refusal tells the time of an open episode that there was, and never that of a half-open one.
#[test]
fn a_refusal_tells_a_time_that_was_set() {
    for own_clock in [false, true] {
        check(move || {
            let breaker = breaker(settings().half_open_timeout(secs(600)).half_open_max_calls(9));
            if own_clock {
                breaker.set_clock(ManualClock::new());
            }
            let other = with(&breaker, ask);
            breaker.open_for(secs(10));
            breaker.close();
            breaker.half_open();
            if let Some(left) = join(other) {
                assert!(left == secs(10) || !own_clock && left == secs(10) + LAG, "{left:?}");
            }
        });
    }
}

/// While an open time is made longer nobody is admitted, and who is refused hears the one time or the other.
#[test]
fn nobody_passes_between_two_open_times() {
    check(|| {
        let breaker = breaker(settings());
        breaker.open_for(secs(10));
        let other = with(&breaker, ask);
        breaker.open_for(secs(20));
        breaker.open_for(secs(30));
        let left = join(other).expect("open all the time");
        assert!([10, 20, 30].iter().any(|set| left == secs(*set) || left == secs(*set) + LAG), "{left:?}");
    });
}

/// A call that is admitted after an open circuit was seen is a trial of a circuit whose time is over.
#[test]
fn nobody_passes_before_the_time() {
    check(|| {
        let breaker = breaker(settings());
        breaker.open();
        let other = with(&breaker, |breaker| (ask(breaker), breaker.status().totals.transitions.open_to_half_open));
        advance(secs(59));
        assert!(ask(&breaker).is_some());
        advance(secs(1));
        let (left, trials) = join(other);
        assert_eq!(left.is_none(), trials == 1);
        assert!(left.is_none_or(|left| left > Duration::ZERO && left <= secs(60) + LAG), "{left:?}");
        assert_eq!(breaker.state(), State::HalfOpen);
    });
}

/// While the clock is exchanged an open circuit stays open, with the time that was left of it.
#[test]
fn an_open_time_outlives_its_clock() {
    check(|| {
        let breaker = breaker(settings());
        let clock = ManualClock::new();
        clock.set(secs(1_000_000));
        breaker.set_clock(clock);
        breaker.open_for(secs(10));
        let other = with(&breaker, |breaker| (ask(breaker), breaker.state(), breaker.can_execute()));
        breaker.set_clock(ManualClock::new());
        assert_eq!(join(other), (Some(secs(10)), State::Open, false));
    });
}
