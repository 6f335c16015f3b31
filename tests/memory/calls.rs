//! No call allocates, whatever way it begins and ends, unless it changes the state of its circuit.

use std::time::Duration;

use breakerbox::{
    CircuitBreaker, CircuitBreakerError, Config, ConfigBuilder, ManualClock, Permit, Registry, State, circuit_breaker,
};
use futures_util::FutureExt;

use crate::{allocations, clocked};

fn assert_none(what: &str, call: impl FnMut()) {
    let count = allocations(call);
    assert_eq!(count, 0, "{what}: {count} allocations in a thousand calls");
}

/// Settings under which no call of these tests changes the state.
fn patient() -> [ConfigBuilder; 4] {
    let hour = Duration::from_secs(3600);
    let plain = || {
        let trials = Config::builder().half_open_max_calls(1_000_000).success_threshold(1_000_000);
        trials.failure_threshold(1_000_000).half_open_timeout(hour).recovery_timeout(hour)
    };
    let rate = || plain().failure_rate_threshold(1.0);
    [
        plain(),
        rate().window_size(100_000).minimum_calls(100_000),
        rate().window_duration(hour).minimum_calls(100_000),
        plain().slow_call_duration(hour).slow_call_rate_threshold(1.0),
    ]
}

/// On the system's clock and on one of its own, with a listener for ever, and with a name that is
/// longer than an error holds inline.
fn breakers(settings: &ConfigBuilder) -> [CircuitBreaker; 2] {
    let name = "a name that is longer than an error holds inline";
    let of = |registry: Registry| {
        let breaker = registry.get_or_insert(name, settings.clone()).expect("valid");
        std::mem::forget(registry.subscribe(|_| ()));
        breaker
    };
    [of(Registry::new()), of(Registry::with_clock(ManualClock::new()))]
}

fn failure() -> CircuitBreakerError {
    let forced = CircuitBreaker::new("other", Config::default()).expect("valid");
    forced.force_open();
    forced.try_acquire().expect_err("forced open")
}

/// What a call can do that does not fail.
fn good_calls_allocate_nothing(breaker: &CircuitBreaker, when: &str) {
    let none = |what: &str, call: &mut dyn FnMut()| assert_none(&format!("{what}, {when}"), call);
    none("success", &mut || _ = breaker.call(|| Some(1)));
    none("async", &mut || _ = breaker.call_async(async { Some(1) }).now_or_never());
    none("async function", &mut || _ = breaker.call_async(|| async { Some(1) }).now_or_never());
    none("async, dropped before it began", &mut || drop(breaker.call_async(async { Some(1) })));
    none("async, dropped while it waits", &mut || {
        _ = breaker.call_async(std::future::pending::<Option<u8>>()).now_or_never();
    });
    none("permit, success", &mut || _ = breaker.try_acquire().map(Permit::success));
    none("permit, ignored", &mut || _ = breaker.try_acquire().map(Permit::ignore));
    none("permit, dropped", &mut || drop(breaker.try_acquire()));
    none("recorded success", &mut || breaker.record_success());
    none("looked at", &mut || {
        _ = (breaker.can_execute(), breaker.state(), breaker.mode(), breaker.is_open(), breaker.name().len());
    });
}

fn bad_calls_allocate_nothing(breaker: &CircuitBreaker, when: &str) {
    let none = |what: &str, call: &mut dyn FnMut()| assert_none(&format!("{what}, {when}"), call);
    let error = failure();
    let mut number = 0;
    let mut every_other = || {
        number += 1;
        if number % 2 == 0 { Err(error.clone()) } else { Ok(1) }
    };
    none("failure", &mut || _ = breaker.call(|| Err::<u8, _>(error.clone())));
    none("every other a failure", &mut || _ = breaker.call(&mut every_other));
    none("async failure", &mut || _ = breaker.call_async(async { None::<u8> }).now_or_never());
    none("permit, failure", &mut || _ = breaker.try_acquire().map(Permit::failure));
    none("recorded failure", &mut || breaker.record_failure());
}

#[test]
fn no_call_of_a_breaker_that_admits_allocates() {
    for settings in patient() {
        for breaker in breakers(&settings) {
            good_calls_allocate_nothing(&breaker, "closed");
            bad_calls_allocate_nothing(&breaker, "closed");
            good_calls_allocate_nothing(&breaker, "closed, after failures");
            breaker.metrics_only();
            good_calls_allocate_nothing(&breaker, "metrics only");
            bad_calls_allocate_nothing(&breaker, "metrics only");
            breaker.disable();
            good_calls_allocate_nothing(&breaker, "disabled");
            bad_calls_allocate_nothing(&breaker, "disabled");
            breaker.reset();
            assert_eq!(breaker.status().totals.trips, 0);
            breaker.half_open();
            good_calls_allocate_nothing(&breaker, "half-open");
            assert_eq!(breaker.state(), State::HalfOpen);
        }
    }
}

