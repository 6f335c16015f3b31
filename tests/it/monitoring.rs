//! What monitoring asks of breakers: calls under way, how long calls take, word of refusals, and who did what.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakerbox::{
    Cause, CircuitBreaker, Config, Event, Health, Key, ManualClock, Mode, Reason, Registry, State, Value,
};

const SECOND: Duration = Duration::from_secs(1);

fn on_a_clock() -> (Registry, ManualClock, CircuitBreaker) {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let breaker = registry.get_or_insert("quotes", Config::default()).unwrap();
    (registry, clock, breaker)
}

fn heard(registry: &Registry) -> Arc<Mutex<Vec<Event>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    registry.subscribe(move |event: &Event| ear.lock().unwrap().push(event.clone())).keep();
    heard
}

#[test]
fn calls_under_way_are_counted_from_the_moment_that_someone_asks() {
    let (registry, _, breaker) = on_a_clock();
    let before = breaker.try_acquire().unwrap();
    assert_eq!(breaker.status().in_flight, None);
    registry.count_in_flight();
    let permits: Vec<_> = (0..3).map(|_| breaker.try_acquire().unwrap()).collect();
    assert_eq!(breaker.status().in_flight, Some(3));
    before.success();
    assert_eq!(breaker.status().in_flight, Some(3));
    for (number, permit) in permits.into_iter().enumerate() {
        match number {
            0 => permit.success(),
            1 => permit.failure(),
            _ => drop(permit),
        }
        assert_eq!(breaker.status().in_flight, Some(2 - number as u64));
    }
    breaker.record_success();
    breaker.record_failure();
    assert_eq!(breaker.status().in_flight, Some(0));
}

#[test]
fn calls_under_way_are_counted_in_every_mode_and_state_and_in_breakers_to_come() {
    let (registry, clock, breaker) = on_a_clock();
    registry.count_in_flight();
    let later = registry.get_or_insert("later", Config::default()).unwrap();
    for order in
        [CircuitBreaker::disable, CircuitBreaker::metrics_only, CircuitBreaker::auto, CircuitBreaker::half_open]
    {
        for breaker in [&breaker, &later] {
            order(breaker);
            let permit = breaker.try_acquire().unwrap();
            assert_eq!(breaker.status().in_flight, Some(1), "{breaker:?}");
            // What a call that is late does not change, it still ends.
            breaker.reset();
            permit.success();
            assert_eq!(breaker.status().in_flight, Some(0), "{breaker:?}");
        }
    }
    breaker.open();
    assert!(breaker.try_acquire().is_err());
    assert_eq!(breaker.status().in_flight, Some(0));
    clock.advance(60 * SECOND);
    drop(breaker.try_acquire().unwrap());
    assert_eq!(breaker.status().in_flight, Some(0));
}

#[test]
fn a_dropped_future_is_not_under_way() {
    let (registry, _, breaker) = on_a_clock();
    registry.count_in_flight();
    let mut call = Box::pin(breaker.call_async(std::future::pending::<Option<u8>>()));
    assert!(futures_util::FutureExt::now_or_never(&mut call).is_none());
    assert_eq!(breaker.status().in_flight, Some(1));
    drop(call);
    assert_eq!(breaker.status().in_flight, Some(0));
}

#[test]
fn how_long_calls_take_lies_in_the_bucket_of_its_bound() {
    let (registry, clock, breaker) = on_a_clock();
    assert_eq!(breaker.status().durations, None);
    registry.time_calls(&[2 * SECOND, Duration::ZERO, SECOND, SECOND]);
    for (took, succeeds) in
        [(SECOND, true), (SECOND + Duration::from_nanos(1), true), (5 * SECOND, true), (SECOND, false)]
    {
        let permit = breaker.try_acquire().unwrap();
        clock.advance(took);
        if succeeds { permit.success() } else { permit.failure() }
    }
    let durations = breaker.status().durations.unwrap();
    assert_eq!(durations.bounds, [SECOND, 2 * SECOND]);
    assert_eq!((&durations.successes.buckets[..], &durations.failures.buckets[..]), (&[1, 1, 1][..], &[1, 0, 0][..]));
    assert_eq!(durations.successes.sum, 7 * SECOND + Duration::from_nanos(1));
    assert_eq!((durations.successes.count(), durations.failures.count()), (3, 1));
    // Nothing is slow by that.
    assert_eq!(breaker.status().totals.slow_calls, 0);
    registry.time_calls(&[9 * SECOND]);
    assert_eq!(breaker.status().durations.unwrap().bounds, [SECOND, 2 * SECOND]);
}

