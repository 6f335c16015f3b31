//! Tasks of a runtime with several threads: futures that end, fail, panic, and are dropped half-way.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use breakerbox::{CircuitBreaker, Config};
use futures_util::FutureExt;
use tokio::task;

use super::{HANDS, Made, assert_recovers, one_more};
use crate::rig::{Dice, Planned, planned_panic};
use crate::support::{bench, millis, secs};

/// A call that gives way some times and then ends as `outcome` says.
async fn work(pauses: u64, outcome: u64) -> Result<(), String> {
    for _ in 0..pauses {
        task::yield_now().await;
    }
    match outcome {
        0 => planned_panic(),
        1..4 => Err("down".to_owned()),
        _ => Ok(()),
    }
}

async fn hit(breaker: &CircuitBreaker, made: &Made, dice: &mut Dice) {
    let (outcome, pauses, patience) = (dice.roll(10), dice.roll(4), dice.roll(4));
    let mut has_begun = false;
    let call = breaker.call_async(|| {
        has_begun = true;
        work(pauses, outcome)
    });
    let finished = {
        let call = AssertUnwindSafe(call).catch_unwind();
        // Whoever runs out of patience drops the call.
        tokio::select! {
            biased;
            returned = call => Some(returned),
            () = async { for _ in 0..patience { task::yield_now().await; } } => None,
        }
    };
    let counter = match finished {
        None if has_begun => &made.dropped,
        None => panic!("a refusal answers at once"),
        Some(_) if !has_begun => &made.refused,
        Some(Err(payload)) => {
            assert!(payload.is::<Planned>());
            &made.failed
        }
        Some(Ok(Err(_))) => &made.failed,
        Some(Ok(Ok(()))) => &made.succeeded,
    };
    one_more(counter);
}

fn hammer(changes: bool, config: breakerbox::ConfigBuilder) {
    let b = Arc::new(bench(config));
    let made = Arc::new(Made::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
    runtime.block_on(async {
        let tasks: Vec<_> = (0..HANDS * 4)
            .map(|hand| {
                let (b, made) = (Arc::clone(&b), Arc::clone(&made));
                task::spawn(async move {
                    let mut dice = Dice::new(hand + 1);
                    for _ in 0..200 {
                        hit(&b.breaker, &made, &mut dice).await;
                        if changes {
                            match dice.roll(100) {
                                0 => b.breaker.reset(),
                                1 => b.breaker.force_open(),
                                2 => b.breaker.metrics_only(),
                                3..8 => b.breaker.auto(),
                                8..40 => b.clock.advance(millis(20)),
                                _ => {}
                            }
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task panicked");
        }
    });
    made.assert_counted(&b.breaker, changes);
    assert_eq!(b.breaker.status().totals.attempts, HANDS * 4 * 200);
    assert_recovers(&b.breaker, &b.clock);
}

#[test]
fn no_future_is_lost_while_nothing_changes() {
    hammer(false, Config::builder().failure_threshold(1_000_000));
}

#[test]
fn no_future_is_lost_while_everything_changes() {
    let config = || Config::builder().failure_threshold(3).recovery_timeout(millis(50));
    hammer(true, config());
    hammer(true, config().failure_rate_threshold(0.5).window_duration(secs(1)).minimum_calls(3));
    // Long enough never to cut off: through the timed path all the same.
    hammer(true, config().timeout(secs(3600)));
}
