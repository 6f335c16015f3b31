//! Calls on this thread, and how an admitted call ends exactly once, whatever becomes of it. Calls
//! that are futures are `future`.

use std::mem::ManuallyDrop;

use crate::answer::Protect;
use crate::breaker::Core;
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;
use crate::outcome::Outcome;
use crate::ticket::{End, Ticket};

/// An admitted call that runs on this thread. Dropped before its end, it panicked: a failure.
#[derive(Debug)]
#[must_use]
pub struct Entered<'a> {
    breaker: &'a Core,
    ticket: Ticket,
}

/// Lets a call in, or says why not.
#[inline]
pub fn enter(breaker: &Core) -> Result<Entered<'_>, CircuitBreakerError> {
    match breaker.admit() {
        Ok(ticket) => Ok(Entered::with(breaker, ticket)),
        Err(refusal) => Err(refusal.error(breaker)),
    }
}

impl<'a> Entered<'a> {
    /// A call that was let in, and goes on.
    #[inline]
    pub(crate) fn with(breaker: &'a Core, ticket: Ticket) -> Self {
        Entered { breaker, ticket }
    }

    /// The call ended so, and returned this. With nothing to drop should the end unwind, the value
    /// stays in registers.
    #[inline(always)]
    pub fn pass<R>(self, returned: R, outcome: Outcome) -> R {
        let returned = ManuallyDrop::new(returned);
        self.finish(outcome);
        ManuallyDrop::into_inner(returned)
    }

    /// The call ended so.
    #[inline]
    pub fn finish(self, outcome: Outcome) {
        let (breaker, ticket) = self.dissolve();
        breaker.settle(ticket, outcome.into());
    }

    pub(crate) fn core(&self) -> &Core {
        self.breaker
    }

    /// Takes it apart without its drop, which would tell of a panic.
    #[inline]
    pub(crate) fn dissolve(self) -> (&'a Core, Ticket) {
        let parts = (self.breaker, self.ticket);
        std::mem::forget(self);
        parts
    }
}

impl Drop for Entered<'_> {
    #[cold]
    fn drop(&mut self) {
        self.breaker.settle(self.ticket, End::Failure);
    }
}

/// Statistics: a fallback answered.
#[cold]
pub fn count_fallback(breaker: &Core) {
    breaker.stripes().fallback();
}

impl CircuitBreaker {
    /// Runs a function through the breaker and returns what it returns.
    ///
    /// While calls are refused the function does not run, and the answer is the refusal as the
    /// function's own error (`E: From<CircuitBreakerError>`), or `None`. A panic is a failure, and goes on.
    #[inline]
    pub fn call<R: Protect>(&self, function: impl FnOnce() -> R) -> R {
        match enter(&self.core) {
            Ok(entered) => {
                let returned = function();
                let outcome = returned.outcome();
                entered.pass(returned, outcome)
            }
            Err(refusal) => R::answer(refusal),
        }
    }
}
