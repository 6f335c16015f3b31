//! More of what tests do with a breaker on a bench: calls that must be let in or refused, planned
//! panics, futures without a runtime.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breakerbox::{CircuitBreakerError, Event, Permit, State, Totals, Transition, WindowStatus};

use crate::support::{self, Bench};

impl Bench {
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Makes calls that succeed.
    #[track_caller]
    pub(crate) fn succeed(&self, calls: u32) {
        support::succeed_times(&self.breaker, calls as usize);
    }

    /// Makes calls that fail.
    #[track_caller]
    pub(crate) fn fail(&self, calls: u32) {
        support::fail_times(&self.breaker, calls as usize);
    }

    #[track_caller]
    pub(crate) fn permit(&self) -> Permit<'_> {
        match self.breaker.try_acquire() {
            Ok(permit) => permit,
            Err(refusal) => panic!("refused: {refusal}"),
        }
    }

    #[track_caller]
    pub(crate) fn refusal(&self) -> CircuitBreakerError {
        match self.breaker.try_acquire() {
            Ok(_) => panic!("admitted in {}", self.state()),
            Err(refusal) => refusal,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.breaker.state()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.breaker.status().totals
    }

    #[track_caller]
    pub(crate) fn window(&self) -> WindowStatus {
        self.breaker.status().window.expect("no rate is set, so there is no window")
    }

    /// The transitions from now on.
    pub(crate) fn transitions(&self) -> Heard {
        let heard = Heard::default();
        let ear = heard.clone();
        self.registry
            .subscribe(move |event| {
                if let Event::Transition(transition) = event {
                    ear.push(transition.clone());
                }
            })
            .keep();
        heard
    }
}

/// Transitions that a listener has heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Transition>>>);

impl Heard {
    pub(crate) fn push(&self, transition: Transition) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(transition);
    }

    pub(crate) fn all(&self) -> Vec<Transition> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From where to where.
    pub(crate) fn steps(&self) -> Vec<(State, State)> {
        self.all().iter().map(|transition| (transition.from, transition.to)).collect()
    }
}

/// The payload of panics that tests make on purpose. The panic hook keeps quiet about them.
#[derive(Debug)]
pub(crate) struct Planned;

/// Panics on purpose.
pub(crate) fn planned_panic() -> ! {
    hush();
    panic::panic_any(Planned)
}

/// Runs what panics on purpose, and tells whether it did.
pub(crate) fn panics<T>(function: impl FnOnce() -> T) -> bool {
    match panic::catch_unwind(AssertUnwindSafe(function)) {
        Ok(_) => false,
        Err(payload) if payload.is::<Planned>() => true,
        Err(other) => panic::resume_unwind(other),
    }
}

fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Planned>() {
                loud(info);
            }
        }));
    });
}

/// Polls a future once, without a runtime.
pub(crate) fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Numbers that look random and are the same in every run (xorshift).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number under `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}
