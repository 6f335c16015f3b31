//! The place of a call in its breaker, from `call` to the end of its future.

use crate::call::Entered;
use crate::handle::CircuitBreaker;
use crate::ticket::{End, Ticket};

/// Holds the breaker alive. Dropped before its end, the call was cancelled, whoever panics meanwhile:
/// while the inner service runs, the ticket is not here but in an [`Entered`].
#[derive(Debug)]
pub(super) struct Place {
    pub(super) breaker: CircuitBreaker,
    /// [`Ticket::NONE`] once the call has ended.
    pub(super) ticket: Ticket,
}

impl Place {
    fn take(&mut self) -> Ticket {
        std::mem::replace(&mut self.ticket, Ticket::NONE)
    }

    /// Does a part of the call, for which a panic is its failure. `None` once it has ended.
    pub(super) fn enter(&mut self) -> Option<Entered<'_>> {
        let ticket = self.take();
        (!ticket.is_none()).then(|| Entered::with(&self.breaker.core, ticket))
    }

    pub(super) fn end(&mut self, end: End) {
        let ticket = self.take();
        if !ticket.is_none() {
            self.breaker.core.settle(ticket, end);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end(End::Cancelled);
    }
}