#[test]
fn refusals_are_told_at_once_and_then_once_in_a_while() {
    let (registry, clock, breaker) = on_a_clock();
    let heard = heard(&registry);
    let told = |heard: &Mutex<Vec<Event>>| -> Vec<(Reason, u64, Option<Duration>)> {
        let events = std::mem::take(&mut *heard.lock().unwrap());
        let refused = |event| match event {
            Event::Refused { reason, calls, retry_after, .. } => Some((reason, calls, retry_after)),
            _ => None,
        };
        events.into_iter().filter_map(refused).collect()
    };
    breaker.open();
    assert!(breaker.try_acquire().is_err());
    assert_eq!(told(&heard), []);
    registry.tell_refusals(10 * SECOND);
    for _ in 0..5 {
        assert!(breaker.try_acquire().is_err());
    }
    assert_eq!(told(&heard), [(Reason::Open, 1, Some(60 * SECOND))]);
    clock.advance(10 * SECOND);
    assert!(breaker.try_acquire().is_err());
    assert_eq!(told(&heard), [(Reason::Open, 5, Some(50 * SECOND))]);
    breaker.force_open();
    clock.advance(10 * SECOND);
    assert!(breaker.try_acquire().is_err());
    assert_eq!(told(&heard), [(Reason::ForcedOpen, 1, None)]);
    registry.tell_refusals(None);
    clock.advance(10 * SECOND);
    assert!(breaker.try_acquire().is_err());
    assert_eq!(told(&heard), []);
}

#[test]
fn commands_name_who_ordered_them() {
    let (registry, _, breaker) = on_a_clock();
    let heard = heard(&registry);
    breaker.by("alice").force_open();
    breaker.by("bob").reset();
    breaker.by("carol").open();
    breaker.by("carol").reset();
    breaker.by("dave").reconfigure(Config::builder().recovery_timeout(90 * SECOND)).unwrap();
    breaker.close();
    breaker.open();
    let lines: Vec<String> = heard.lock().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "circuit 'quotes': mode auto -> forced_open by alice",
            "circuit 'quotes': mode forced_open -> auto by bob",
            "circuit 'quotes': reset by bob",
            "circuit 'quotes': closed -> open (by carol)",
            "circuit 'quotes': open -> closed (reset by carol)",
            "circuit 'quotes': reset by carol",
            "circuit 'quotes': reconfigured (recovery_timeout 1m -> 1m30s, half_open_timeout 1m -> 1m30s) by dave",
            "circuit 'quotes': closed -> open (by hand)",
        ]
    );
    let last = breaker.status().last_transition.unwrap();
    assert_eq!((last.cause, last.by), (Cause::Manual, None));
}

#[test]
fn a_transition_of_its_own_names_nobody() {
    let (registry, _, breaker) = on_a_clock();
    breaker.by("alice").force_open();
    breaker.by("alice").auto();
    let heard = heard(&registry);
    for _ in 0..5 {
        breaker.record_failure();
    }
    let events = heard.lock().unwrap();
    assert!(matches!(&events[..], [Event::Transition(opened)] if opened.by.is_none()), "{events:?}");
}

