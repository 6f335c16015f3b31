//! The circuit breaker that you put on a function with an attribute.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admit;
mod breaker;
mod bus;
mod call;
mod clock;
mod config;
mod duration;
mod env;
mod error;
mod event;
mod global;
mod handle;
mod layers;
mod machine;
mod operate;
mod outcome;
mod permit;
mod policy;
mod preset;
mod registry;
mod settings;
mod site;
mod state;
mod status;
mod stripes;
mod window;
mod word;

#[doc(hidden)]
pub mod __private;

pub use bus::Subscription;
pub use clock::Clock;
pub use clock::ManualClock;
pub use clock::SystemClock;
pub use config::Config;
pub use config::ConfigBuilder;
pub use config::ConfigError;
pub use error::CircuitBreakerError;
pub use error::Reason;
pub use event::Cause;
pub use event::Conflict;
pub use event::Event;
pub use event::Transition;
pub use event::Warning;
pub use global::breaker;
pub use global::breakers;
pub use global::open_breakers;
pub use global::registry;
pub use global::reset_all;
pub use global::summary;
pub use handle::CircuitBreaker;
pub use outcome::Classify;
pub use outcome::Outcome;
pub use permit::Permit;
pub use preset::Preset;
pub use registry::Registry;
pub use registry::Summary;
pub use registry::UnknownBreaker;
pub use settings::Key;
pub use settings::Origin;
pub use settings::Value;
pub use site::Location;
pub use state::Mode;
pub use state::State;
pub use status::HalfOpenStatus;
pub use status::Rejections;
pub use status::Setting;
pub use status::Snapshot;
pub use status::Status;
pub use status::Totals;
pub use status::Transitions;
pub use status::WindowStatus;

#[cfg(feature = "macros")]
pub use breakerbox_macros::circuit_breaker;

/// Collects a site at link time.
#[doc(hidden)]
#[macro_export]
macro_rules! __submit {
    ($site:expr) => {
        $crate::__private::inventory::submit! { $crate::__private::Registered($site) }
    };
}
