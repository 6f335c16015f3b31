//! How the thread of a fleet and those who need it wait for each other. What they hand over is `desk`.

use std::thread::ThreadId;
use std::time::Duration;

use parking_lot::MutexGuard;

use super::{Desk, Inner, Pace};

/// Why the thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shared) enum Call {
    /// It is time for the next round.
    Due,
    /// Breakers have noted something.
    News,
    /// The registry has gone.
    Last,
}

impl Desk {
    /// Waits for this long, for news unless the store is to be left alone, or until someone hurries.
    pub(in crate::shared) fn wait(&self, pause: Duration, heeds_news: bool) -> Call {
        let mut inner = self.inner.lock();
        let call = |inner: &Inner| match inner.pace {
            Pace::Last => Some(Call::Last),
            Pace::Hurried => Some(Call::Due),
            Pace::Calm => (heeds_news && inner.has_news()).then_some(Call::News),
        };
        self.work.wait_while_for(&mut inner, |inner| call(inner).is_none(), pause);
        let call = call(&inner).unwrap_or(Call::Due);
        if inner.pace == Pace::Hurried {
            inner.pace = Pace::Calm;
        }
        call
    }

    /// Lets what follows so soon come together; `true` if the registry has gone meanwhile.
    pub(in crate::shared) fn gather(&self, pause: Duration) -> bool {
        let mut inner = self.inner.lock();
        self.work.wait_while_for(&mut inner, |inner| inner.pace != Pace::Last, pause);
        inner.pace == Pace::Last
    }

    pub(in crate::shared) fn works(&self, worker: ThreadId) {
        self.inner.lock().worker = Some(worker);
    }

    /// The thread ends.
    pub(in crate::shared) fn left(&self) {
        self.inner.lock().worker = None;
        self.rest.notify_all();
    }

    /// Ends the thread, and waits for it unless it is this one.
    pub(in crate::shared) fn end(&self, this: ThreadId, patience: Duration) {
        let mut inner = self.inner.lock();
        inner.pace = Pace::Last;
        self.work.notify_all();
        if inner.worker != Some(this) {
            self.rest.wait_while_for(&mut inner, |inner| inner.worker.is_some(), patience);
        }
    }

    /// Waits until everything is said, for this long at most.
    pub(in crate::shared) fn flush(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, |inner| inner.answers() && !inner.has_notes() && !inner.is_busy && !inner.has_left)
    }

    /// Waits until the store has answered for every breaker, for this long at most.
    pub(in crate::shared) fn ready(&self, timeout: Duration) -> bool {
        self.wait_until(timeout, |inner| {
            inner.answers() && !inner.is_busy && inner.notes.values().all(|note| !note.is_new)
        })
    }

    fn wait_until(&self, timeout: Duration, is_met: impl Fn(&Inner) -> bool) -> bool {
        let mut inner = self.inner.lock();
        if !is_met(&inner) {
            self.hurry(&mut inner);
            self.rest.wait_while_for(&mut inner, |inner| !is_met(inner), timeout);
        }
        is_met(&inner)
    }

    fn hurry(&self, inner: &mut MutexGuard<'_, Inner>) {
        if inner.pace == Pace::Calm {
            inner.pace = Pace::Hurried;
        }
        self.work.notify_all();
    }

    pub(in crate::shared) fn look(&self) {
        self.hurry(&mut self.inner.lock());
    }
}
