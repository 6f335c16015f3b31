//! What a model checker watches: its own types, with the interface of those that ship.

#[cfg(breakerbox_model = "loom")]
use loom as checker;
#[cfg(breakerbox_model = "shuttle")]
use shuttle as checker;

use std::fmt;
use std::sync::PoisonError;

pub(crate) use checker::sync::MutexGuard;
pub(crate) use checker::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use checker::sync::{RwLockReadGuard, RwLockWriteGuard};

/// A static that each execution of a model finds as new.
macro_rules! shared {
    ($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;) => {
        #[cfg(breakerbox_model = "loom")]
        loom::lazy_static! { $(#[$doc])* static ref $name: $type = $value; }
        #[cfg(breakerbox_model = "shuttle")]
        shuttle::lazy_static! { $(#[$doc])* static ref $name: $type = $value; }
    };
}
pub(crate) use shared;

/// A static that each thread has for itself. The checkers do not know `const` values.
macro_rules! per_thread {
    ($(#[$doc:meta])* static $name:ident: $type:ty = const $value:block;) => {
        crate::sync::per_thread! { $(#[$doc])* static $name: $type = $value; }
    };
    ($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;) => {
        #[cfg(breakerbox_model = "loom")]
        loom::thread_local! { $(#[$doc])* static $name: $type = $value; }
        #[cfg(breakerbox_model = "shuttle")]
        shuttle::thread_local! { $(#[$doc])* static $name: $type = $value; }
    };
}
pub(crate) use per_thread;

/// Like that of `parking_lot`: it does not poison.
#[derive(Default)]
pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(checker::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// Like that of `parking_lot`: it does not poison.
#[derive(Default)]
pub(crate) struct RwLock<T>(checker::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        RwLock(checker::sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}

/// `once_cell::race::OnceBox` as others see it: nothing, and from some moment on the value. The value
/// is made beforehand, because the checker does not see memory that is published by a pointer.
#[derive(Debug, Default)]
pub(crate) struct OnceBox<T> {
    is_made: AtomicBool,
    value: T,
}

impl<T> OnceBox<T> {
    pub(crate) fn get(&self) -> Option<&T> {
        self.is_made.load(Ordering::Acquire).then_some(&self.value)
    }

    pub(crate) fn get_or_init(&self, _make: impl FnOnce() -> Box<T>) -> &T {
        self.is_made.store(true, Ordering::Release);
        &self.value
    }
}
