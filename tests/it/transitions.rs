//! What a transition tells: its numbers, its time, and how long an open circuit will be open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use breakerbox::{Cause, Clock, Config, Registry, State};

use crate::support::{bench, millis, secs};

#[test]
fn a_transition_to_open_tells_how_long_and_no_other_does() {
    let b = bench(Config::builder().failure_threshold(1).recovery_timeout(secs(30)).half_open_max_calls(1));
    let heard = b.transitions();
    b.fail(1);
    b.advance(secs(30));
    b.fail(1);
    b.advance(secs(30));
    b.succeed(1);
    let told: Vec<_> = heard.all().iter().map(|transition| (transition.to, transition.retry_after)).collect();
    let expected = [
        (State::Open, Some(secs(30))),
        (State::HalfOpen, None),
        (State::Open, Some(secs(30))),
        (State::HalfOpen, None),
        (State::Closed, None),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_ends_a_half_open_episode_shows_no_window_because_trials_are_not_in_it() {
    for window in [Config::builder().window_size(10), Config::builder().window_duration(secs(100))] {
        let b = bench(window.failure_rate_threshold(0.5).failure_threshold(1).recovery_timeout(secs(1)));
        let heard = b.transitions();
        b.fail(1);
        b.advance(secs(1));
        b.succeed(2);
        b.fail(1);
        b.advance(secs(1));
        b.succeed(3);
        for transition in heard.all().iter().filter(|transition| transition.from == State::HalfOpen) {
            assert_eq!((transition.calls, transition.failures, transition.slow_calls), (0, 0, 0), "{transition}");
        }
        assert_eq!(b.state(), State::Closed);
    }
}

/// A clock that moves on by a millisecond with each reading.
#[derive(Clone, Debug, Default)]
struct Ticking(Arc<AtomicU64>);

impl Clock for Ticking {
    fn now(&self) -> Duration {
        secs(1) + millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn what_opened_a_circuit_is_told_although_the_window_has_lost_it_by_then() {
    let shortest = Config::builder().failure_threshold(None).failure_rate_threshold(1.0).minimum_calls(1);
    let shortest = shortest.window_duration(Duration::from_micros(10));
    let breaker = Registry::with_clock(Ticking::default()).get_or_insert("quotes", shortest).expect("valid");
    breaker.record_failure();
    let transition = breaker.status().last_transition.expect("it opened");
    assert_eq!((transition.cause, transition.calls, transition.failures), (Cause::FailureRateThreshold, 1, 1));
}
