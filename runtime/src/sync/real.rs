//! What ships.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

pub(crate) use once_cell::race::OnceBox;
pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock};

/// A static that is made when the program is compiled.
macro_rules! shared {
    ($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;) => {
        $(#[$doc])*
        static $name: $type = $value;
    };
}
pub(crate) use shared;

/// A static that each thread has for itself.
macro_rules! per_thread {
    ($($item:tt)*) => {
        std::thread_local! { $($item)* }
    };
}
pub(crate) use per_thread;
