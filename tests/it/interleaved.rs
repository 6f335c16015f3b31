//! What another thread does between two looks of a call at its breaker. A clock stops the one thread
//! while the other acts, so the schedule is the same in every run.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Clock, Config, ConfigBuilder, ManualClock, Registry, State};

use crate::support::{millis, secs};

/// Says that the clock is read, and waits for leave to go on.
type Stop = (Sender<()>, Receiver<()>);

/// A clock that stops the thread that reads it next, when told so.
#[derive(Clone, Debug, Default)]
struct Gate {
    time: ManualClock,
    stop: Arc<Mutex<Option<Stop>>>,
}

impl Clock for Gate {
    fn now(&self) -> Duration {
        let now = self.time.now();
        let stop = self.stop.lock().expect("no panic").take();
        if let Some((reached, go)) = stop {
            let _ = reached.send(());
            // Not for ever: where the breaker is locked, the other thread waits for this one.
            let _ = go.recv_timeout(secs(10));
        }
        now
    }
}

/// A thread that is stopped by the clock, or will be.
struct Stopped {
    is_reached: Receiver<()>,
    go: Sender<()>,
}

impl Stopped {
    fn wait(&self) {
        self.is_reached.recv_timeout(secs(10)).expect("the call reads the clock");
    }

    fn go_on(self) {
        self.go.send(()).expect("the call waits");
    }
}

/// A breaker on such a clock.
struct Scene {
    gate: Gate,
    breaker: CircuitBreaker,
}

impl Scene {
    fn new(settings: ConfigBuilder) -> Scene {
        let gate = Gate::default();
        gate.time.set(secs(1000));
        let breaker = Registry::with_clock(gate.clone()).get_or_insert("quotes", settings).expect("valid");
        Scene { gate, breaker }
    }

    /// The next reading of the clock stops the thread that reads.
    fn arm(&self) -> Stopped {
        let ((reached, is_reached), (go, wait)) = (channel(), channel());
        *self.gate.stop.lock().expect("no panic") = Some((reached, wait));
        Stopped { is_reached, go }
    }

    /// Runs `call` up to where it has read the clock, then `meanwhile`, then the rest of `call`.
    fn interleave<T: Send>(&self, call: impl FnOnce() -> T + Send, meanwhile: impl FnOnce()) -> T {
        let stopped = self.arm();
        thread::scope(|scope| {
            let call = scope.spawn(call);
            stopped.wait();
            meanwhile();
            stopped.go_on();
            call.join().expect("no panic")
        })
    }

    fn late(&self) -> u64 {
        self.breaker.status().totals.late
    }
}

fn opens_at_once() -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(secs(10)).half_open_max_calls(1)
}

#[test]
fn a_result_is_late_if_the_circuit_opens_while_it_is_told() {
    let plain = opens_at_once();
    let by_calls = opens_at_once().failure_rate_threshold(1.0).window_size(10);
    let by_time = opens_at_once().failure_rate_threshold(1.0).window_duration(secs(10));
    for (settings, success_reads_the_clock) in [(plain, false), (by_calls, false), (by_time, true)] {
        let s = Scene::new(settings);
        s.interleave(|| s.breaker.record_failure(), || s.breaker.open());
        assert_eq!(s.late(), 1);
        s.breaker.reset();
        if success_reads_the_clock {
            s.interleave(|| s.breaker.record_success(), || s.breaker.open());
            assert_eq!(s.late(), 2);
        }
        let totals = s.breaker.status().totals;
        assert_eq!((totals.successes, totals.failures, totals.trips), (0, 0, totals.late));
    }
}

#[test]
fn a_trial_that_is_told_while_its_episode_ends_is_late() {
    let s = Scene::new(opens_at_once());
    s.breaker.half_open();
    let trial = s.breaker.try_acquire().expect("a trial");
    s.interleave(|| trial.success(), || s.breaker.open());
    assert_eq!((s.breaker.state(), s.late()), (State::Open, 1));
}

// Its thread has a mark in the bucket of the time already, so that a success would be a matter of its counter.
#[test]
fn a_success_in_a_time_window_is_late_if_the_circuit_opens_while_it_is_told() {
    let s = Scene::new(opens_at_once().failure_rate_threshold(1.0).minimum_calls(1).window_duration(secs(10)));
    let (tell, told) = channel();
    thread::scope(|scope| {
        let breaker = &s.breaker;
        let (ready, is_ready) = channel();
        scope.spawn(move || {
            (0..5).for_each(|_| breaker.record_success());
            let under_way = breaker.try_acquire().expect("closed");
            ready.send(()).expect("awaited");
            told.recv().expect("told");
            under_way.success();
        });
        is_ready.recv().expect("ready");
        let stopped = s.arm();
        tell.send(()).expect("it waits");
        stopped.wait();
        s.breaker.open();
        stopped.go_on();
    });
    let totals = s.breaker.status().totals;
    assert_eq!((totals.successes, totals.late), (5, 1));
}

#[test]
fn a_trial_that_is_told_by_an_old_time_does_not_meet_a_new_clock() {
    let s = Scene::new(opens_at_once());
    s.breaker.half_open();
    let trial = s.breaker.try_acquire().expect("a trial");
    let stopped = s.arm();
    thread::scope(|scope| {
        scope.spawn(|| trial.success());
        stopped.wait();
        // By the time that was read, the episode would be over on the new clock.
        let exchange = scope.spawn(|| s.breaker.set_clock(ManualClock::new()));
        // A clock that is being read is not exchanged, but then it is before the reader gets the lock.
        for _ in 0..50 {
            if exchange.is_finished() {
                break;
            }
            thread::sleep(millis(1));
        }
        stopped.go_on();
    });
    assert_eq!((s.breaker.state(), s.late()), (State::HalfOpen, 1));
}
