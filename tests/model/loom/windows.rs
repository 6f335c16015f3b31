//! Windows: what they hold after a race, and that no verdict is missed.

use breakerbox::{Config, ConfigBuilder, State};

use crate::support::{breaker, check, fail, join, rest, secs, settings, succeed, with};

fn rates() -> ConfigBuilder {
    settings().failure_threshold(None).failure_rate_threshold(0.5).minimum_calls(2)
}

/// Of a success and a failure that bring the window to its minimum together, the later one opens it.
#[test]
fn the_call_that_completes_the_minimum_opens_it() {
    for window in [rates().window_size(4), rates().window_duration(secs(10))] {
        check(move || {
            let breaker = breaker(window.clone());
            let other = with(&breaker, succeed);
            let _ = fail(&breaker);
            let _ = join(other);
            let status = rest(&breaker, 2);
            assert_eq!(status.state, State::Open, "{status:?}");
        });
    }
}

/// The same after a success that left nothing to look at, and after a reset.
#[test]
fn a_clean_circuit_waits_for_its_minimum_too() {
    for window in [rates().window_size(4), rates().window_duration(secs(10))] {
        for minimum in [2, 3] {
            let window = window.clone().failure_rate_threshold(0.3).minimum_calls(minimum);
            check(move || {
                let breaker = breaker(window.clone());
                if minimum == 3 {
                    let _ = succeed(&breaker);
                } else {
                    breaker.reset();
                }
                let other = with(&breaker, succeed);
                let _ = fail(&breaker);
                let _ = join(other);
                assert_eq!(breaker.state(), State::Open, "{:?}", breaker.status());
            });
        }
    }
}

/// At rest a window holds every call since it was last empty, each once.
#[test]
fn a_window_holds_every_call_once() {
    for window in [rates().window_size(64), rates().window_duration(secs(10))] {
        check(move || {
            let breaker = breaker(window.clone().failure_rate_threshold(0.9));
            let _ = succeed(&breaker);
            let _ = succeed(&breaker);
            let others = [with(&breaker, succeed), with(&breaker, fail)];
            let _ = succeed(&breaker);
            for other in others {
                join(other).expect("closed");
            }
            let window = rest(&breaker, 5).window.expect("a rate is set");
            assert_eq!((window.calls, window.failures), (5, 1));
        });
    }
}

/// A small window never holds more calls than it has places, and all of the last ones.
#[test]
fn a_full_window_forgets_the_oldest() {
    check(|| {
        let breaker = breaker(rates().window_size(2).failure_rate_threshold(1.0));
        let _ = fail(&breaker);
        let _ = succeed(&breaker);
        let other = with(&breaker, succeed);
        let _ = succeed(&breaker);
        join(other).expect("closed");
        let window = rest(&breaker, 4).window.expect("a rate is set");
        assert_eq!((window.calls, window.failures), (2, 0));
    });
}

/// A window that is emptied while a call ends holds that call or not, and nothing else.
#[test]
fn a_reset_empties_the_window() {
    for window in [rates().window_size(4), rates().window_duration(secs(10))] {
        check(move || {
            let breaker = breaker(window.clone());
            let _ = succeed(&breaker);
            let other = with(&breaker, succeed);
            breaker.reset();
            let _ = join(other);
            let window = rest(&breaker, 2).window.expect("a rate is set");
            assert!(window.calls <= 1 && window.failures == 0, "{window:?}");
        });
    }
}

/// A rate that is lowered while a call succeeds is applied to it or to the next one.
#[test]
fn a_lower_rate_is_not_missed() {
    check(|| {
        let breaker = breaker(rates());
        for end in [succeed, succeed, succeed, fail] {
            let _ = end(&breaker);
        }
        let other = with(&breaker, succeed);
        breaker.reconfigure(Config::builder().failure_rate_threshold(0.1)).expect("valid");
        let _ = join(other);
        let _ = succeed(&breaker);
        assert_eq!(breaker.state(), State::Open, "{:?}", breaker.status());
    });
}

/// What opened the circuit is a rate that its own numbers reach.
#[test]
fn a_transition_shows_numbers_that_reach_the_threshold() {
    check(|| {
        let breaker = breaker(rates().window_size(4));
        let _ = succeed(&breaker);
        let others = [with(&breaker, succeed), with(&breaker, fail)];
        let _ = fail(&breaker);
        for other in others {
            let _ = join(other);
        }
        let status = rest(&breaker, 4);
        if let Some(opened) = status.last_transition {
            assert!(opened.failures * 2 >= opened.calls && opened.calls >= 2, "{opened}");
        }
    });
}
