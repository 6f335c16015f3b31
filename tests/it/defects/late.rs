//! Results that come too late: from before a transition, or from an earlier episode.

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, Outcome, Reason, State};

use crate::support::{bench, secs};

fn settings() -> ConfigBuilder {
    Config::builder().failure_threshold(2).recovery_timeout(secs(10)).half_open_max_calls(2)
}

const OUTCOMES: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Ignored];

// tower-resilience lib.rs:832, failsafe state_machine.rs:187, breaker state.rs:155, opossum, Sentinel,
// Polly #217: a success from before the trip closes the circuit, or counts as a trial.
#[test]
fn a_stale_success_closes_nothing_and_is_no_trial() {
    let b = bench(settings().half_open_max_calls(1));
    let stale: Vec<_> = (0..20).map(|_| b.permit()).collect();
    b.fail(2);
    let mut stale = stale.into_iter();
    for permit in stale.by_ref().take(10) {
        permit.success();
        assert_eq!(b.state(), State::Open);
    }
    b.advance(secs(10));
    let trial = b.permit();
    for permit in stale {
        permit.success();
        assert_eq!(b.state(), State::HalfOpen);
    }
    trial.failure();
    assert_eq!(b.state(), State::Open);
    assert_eq!(b.totals().late, 20);
}

// failsafe-go circuitBreaker.recordFailure has no generation: a late failure re-opens.
#[test]
fn a_stale_failure_re_opens_nothing() {
    let b = bench(settings());
    let (one, other) = (b.permit(), b.permit());
    b.fail(2);
    b.advance(secs(10));
    b.succeed(1);
    one.failure();
    assert_eq!(b.state(), State::HalfOpen);
    b.succeed(1);
    other.failure();
    assert_eq!((b.state(), b.breaker.status().consecutive_failures), (State::Closed, 0));
}

// seatbelt 0.11 engine_core.rs:139: a trial of an earlier half-open cycle closes a later one.
#[test]
fn a_trial_of_an_earlier_episode_decides_nothing_in_a_later_one() {
    for outcome in OUTCOMES {
        let b = bench(settings().success_threshold(1));
        b.fail(2);
        b.advance(secs(10));
        let stale = b.permit();
        b.fail(1);
        assert_eq!(b.state(), State::Open);
        b.advance(secs(10));
        let trial = b.permit();
        stale.finish(outcome);
        assert_eq!(b.state(), State::HalfOpen, "{outcome:?}");
        trial.success();
        assert_eq!(b.state(), State::Closed);
        assert_eq!(b.totals().late, 1);
    }
}

// resilience4j, failsafe CircuitState.recordFailure: a late result mints a half-open permit.
#[test]
fn a_late_result_mints_no_trial() {
    for end in 0..4 {
        let b = bench(settings());
        let stale = b.permit();
        b.fail(2);
        b.advance(secs(10));
        let (_first, _second) = (b.permit(), b.permit());
        assert_eq!(b.refusal().reason(), Reason::HalfOpenFull);
        match OUTCOMES.get(end) {
            Some(outcome) => stale.finish(*outcome),
            None => drop(stale),
        }
        assert_eq!(b.refusal().reason(), Reason::HalfOpenFull, "end {end}");
    }
}

// nobreak lib.rs:178: failures under way arm the open timer again, 60 ms became 236; fabfuel pushes
// its reopen time back likewise.
#[test]
fn failures_under_way_do_not_lengthen_the_open_time() {
    let b = bench(settings());
    let under_way: Vec<_> = (0..9).map(|_| b.permit()).collect();
    b.fail(2);
    for permit in under_way {
        b.advance(secs(1));
        permit.failure();
    }
    assert_eq!(b.refusal().retry_after(), Some(secs(1)));
    b.advance(secs(1));
    b.succeed(2);
    assert_eq!(b.state(), State::Closed);
    assert_eq!(b.totals().trips, 1);
}

// fabfuel: reset() on a late success closes an open breaker; hystrix-go: any success closes.
#[test]
fn a_success_without_a_permit_does_not_close_an_open_circuit() {
    let b = bench(settings());
    b.fail(2);
    b.breaker.record_success();
    assert_eq!(b.state(), State::Open);
    assert_eq!(b.totals().late, 1);
}

// gobreaker issue 122 and resilience4j: whoever reports late is told nothing, and counted nowhere.
#[test]
fn late_results_are_counted_as_late_whatever_they_are() {
    let b = bench(settings());
    let permits = [b.permit(), b.permit(), b.permit()];
    b.breaker.reset();
    for (permit, outcome) in permits.into_iter().zip(OUTCOMES) {
        permit.finish(outcome);
    }
    let totals = b.totals();
    assert_eq!((totals.late, totals.attempts), (3, 3));
    assert_eq!((totals.successes, totals.failures, totals.ignored), (0, 0, 0));
}

// Polly v8 CircuitStateController: results that arrive while isolated must change nothing.
#[test]
fn results_from_before_a_mode_change_change_nothing() {
    let b = bench(settings().failure_threshold(1));
    let modes: [fn(&CircuitBreaker); 3] =
        [CircuitBreaker::force_open, CircuitBreaker::disable, CircuitBreaker::metrics_only];
    for enter in modes {
        let (before, other) = (b.permit(), b.permit());
        enter(&b.breaker);
        before.failure();
        b.breaker.auto();
        other.failure();
        assert_eq!(b.state(), State::Closed);
        assert_eq!(b.breaker.status().consecutive_failures, 0);
    }
    assert_eq!(b.totals().late, 6);
}

// circuit_breaker 0.1.1 (:111), arcly-http: a success never resets the count, so that three failures
// in three thousand calls open it.
#[test]
fn a_success_starts_the_count_again() {
    let b = bench(settings().failure_threshold(3));
    for _ in 0..1000 {
        b.fail(2);
        b.succeed(1);
    }
    assert_eq!(b.state(), State::Closed);
    b.fail(3);
    assert_eq!(b.state(), State::Open);
}

// recloser 1.4 ring_buffer.rs:50: the defaults admit 101 straight failures, after each recovery again.
#[test]
fn the_defaults_open_after_five_failures_every_time() {
    let b = bench(Config::builder());
    for _ in 0..3 {
        b.fail(4);
        assert_eq!(b.state(), State::Closed);
        b.fail(1);
        assert_eq!(b.state(), State::Open);
        b.advance(secs(60));
        b.succeed(3);
        assert_eq!(b.state(), State::Closed);
    }
}
