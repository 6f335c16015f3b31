//! Counters: of changes by direction, of refusals by reason, of fallbacks, of events that were lost.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use breakerbox::{CircuitBreaker, Config, Reason, Registry, State, circuit_breaker};

use crate::support::{bench, fail, secs};

#[test]
fn every_change_is_counted_by_its_direction() {
    let b = bench(Config::builder());
    let go = |to: State| match to {
        State::Closed => b.breaker.close(),
        State::Open => b.breaker.open(),
        State::HalfOpen => b.breaker.half_open(),
    };
    let mut expected = [[0; 3]; 3];
    let mut at = State::Closed;
    // Each pair, some more often than others.
    for to in [1, 2, 0, 2, 1, 0, 1, 2, 1, 2, 1, 0, 2, 0, 2, 0].map(|to: usize| State::ALL[to]) {
        go(to);
        expected[at as usize][to as usize] += 1;
        at = to;
    }
    b.breaker.open();
    expected[at as usize][State::Open as usize] += 1;
    b.breaker.open_for(secs(5));
    expected[State::Open as usize][State::Open as usize] += 1;
    let transitions = b.totals().transitions;
    for from in State::ALL {
        for to in State::ALL {
            assert_eq!(transitions.between(from, to), expected[from as usize][to as usize], "{from} -> {to}");
        }
    }
    let [closed, open, half_open] = expected;
    assert_eq!([transitions.closed_to_open, transitions.closed_to_half_open], closed[1..]);
    assert_eq!([transitions.open_to_closed, transitions.open_to_open, transitions.open_to_half_open], open);
    assert_eq!([transitions.half_open_to_closed, transitions.half_open_to_open], half_open[..2]);
    assert_eq!(b.totals().trips, transitions.closed_to_open);
}

#[test]
fn refusals_are_counted_by_their_reason() {
    let b = bench(Config::builder().failure_threshold(1).half_open_max_calls(1));
    b.fail(1);
    (0..3).for_each(|_| assert!(!fail(&b.breaker)));
    b.advance(secs(60));
    let _trial = b.permit();
    (0..2).for_each(|_| assert!(!fail(&b.breaker)));
    b.breaker.force_open();
    assert!(!fail(&b.breaker));
    let rejections = b.totals().rejections;
    let by = [Reason::Open, Reason::HalfOpenFull, Reason::ForcedOpen, Reason::Timeout, Reason::Failed];
    assert_eq!(by.map(|reason| rejections.by(reason)), [3, 2, 1, 0, 0]);
    assert_eq!(rejections.total(), 6);
}

#[test]
fn a_fallback_that_answers_is_counted() {
    #[circuit_breaker(name = "counted fallback", failure_threshold = 2, fallback = || Ok(7))]
    fn rate(ok: bool) -> Result<u8, String> {
        if ok { Ok(1) } else { Err("down".to_owned()) }
    }
    let fallbacks = || breakerbox::breaker("counted fallback").map(|breaker| breaker.status().totals.fallbacks);
    assert_eq!((rate(true), rate(false).is_err(), rate(false).is_err()), (Ok(1), true, true));
    assert_eq!(fallbacks(), Some(0));
    assert_eq!((rate(true), rate(false)), (Ok(7), Ok(7)));
    assert_eq!(fallbacks(), Some(2));
}

/// So many events wait for a slow listener.
const CAPACITY: u64 = 65_536;

#[test]
fn events_that_wait_too_long_are_lost_and_counted() {
    let registry = Registry::new();
    let breaker: CircuitBreaker = registry.get_or_insert("quotes", Config::default()).expect("valid");
    let ((entered, has_entered), (go, wait)) = (channel(), channel::<()>());
    let wait = Mutex::new(wait);
    registry
        .subscribe(move |_| {
            let _ = entered.send(());
            let _ = wait.lock().expect("no panic").recv();
        })
        .keep();
    thread::scope(|scope| {
        scope.spawn(|| breaker.force_open());
        has_entered.recv().expect("the listener is told");
        (0..CAPACITY / 2).for_each(|_| {
            breaker.auto();
            breaker.force_open();
        });
        assert_eq!(registry.lost_events(), 0);
        (0..3).for_each(|_| breaker.reset());
        // A reset that ends a mode is two events.
        assert_eq!(registry.lost_events(), 4);
        drop(go);
    });
}
