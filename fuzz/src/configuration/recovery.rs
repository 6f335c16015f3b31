//! Any configuration that is accepted opens where it should, and recovers.

use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, Key, ManualClock, Reason, State};

use crate::limits::{Stated, count, share, time};

/// More calls than these are not made for one input.
const MOST_CALLS: u32 = 300;
/// What lasts longer may reach the end of the clock's time, where it lasts for ever.
const LONGEST: Duration = Duration::from_nanos(u64::MAX / 8);

/// Opens, tries, fails, opens again, tries, succeeds, closes.
pub(super) fn opens_and_recovers(config: &Config, from: u32) {
    let settings: Stated = Key::ALL.into_iter().map(|key| (key, (config.get(key), breakerbox::Origin::Code))).collect();
    let clock = ManualClock::new();
    clock.set(Duration::from_nanos(from.into()));
    let breaker = CircuitBreaker::new("a", config).expect("it was accepted before");
    breaker.set_clock(clock.clone());
    opens(&breaker, &clock, &settings);
    let Some(()) = is_open_for(&breaker, &clock, &settings, 1.0) else { return };
    // No verdict in time: open again, and the result is late.
    let patience = time(&settings, Key::HalfOpenTimeout).unwrap_or_default();
    let trial = breaker.try_acquire().expect("a trial");
    if patience < LONGEST {
        clock.advance(patience.saturating_sub(Duration::from_nanos(1)));
        assert_eq!(breaker.state(), State::HalfOpen);
        clock.advance(Duration::from_nanos(1));
        assert_eq!(breaker.state(), State::Open);
        trial.success();
        assert_eq!(breaker.status().totals.late, 1);
    } else {
        trial.failure();
        assert_eq!(breaker.state(), State::Open);
    }
    let growth = share(&settings, Key::Multiplier).unwrap_or(1.0);
    let Some(()) = is_open_for(&breaker, &clock, &settings, growth) else { return };
    closes(&breaker, &settings);
}

/// By failures in a row or by their rate, whichever is reached first.
fn opens(breaker: &CircuitBreaker, clock: &ManualClock, settings: &Stated) {
    let minimum = count(settings, Key::MinimumCalls).unwrap_or(u32::MAX);
    let by_rate = share(settings, Key::FailureRateThreshold).map(|_| minimum);
    let needed = count(settings, Key::FailureThreshold).into_iter().chain(by_rate).min();
    if let Some(needed) = needed.filter(|needed| *needed <= MOST_CALLS) {
        for _ in 1..needed {
            breaker.record_failure();
            assert_eq!(breaker.state(), State::Closed);
        }
        breaker.record_failure();
        assert_eq!(breaker.state(), State::Open, "after {needed} failures");
        return;
    }
    let slow = time(settings, Key::SlowCallDuration).filter(|slow| *slow < LONGEST / MOST_CALLS);
    let is_last_calls = count(settings, Key::WindowSize).is_some();
    if let (Some(_), Some(slow), true) = (share(settings, Key::SlowCallRateThreshold), slow, is_last_calls)
        && minimum <= MOST_CALLS
    {
        for number in 1..=minimum {
            let call = breaker.try_acquire().expect("closed");
            clock.advance(slow + Duration::from_nanos(1));
            call.success();
            assert_eq!(breaker.state() == State::Open, number == minimum, "after {number} slow calls");
        }
        return;
    }
    breaker.open();
}

/// Refuses calls for as long as it says, which is as long as it should, and then is half-open.
/// `None` if that is for ever.
fn is_open_for(breaker: &CircuitBreaker, clock: &ManualClock, settings: &Stated, growth: f64) -> Option<()> {
    let refused = breaker.try_acquire().expect_err("it is open");
    assert_eq!(refused.reason(), Reason::Open);
    let left = breaker.status().retry_after.expect("it is open");
    assert_eq!(refused.retry_after(), Some(left));
    let base = time(settings, Key::RecoveryTimeout).unwrap_or_default();
    let longest = time(settings, Key::MaxRecoveryTimeout).unwrap_or(Duration::MAX).as_secs_f64();
    let jitter = share(settings, Key::Jitter).unwrap_or_default();
    let middle = (base.as_secs_f64() * growth).min(longest);
    let (least, most) = (middle * (1.0 - jitter), (middle * (1.0 + jitter)).min(longest));
    let is_for_ever = most >= LONGEST.as_secs_f64();
    let seconds = left.as_secs_f64();
    let is_in_range = seconds >= least * (1.0 - 1e-9) - 1e-9 && seconds <= most * (1.0 + 1e-9) + 1e-9;
    assert!(is_for_ever || is_in_range, "{left:?} is not {least} s to {most} s");
    if jitter == 0.0 && growth == 1.0 && !is_for_ever {
        assert_eq!(left, base);
    }
    if is_for_ever {
        return None;
    }
    clock.advance(left.saturating_sub(Duration::from_nanos(1)));
    assert_eq!(breaker.state(), State::Open);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(breaker.state(), State::HalfOpen);
    Some(())
}

/// Enough successful trials close it, and no fewer.
fn closes(breaker: &CircuitBreaker, settings: &Stated) {
    let needed = count(settings, Key::SuccessThreshold).unwrap_or_default();
    if needed > MOST_CALLS {
        return;
    }
    for _ in 0..needed {
        assert_eq!(breaker.state(), State::HalfOpen);
        breaker.try_acquire().expect("a trial").success();
    }
    assert_eq!(breaker.state(), State::Closed);
    assert!(breaker.try_acquire().is_ok());
    assert_eq!(breaker.status().totals.trips, 1);
}
