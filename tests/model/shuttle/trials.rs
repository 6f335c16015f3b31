//! Many threads want to be the trial.

use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, Reason};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicU32, Ordering};
use shuttle::thread;

use crate::check;

/// At no moment are more trial calls under way than there are places, and in the end all are free.
#[test]
fn never_more_trials_than_places() {
    check(6_000, || {
        let places = thread_rng().gen_range(1..4);
        let settings = Config::builder().half_open_max_calls(places).success_threshold(places);
        let breaker = CircuitBreaker::new("quotes", settings.half_open_timeout(Duration::MAX)).expect("valid");
        breaker.half_open();
        let under_way = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..5)
            .map(|_| {
                let (breaker, under_way) = (breaker.clone(), Arc::clone(&under_way));
                thread::spawn(move || {
                    for _ in 0..4 {
                        match breaker.try_acquire() {
                            Ok(permit) => {
                                assert!(under_way.fetch_add(1, Ordering::SeqCst) < places);
                                thread::yield_now();
                                under_way.fetch_sub(1, Ordering::SeqCst);
                                if thread_rng().r#gen() { permit.ignore() } else { drop(permit) }
                            }
                            Err(refusal) => assert_eq!(refusal.reason(), Reason::HalfOpenFull),
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        let free: Vec<_> = (0..places).map(|_| breaker.try_acquire().expect("a place is free")).collect();
        assert!(breaker.try_acquire().is_err());
        drop(free);
    });
}