#[test]
fn requests_are_counted_by_the_state_that_judged_them() {
    let (_, clock, breaker) = on_a_clock();
    for _ in 0..5 {
        breaker.record_failure();
    }
    assert!(breaker.try_acquire().is_err());
    // Nobody let this one in.
    breaker.record_success();
    clock.advance(60 * SECOND);
    let trials: Vec<_> = (0..3).map(|_| breaker.try_acquire().unwrap()).collect();
    assert!(breaker.try_acquire().is_err());
    trials.into_iter().for_each(breakerbox::Permit::success);
    breaker.record_success();
    let totals = breaker.status().totals;
    let requests = totals.requests;
    assert_eq!((requests.closed, requests.open, requests.half_open), (6, 2, 4));
    assert_eq!(totals.attempts, 12);
    assert_eq!(State::ALL.map(|state| requests.of(state)), [6, 2, 4]);
}

#[test]
fn the_time_in_each_state_is_what_callers_met() {
    let (_, clock, breaker) = on_a_clock();
    let times = || State::ALL.map(|state| breaker.status().time_in_states.of(state).as_secs());
    clock.advance(7 * SECOND);
    breaker.open();
    clock.advance(60 * SECOND);
    assert_eq!(times(), [7, 60, 0]);
    // The open time is over, although no call has come yet.
    clock.advance(5 * SECOND);
    assert_eq!(times(), [7, 60, 5]);
    breaker.force_open();
    clock.advance(100 * SECOND);
    assert_eq!(times(), [7, 160, 5]);
    breaker.disable();
    clock.advance(SECOND);
    breaker.reset();
    clock.advance(SECOND);
    assert_eq!(times(), [9, 160, 5]);
}

#[test]
fn a_recovery_rate_is_of_the_episodes_that_ended() {
    let (_, _, breaker) = on_a_clock();
    assert_eq!(breaker.status().recovery_rate(), None);
    for closes in [true, false, false, true] {
        breaker.half_open();
        assert_eq!(breaker.mode(), Mode::Auto);
        if closes { breaker.close() } else { breaker.open() }
    }
    assert_eq!(breaker.status().recovery_rate(), Some(0.5));
}

#[test]
fn health_is_degraded_while_a_circuit_is_open() {
    let (registry, clock, breaker) = on_a_clock();
    assert_eq!((registry.summary().health(), registry.summary().health().as_str()), (Health::Ok, "ok"));
    breaker.open();
    let summary = registry.summary();
    assert_eq!((summary.health().to_string(), &*summary.open_breakers[0]), ("degraded".to_owned(), "quotes"));
    clock.advance(60 * SECOND);
    assert_eq!((registry.summary().health(), registry.summary().open_breakers.len()), (Health::Ok, 0));
}

#[test]
fn settings_are_read_as_text_by_their_names() {
    let read = |key: &str, text: &str| key.parse::<Key>().and_then(|key| key.read(text));
    assert_eq!(read("recovery_timeout", "1m30s"), Ok(Value::Time(90 * SECOND)));
    assert_eq!(read("failure_threshold", "off"), Ok(Value::Off));
    for (key, text, expected) in [
        ("reset_timeout", "1", "there is no setting `reset_timeout`; the settings are failure_threshold,"),
        ("recovery_timeout", "soon", "`recovery_timeout`: `soon` is not a duration"),
        ("jitter", "2", "`jitter` is a share: it must be at least 0 and at most 1"),
        ("window_size", "off", "`window_size`: it must be a whole number from 1 to 1000000"),
    ] {
        let error = read(key, text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let config = Config::builder().set(Key::FailureThreshold, Value::Count(2)).build().unwrap();
    assert_eq!(config.get(Key::FailureThreshold), Value::Count(2));
    let error = Config::builder().set(Key::FailureThreshold, Value::Time(SECOND)).build().unwrap_err();
    assert_eq!(error.key(), "failure_threshold");
    assert_eq!("half_open".parse(), Ok(State::HalfOpen));
    assert_eq!(
        "ajar".parse::<State>().unwrap_err().to_string(),
        "there is no state 'ajar': write closed, open or half_open"
    );
}
