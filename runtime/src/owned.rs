//! The right to make one call, with the breaker that gave it: for calls that end elsewhere. The one that borrows its breaker
//! is `permit`.

use std::thread;
use std::time::Duration;

use crate::clock::nanos;
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;
use crate::outcome::Outcome;
use crate::permit::dropped;
#[cfg(feature = "reqwest")]
use crate::state::State;
#[cfg(feature = "reqwest")]
use crate::ticket::UNTIMED;
use crate::ticket::{End, Ticket};
#[cfg(feature = "reqwest")]
use crate::word;

/// A [`Permit`](crate::Permit) that keeps its breaker alive, for calls that end elsewhere: in another task, in a response.
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
    /// failure opens the circuit, it stays open for that long at least, or for the longer time of its settings; else it is
    /// like any other.
    ///
    /// ```
    /// # use breakerbox::{CircuitBreaker, Config};
    /// # use std::time::Duration;
    /// let breaker = CircuitBreaker::new("quotes", Config::builder().failure_threshold(1))?;
    /// let permit = breaker.try_acquire_owned().expect("closed");
    /// permit.failure_for(Duration::from_secs(200));
    /// assert_eq!(breaker.status().retry_after.unwrap().as_secs_f64().round(), 200.0);
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

    /// The call was given up: neutral, as if dropped, by a panic too.
    #[cfg(feature = "reqwest")]
    pub(crate) fn cancel(self) {
        self.end(End::Cancelled);
    }

    /// Whether the call was let in as a trial.
    #[cfg(feature = "reqwest")]
    pub(crate) fn is_trial(&self) -> bool {
        self.ticket.is_some_and(|ticket| word::state(ticket.word) == State::HalfOpen)
    }

    /// The time of the breaker, if it measures this call.
    #[cfg(feature = "reqwest")]
    pub(crate) fn time(&self) -> Option<u64> {
        let ticket = self.ticket.filter(|ticket| ticket.started != UNTIMED)?;
        Some(self.breaker.core.now(ticket.word))
    }

    /// What has passed since then is no part of the call.
    #[cfg(feature = "reqwest")]
    pub(crate) fn leave_out(&mut self, since: u64) {
        let now = self.time();
        if let (Some(ticket), Some(now)) = (&mut self.ticket, now) {
            ticket.started = ticket.started.saturating_add(now.saturating_sub(since)).min(UNTIMED - 1);
        }
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

impl CircuitBreaker {
    /// Asks for the right to make one call, which keeps the breaker alive and may end on any thread: see [`OwnedPermit`].
    ///
    /// # Errors
    /// The circuit is open, forced open, or half-open with all its trial calls taken.
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, CircuitBreakerError> {
        let ticket = self.core.admit().map_err(|refusal| refusal.error(&self.core))?;
        Ok(OwnedPermit { breaker: self.clone(), ticket: Some(ticket), in_panic: thread::panicking() })
    }
}
