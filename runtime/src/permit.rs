//! The right to make one call, held by hand. Calls that breakerbox makes itself are in `call`.

use std::thread;
use std::time::Duration;

use crate::breaker::Core;
use crate::clock::nanos;
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;
use crate::outcome::Outcome;
use crate::ticket::{End, Ticket};

/// The right to make one call. Tell it how the call ended; it is told once, by consuming it.
///
/// Dropped, it is neutral: the call counts as cancelled, and a trial place comes back. Dropped by
/// a panic, the call counts as failed, and the panic goes on.
///
/// ```
/// # use breakerbox::{CircuitBreaker, Config};
/// # fn fetch() -> Result<u8, ()> { Ok(1) }
/// # let breaker = CircuitBreaker::new("quotes", Config::default())?;
/// if let Ok(permit) = breaker.try_acquire() {
///     match fetch() {
///         Ok(_) => permit.success(),
///         Err(_) => permit.failure(),
///     }
/// }
/// assert_eq!(breaker.status().totals.successes, 1);
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "a permit that is dropped counts as a cancelled call"]
pub struct Permit<'a> {
    breaker: &'a Core,
    ticket: Option<Ticket>,
    /// Whether the thread was unwinding already, so that a drop says nothing about the call.
    in_panic: bool,
}

impl Permit<'_> {
    /// The call succeeded.
    #[inline]
    pub fn success(self) {
        self.end(End::Success);
    }

    /// The call failed.
    #[inline]
    pub fn failure(self) {
        self.end(End::Failure);
    }

    /// The call says nothing about the dependency: counted, and otherwise as if it had not been made.
    #[inline]
    pub fn ignore(self) {
        self.end(End::Ignored);
    }

    /// The call ended so.
    #[inline]
    pub fn finish(self, outcome: Outcome) {
        self.end(outcome.into());
    }

    #[inline]
    fn end(mut self, end: End) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.settle(ticket, end);
        }
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.settle(ticket, dropped(self.in_panic));
        }
    }
}

/// A [`Permit`] that keeps its breaker alive, for calls that end elsewhere: in another task, in a response.
///
/// ```
/// # use breakerbox::{CircuitBreaker, Config, CircuitBreakerError};
/// # let breaker = CircuitBreaker::new("quotes", Config::default())?;
/// let permit = breaker.try_acquire_owned().expect("closed");
/// std::thread::spawn(move || permit.success()).join().unwrap();
/// assert_eq!(breaker.status().totals.successes, 1);
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "a permit that is dropped counts as a cancelled call"]
pub struct OwnedPermit {
    breaker: CircuitBreaker,
    ticket: Option<Ticket>,
    in_panic: bool,
}

impl OwnedPermit {
    /// The call succeeded.
    pub fn success(self) {
        self.end(End::Success);
    }

    /// The call failed.
    pub fn failure(self) {
        self.end(End::Failure);
    }

    /// The call failed, and the dependency said how long it wants to be left alone, as with `Retry-After`. If this
    /// failure opens the circuit, it stays open for that long, instead of by its settings; else it is like any other.
    ///
    /// ```
    /// # use breakerbox::{CircuitBreaker, Config};
    /// # use std::time::Duration;
    /// let breaker = CircuitBreaker::new("quotes", Config::builder().failure_threshold(1))?;
    /// let permit = breaker.try_acquire_owned().expect("closed");
    /// permit.failure_for(Duration::from_secs(7));
    /// assert_eq!(breaker.status().retry_after.unwrap().as_secs_f64().round(), 7.0);
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn failure_for(mut self, time: Duration) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.core.settle_failure_for(ticket, nanos(time));
        }
    }

    /// The call says nothing about the dependency: counted, and otherwise as if it had not been made.
    pub fn ignore(self) {
        self.end(End::Ignored);
    }

    /// The call ended so.
    pub fn finish(self, outcome: Outcome) {
        self.end(outcome.into());
    }

    /// The breaker that let the call in.
    pub fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    fn end(mut self, end: End) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.core.settle(ticket, end);
        }
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.core.settle(ticket, dropped(self.in_panic));
        }
    }
}

/// How a call ended whose permit was dropped. `in_panic` tells whether the thread was unwinding already.
fn dropped(in_panic: bool) -> End {
    if thread::panicking() && !in_panic { End::Failure } else { End::Cancelled }
}

impl CircuitBreaker {
    /// Asks for the right to make one call.
    ///
    /// # Errors
    /// The circuit is open, forced open, or half-open with all its trial calls taken.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, CircuitBreakerError> {
        let ticket = self.core.admit().map_err(|refusal| refusal.error(&self.core))?;
        Ok(Permit { breaker: &self.core, ticket: Some(ticket), in_panic: thread::panicking() })
    }

    /// Asks for the right to make one call, which keeps the breaker alive and may end on any thread.
    ///
    /// # Errors
    /// The circuit is open, forced open, or half-open with all its trial calls taken.
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, CircuitBreakerError> {
        let ticket = self.core.admit().map_err(|refusal| refusal.error(&self.core))?;
        Ok(OwnedPermit { breaker: self.clone(), ticket: Some(ticket), in_panic: thread::panicking() })
    }

    /// Whether a call would be admitted now. It reserves nothing and counts nothing.
    pub fn can_execute(&self) -> bool {
        self.core.would_admit()
    }

    /// Records a success of a call that was made without a permit, as one that began and ended now.
    ///
    /// While trial calls are due it is one of them, if there is a place; while the circuit is open
    /// it counts as late.
    #[inline]
    pub fn record_success(&self) {
        self.core.record_one(End::Success);
    }

    /// Records a failure of a call that was made without a permit, as one that began and ended now.
    ///
    /// While trial calls are due it is one of them, if there is a place; while the circuit is open
    /// it counts as late.
    #[inline]
    pub fn record_failure(&self) {
        self.core.record_one(End::Failure);
    }
}