#[test]
fn no_refused_call_and_no_late_result_allocates() {
    for settings in patient() {
        for breaker in breakers(&settings.half_open_max_calls(3).success_threshold(3)) {
            let late = || (0..1001).map(|_| breaker.try_acquire().expect("closed")).collect::<Vec<_>>();
            let (mut good, mut bad, mut ignored, mut dropped) = (late(), late(), late(), late());
            breaker.open();
            assert_none("late success", || _ = good.pop().map(Permit::success));
            assert_none("late failure", || _ = bad.pop().map(Permit::failure));
            assert_none("late and ignored", || _ = ignored.pop().map(Permit::ignore));
            assert_none("late and dropped", || _ = dropped.pop());
            assert_eq!(breaker.status().totals.late, 3003);
            good_calls_allocate_nothing(&breaker, "open");
            bad_calls_allocate_nothing(&breaker, "open");
            breaker.half_open();
            let places: Vec<_> = (0..3).map(|_| breaker.try_acquire().expect("a trial")).collect();
            good_calls_allocate_nothing(&breaker, "half-open and full");
            bad_calls_allocate_nothing(&breaker, "half-open and full");
            drop(places);
            breaker.force_open();
            good_calls_allocate_nothing(&breaker, "forced open");
            bad_calls_allocate_nothing(&breaker, "forced open");
            let rejections = breaker.status().totals.rejections;
            assert!(rejections.open > 1000 && rejections.half_open_full > 1000 && rejections.forced_open > 1000);
        }
    }
}

#[test]
fn no_slow_call_allocates() {
    let second = Duration::from_secs(1);
    for settings in patient() {
        let (clock, breaker) = clocked(settings.slow_call_duration(second).slow_call_rate_threshold(1.0));
        breaker.record_success();
        assert_none("slow call", || {
            _ = breaker.call(|| {
                clock.advance(2 * second);
                Some(1)
            });
            breaker.record_success();
        });
        assert_eq!((breaker.status().totals.slow_calls, breaker.state()), (1001, State::Closed));
    }
}

#[test]
fn no_call_of_an_annotated_function_allocates() {
    #[circuit_breaker(name = "allocations", failure_threshold = 1_000_000)]
    fn sync(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "allocations")]
    async fn asynchronous(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "allocations", fallback = answer)]
    fn covered(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "allocations", fallback = [pass_on, answer], fallback_on = any)]
    fn covered_always(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "allocations", fallback = answer_later)]
    async fn covered_asynchronous(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "allocations", failure_if = |returned: &Result<u8, Error>| returned.is_err(), on_open = Error(2))]
    fn judged(ok: bool) -> Result<u8, Error> {
        if ok { Ok(1) } else { Err(Error(1)) }
    }
    #[circuit_breaker(name = "allocations", ignore_if = |error: &Error| error.0 == 1, on_open = |_| Error(2))]
    async fn ignored(ok: bool) -> Result<u8, Error> {
        if ok { Ok(1) } else { Err(Error(1)) }
    }
    #[derive(Debug)]
    struct Error(u8);
    fn pass_on(_: bool) -> Option<u8> {
        None
    }
    fn answer(ok: bool) -> Option<u8> {
        (!ok).then_some(2)
    }
    async fn answer_later(ok: bool) -> Option<u8> {
        (!ok).then_some(2)
    }

    let breaker = breakerbox::breaker("allocations").expect("listed");
    let open = || breaker.open_for(Duration::from_secs(3600));
    let states: [(&str, &dyn Fn()); 3] =
        [("closed", &|| ()), ("open", &open), ("forced open", &|| breaker.force_open())];
    for (when, begin) in states {
        begin();
        for ok in [true, false] {
            let none = |what: &str, call: &mut dyn FnMut()| assert_none(&format!("{what}({ok}), {when}"), call);
            none("sync", &mut || _ = sync(ok));
            none("async", &mut || _ = asynchronous(ok).now_or_never());
            none("fallback", &mut || _ = covered(ok));
            none("fallbacks after failures", &mut || _ = covered_always(ok));
            none("async fallback", &mut || _ = covered_asynchronous(ok).now_or_never());
            none("failure_if and on_open", &mut || _ = judged(ok));
            none("ignore_if and on_open, async", &mut || _ = ignored(ok).now_or_never());
        }
    }
    let totals = breaker.status().totals;
    assert!(totals.failures > 1000 && totals.ignored > 1000 && totals.fallbacks > 1000, "{totals:?}");
}

#[test]
fn no_call_of_a_known_key_allocates() {
    #[circuit_breaker(name = "keyed allocations", key = host, failure_threshold = 1_000_000)]
    fn text(host: &str, ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "keyed allocations", key = format_args!("{host}:{port}"))]
    fn displayed(host: &str, port: u16, ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "keyed allocations", key = n)]
    async fn asynchronous(n: u64, ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "keyed allocations", key = address, fallback = || Some(2), fallback_on = any)]
    fn covered(address: std::net::IpAddr, ok: bool) -> Option<u8> {
        ok.then_some(1)
    }

    let address = std::net::IpAddr::from([127, 0, 0, 1]);
    let family = breakerbox::keyed("keyed allocations").expect("listed");
    for when in ["closed", "forced open"] {
        for ok in [true, false] {
            let none = |what: &str, call: &mut dyn FnMut()| assert_none(&format!("{what}({ok}), {when}"), call);
            none("text", &mut || _ = text("api.example.com", ok));
            none("text that is escaped", &mut || _ = text("one\ntwo", ok));
            none("displayed", &mut || _ = displayed("api.example.com", 443, ok));
            none("async", &mut || _ = asynchronous(7, ok).now_or_never());
            none("fallback", &mut || _ = covered(address, ok));
        }
        family.breakers().iter().for_each(CircuitBreaker::force_open);
    }
    assert_eq!(family.len(), 5);
}

#[test]
fn a_look_up_allocates_nothing_and_a_list_only_itself() {
    let registry = Registry::new();
    for number in 0..1000 {
        registry.get_or_insert(&format!("breaker {number}"), Config::default()).expect("valid");
    }
    assert_none("found", || assert!(registry.get("breaker 500").is_some()));
    assert_none("not found", || assert!(registry.get("breaker 1000").is_none()));
    assert_eq!(allocations(|| assert_eq!(registry.all().len(), 1000)), 1000);
}
