//! The right to make one call, held by hand. Calls that breakerbox makes itself are in `call`.

use std::thread;

use crate::breaker::Core;
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

/// How a call ended whose permit was dropped. `in_panic` tells whether the thread was unwinding already.
pub(crate) fn dropped(in_panic: bool) -> End {
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

    /// Records a failure of a call that was made without a permit: see [`record_success`](Self::record_success).
    #[inline]
    pub fn record_failure(&self) {
        self.core.record_one(End::Failure);
    }
}
