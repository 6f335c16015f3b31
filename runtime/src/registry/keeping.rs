//! How a registry comes to a store that keeps or shares the state of its breakers.

#[cfg(feature = "shared")]
use std::fmt;
#[cfg(feature = "shared")]
use std::sync::Arc;
#[cfg(feature = "shared")]
use std::time::Duration;

use super::Registry;
#[cfg(feature = "shared")]
use crate::bus::Bus;
use crate::keeper::{Keeper, StoreErrors};
#[cfg(feature = "persist")]
use crate::persist::{FileStore, SharedFiles};
#[cfg(feature = "redis")]
use crate::redis::RedisStore;
#[cfg(feature = "shared")]
use crate::remote::Find;
#[cfg(feature = "shared")]
use crate::shared::{Fleet, InMemoryStore};

/// What can be attached to a registry: `FileStore` and `SharedFiles` of the feature `persist`, `RedisStore` of `redis`,
/// or a [`Fleet`] over any [`SharedStore`](crate::shared::SharedStore). Nothing else can implement it.
#[cfg(feature = "shared")]
#[cfg_attr(docsrs, doc(cfg(feature = "shared")))]
pub trait Store: sealed::Keep {}

#[cfg(feature = "shared")]
mod sealed {
    use super::{Arc, Bus, Find, Keeper};

    pub trait Keep {
        /// Begins to keep what changes; `None` if it does already.
        #[expect(private_interfaces, reason = "nobody else can name it")]
        fn keep(self, bus: &Arc<Bus>, find: Find) -> Option<Arc<dyn Keeper>>;
    }
}

#[cfg(feature = "shared")]
macro_rules! stores {
    ($($(#[$cfg:meta])* $store:ty => |$it:ident, $bus:ident, $find:ident| $keep:expr;)*) => {$(
        $(#[$cfg])*
        impl Store for $store {}

        $(#[$cfg])*
        impl sealed::Keep for $store {
            #[expect(private_interfaces, reason = "nobody else can name it")]
            fn keep(self, $bus: &Arc<Bus>, $find: Find) -> Option<Arc<dyn Keeper>> {
                let $it = self;
                $keep
            }
        }
    )*};
}

#[cfg(feature = "shared")]
stores! {
    Fleet => |fleet, bus, find| fleet.share(bus, find);
    &Fleet => |fleet, bus, find| fleet.share(bus, find);
    InMemoryStore => |store, bus, find| Fleet::new(store).share(bus, find);
    #[cfg(feature = "persist")]
    FileStore => |store, bus, _find| FileStore::keep(&store, bus).map(|keeping| keeping as Arc<dyn Keeper>);
    #[cfg(feature = "persist")]
    &FileStore => |store, bus, _find| FileStore::keep(store, bus).map(|keeping| keeping as Arc<dyn Keeper>);
    #[cfg(feature = "persist")]
    SharedFiles => |store, bus, find| Fleet::new(store).share(bus, find);
    #[cfg(feature = "redis")]
    RedisStore => |store, bus, find| Fleet::new(store).share(bus, find);
}

impl Registry {
    /// Keeps the state of all breakers, and of those to come, in this store, or shares it with other instances.
    ///
    /// A breaker that has not moved since it was made takes up what the store holds of it; one that has
    /// keeps its own state, which is the newer one. Attach before calls are made, then all take it up.
    ///
    /// ```
    /// use breakerbox::shared::InMemoryStore;
    /// use breakerbox::{Registry, SystemClock};
    ///
    /// let registry = Registry::new();
    /// registry.attach(InMemoryStore::new(SystemClock))?;
    /// assert!(registry.attach(InMemoryStore::new(SystemClock)).is_err());
    /// # Ok::<(), breakerbox::AlreadyAttached>(())
    /// ```
    ///
    /// # Errors
    /// The registry has a store, or the store a registry.
    #[cfg(feature = "shared")]
    #[cfg_attr(docsrs, doc(cfg(feature = "shared")))]
    pub fn attach(&self, store: impl Store) -> Result<(), AlreadyAttached> {
        let bus = &self.inner.bus;
        // Held to the end: a breaker that is made meanwhile is listed below, or finds the store.
        let watch = self.inner.watch.lock();
        if bus.keeper().is_some() {
            return Err(AlreadyAttached { what: "the registry has a store" });
        }
        let registry = Arc::downgrade(&self.inner);
        let find: Find = Arc::new(move |name| {
            let registry = Registry { inner: registry.upgrade()? };
            registry.get(name).map(|breaker| breaker.core)
        });
        let keeper = store.keep(bus, find).ok_or(AlreadyAttached { what: "the store has a registry" })?;
        bus.keep(keeper);
        for breaker in self.all() {
            self.take_up_kept(&breaker);
        }
        drop(watch);
        self.deliver();
        Ok(())
    }

    /// Gives a breaker what the store holds of it. Reads files; the caller delivers.
    #[cfg(feature = "shared")]
    fn take_up_kept(&self, breaker: &crate::handle::CircuitBreaker) {
        if let Some(keeper) = self.inner.bus.keeper() {
            breaker.core.take_up_kept(keeper.load(&breaker.core.label).as_ref());
        }
    }

    /// Waits until the store has all that has changed, for this long at most: where a process ends by itself. Returns
    /// whether it has; without a store it does.
    #[cfg(feature = "shared")]
    #[cfg_attr(docsrs, doc(cfg(feature = "shared")))]
    pub fn flush(&self, timeout: Duration) -> bool {
        self.inner.bus.keeper().is_none_or(|keeper| keeper.flush(timeout))
    }

    /// How often the store failed at something, by what was tried; empty without a store.
    pub fn store_errors(&self) -> Vec<StoreErrors> {
        self.inner.bus.keeper().map_or_else(Vec::new, Keeper::errors)
    }
}

/// A registry has one store, and a store one registry.
#[cfg(feature = "shared")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlreadyAttached {
    what: &'static str,
}

#[cfg(feature = "shared")]
impl fmt::Display for AlreadyAttached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} already: attach one store to one registry", self.what)
    }
}

#[cfg(feature = "shared")]
impl std::error::Error for AlreadyAttached {}
