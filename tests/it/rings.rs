//! A window of calls beside a plain list of the last calls, over sizes and runs of many lengths.

use std::collections::VecDeque;

use breakerbox::{Config, Permit, State};
use proptest::prelude::*;

use crate::support::{bench, secs};

/// Calls of one kind, one after the other.
#[derive(Clone, Copy, Debug)]
struct Run {
    calls: usize,
    failed: bool,
    slow: bool,
    /// Whether the window is emptied before.
    reset: bool,
}

fn run() -> impl Strategy<Value = Run> {
    let calls = prop_oneof![1..4_usize, 60..70_usize, 1..300_usize];
    let how = (prop::bool::weighted(0.3), prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    (calls, how).prop_map(|(calls, (failed, slow, reset))| Run { calls, failed, slow, reset })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_of_calls_holds_the_last_calls(
        size in 1..400_usize,
        minimum in prop_oneof![Just(400), 1..20_usize],
        times in any::<bool>(),
        runs in prop::collection::vec(run(), 1..30),
    ) {
        let minimum = minimum.min(size);
        let settings = Config::builder()
            .failure_threshold(None)
            .failure_rate_threshold(1.0)
            .window_size(u32::try_from(size).expect("small"))
            .minimum_calls(u32::try_from(minimum).expect("small"));
        // Only a breaker that takes no times lets successes pass its window.
        let b = bench(if times { settings.slow_call_duration(secs(1)) } else { settings });
        let mut last: VecDeque<(bool, bool)> = VecDeque::new();
        for Run { calls, failed, slow, reset } in runs {
            let slow = slow && times;
            if reset {
                b.breaker.reset();
                last.clear();
            }
            for _ in 0..calls {
                let permit = b.breaker.try_acquire().expect("closed");
                if slow {
                    b.clock.advance(secs(2));
                }
                if failed { Permit::failure(permit) } else { Permit::success(permit) }
                last.push_back((failed, slow));
                if last.len() > size {
                    last.pop_front();
                }
                let is_open = last.len() >= minimum && last.iter().all(|(failed, _)| *failed);
                prop_assert_eq!(b.breaker.state() == State::Open, is_open);
                if is_open {
                    b.breaker.reset();
                    last.clear();
                }
            }
            let window = b.breaker.status().window.expect("a rate is set");
            let count = |is: fn(&(bool, bool)) -> bool| last.iter().filter(|call| is(call)).count() as u64;
            prop_assert_eq!(window.calls, last.len() as u64);
            prop_assert_eq!(window.failures, count(|call| call.0));
            prop_assert_eq!(window.slow_calls, count(|call| call.1));
            prop_assert_eq!(window.slow_failures, count(|call| call.0 && call.1));
        }
    }
}
