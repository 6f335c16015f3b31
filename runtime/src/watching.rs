//! What monitoring asks a breaker to count, and where it does.

use crate::breaker::{Core, Inner};
use crate::watch::{Watch, Watched};
use crate::word;

impl Core {
    /// Takes over what monitoring asks for.
    pub(crate) fn watch(&self, watch: &Watch) {
        let mut inner = self.lock();
        if watch.flags() & (word::TIMED | word::TELLING) != 0 {
            self.watched.get_or_init(Box::default).follow(watch);
        }
        // Its flags are in the lower half of the word.
        inner.watching = watch.flags() as u16;
        self.publish(&inner);
    }

    pub(crate) fn watched(&self) -> Option<&Watched> {
        self.watched.get()
    }
}

impl Inner {
    /// Whether calls under way are counted.
    pub(crate) fn counts_flights(&self) -> bool {
        u64::from(self.watching) & word::FLIGHT != 0
    }
}
