//! How a registry comes to a store that keeps the state of its breakers.

#[cfg(feature = "persist")]
use std::fmt;

use super::Registry;
use crate::keeper::{Keeper, StoreErrors};
#[cfg(feature = "persist")]
use crate::persist::FileStore;

impl Registry {
    /// Keeps the state of all breakers, and of those to come, in this store.
    ///
    /// A breaker that has not moved since it was made takes up what the store holds of it; one that has
    /// keeps its own state, which is the newer one. Attach before calls are made, then all take it up.
    ///
    /// # Errors
    /// The registry has a store, or the store a registry.
    #[cfg(feature = "persist")]
    #[cfg_attr(docsrs, doc(cfg(feature = "persist")))]
    pub fn attach(&self, store: &FileStore) -> Result<(), AlreadyAttached> {
        let bus = &self.inner.bus;
        // Held to the end: a breaker that is made meanwhile is listed below, or finds the store.
        let watch = self.inner.watch.lock();
        if bus.keeper().is_some() {
            return Err(AlreadyAttached { what: "the registry has a store" });
        }
        let keeping = store.keep(bus).ok_or(AlreadyAttached { what: "the store has a registry" })?;
        bus.keep(keeping);
        for breaker in self.all() {
            self.take_up_kept(&breaker);
        }
        drop(watch);
        self.deliver();
        Ok(())
    }

    /// Gives a breaker what the store holds of it. Reads files; the caller delivers.
    #[cfg(feature = "persist")]
    fn take_up_kept(&self, breaker: &crate::handle::CircuitBreaker) {
        if let Some(keeper) = self.inner.bus.keeper() {
            breaker.core.take_up_kept(keeper.load(&breaker.core.label).as_ref());
        }
    }

    /// How often the store failed at something, by what was tried; empty without a store.
    pub fn store_errors(&self) -> Vec<StoreErrors> {
        self.inner.bus.keeper().map_or_else(Vec::new, Keeper::errors)
    }
}

/// A registry has one store, and a store one registry.
#[cfg(feature = "persist")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlreadyAttached {
    what: &'static str,
}

#[cfg(feature = "persist")]
impl fmt::Display for AlreadyAttached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} already: attach one store to one registry", self.what)
    }
}

#[cfg(feature = "persist")]
impl std::error::Error for AlreadyAttached {}
