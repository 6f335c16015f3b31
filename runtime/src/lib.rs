//! The circuit breaker that you put on a function with an attribute.
//!
//! ```
//! use breakerbox::{CircuitBreakerError, State, circuit_breaker};
//!
//! #[derive(Debug)]
//! enum QuoteError {
//!     Down,
//!     Refused(CircuitBreakerError),
//! }
//!
//! impl From<CircuitBreakerError> for QuoteError {
//!     fn from(refused: CircuitBreakerError) -> Self {
//!         QuoteError::Refused(refused)
//!     }
//! }
//!
//! #[circuit_breaker(name = "quotes", failure_threshold = 3, recovery_timeout = 30)]
//! fn quote(symbol: &str) -> Result<f64, QuoteError> {
//!     if symbol.is_empty() { Err(QuoteError::Down) } else { Ok(1.25) }
//! }
//!
//! for _ in 0..3 {
//!     assert!(matches!(quote(""), Err(QuoteError::Down)));
//! }
//! assert!(matches!(quote("ACME"), Err(QuoteError::Refused(_))));
//! assert_eq!(breakerbox::breaker("quotes").unwrap().state(), State::Open);
//! ```
//!
//! | you want to | look at |
//! |---|---|
//! | protect a function | [`circuit_breaker`](macro@circuit_breaker) |
//! | see all breakers | [`breakers`], [`breaker`], [`summary`], [`Status`] |
//! | steer one, in somebody's name | [`CircuitBreaker`], [`CircuitBreaker::by`] |
//! | make one by hand, or one for each key | [`Registry`], [`Config`], [`Permit`], [`KeyedCircuitBreaker`] |
//! | take settings from a file | [`Settings`], [`Registry::configure`] |
//! | know why a call was refused | [`CircuitBreakerError`] |
//! | hear what happens | [`Registry::subscribe`], [`Event`], [`Transition`] |
//! | test without sleeping | [`ManualClock`] |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `macros` (default) | the attribute |
//! | `serde` | [`Settings`] and [`Config`] from files; `Serialize` for [`Status`], [`Event`] and what they hold |
//! | `tracing`, `log` | `observe::trace`: what happens, as log lines with fields |
//! | `prometheus` | `observe::Prometheus`: metrics as text; `observe::alerts`: what somebody should look at |
//! | `metrics`, `otel` | `observe::MetricsBridge`, `observe::instrument`: the same for other recorders |
//! | `persist` | `FileStore`: state that survives a restart |
//! | `shared`, `redis` | `shared::Fleet`, `RedisStore`: state that a fleet shares |
//! | `tower` | `tower::CircuitBreakerLayer`: a breaker around a service, or one for each key of its requests |
//! | `axum`, `tonic` | what a refused call answers there, and layers that know their responses |
//! | `reqwest`, `reqwest-retry` | `reqwest::CircuitBreakerMiddleware`: a breaker for each host; `reqwest::HttpClient`: with retries and limits |
//! | `admin` | `admin::router`: REST, live events, alerts and a dashboard |
//! | `admin-client`, `cli` | `admin::Client`, and the command `breakerbox-cli` |
//!
//! # Reading the source
//!
//! A module uses lower ranks only. Who reads `state`, `machine`, `breaker` and `permit`, in this
//! order, knows the system.
//!
//! ```text
//!  0  duration lazy location outcome role state sum sync wire   plain values; atomics and locks
//!  1  clock error settings snapshot word            time; what is refused, set, and packed in the atomic word
//!  2  answer event preset spans stripes summary ticket  how it is said; what happened; named settings; counters
//!  3  keeper policy watch                           who keeps state elsewhere; what settings come to; what monitoring asks for
//!  4  backoff bus config env status window          open times; who is told; stated settings; variables; snapshots; what rates are taken of
//!  5  layers machine past                           who stated what; the pure decision; what has happened
//!  6  breaker configuration                         machine + atomics + clock: the only commit point; settings from files
//!  7  admit limit now operate remote resume settle watching  how a call gets in, and how it ends; what operators do; state from elsewhere
//!  8  handle shared                                 the breaker as users hold it; state that a fleet shares
//!  9  call operator permit persist redis            calls; commands by somebody; the right to make one; stores
//! 10  owned registry                                the right to make a call elsewhere; sets of breakers
//! 11  future global                                 calls that are futures; the annotated functions of the program
//! 12  observe reqwest tower                         logs, metrics, alerts: views of the registry; HTTP clients; a layer for services
//! 13  admin axum tonic                              the HTTP face, its page, its client; what a refusal is in frameworks
//! 14  __private bin                                 what generated code names; the command
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admit;
mod answer;
mod backoff;
mod breaker;
mod bus;
mod call;
mod clock;
mod config;
mod configuration;
mod duration;
mod env;
mod error;
mod event;
mod future;
mod global;
mod handle;
mod keeper;
mod layers;
mod lazy;
mod limit;
mod location;
mod machine;
mod now;
mod operate;
mod operator;
mod outcome;
mod owned;
mod past;
mod permit;
#[cfg(feature = "persist")]
mod persist;
mod policy;
mod preset;
#[cfg(feature = "redis")]
mod redis;
mod registry;
#[cfg(feature = "shared")]
mod remote;
mod resume;
mod role;
mod settings;
mod settle;
#[cfg(feature = "shared")]
pub mod shared;
mod snapshot;
mod spans;
mod state;
mod status;
mod stripes;
mod sum;
mod summary;
mod sync;
mod ticket;
mod watch;
mod watching;
mod window;
#[cfg(feature = "serde")]
mod wire;
mod word;

#[cfg(any(feature = "admin", feature = "admin-client"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "admin", feature = "admin-client"))))]
pub mod admin;
#[cfg(any(feature = "tracing", feature = "prometheus", feature = "metrics", feature = "otel"))]
pub mod observe;

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod axum;
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub mod reqwest;
#[cfg(feature = "tonic")]
#[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
pub mod tonic;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower;

#[doc(hidden)]
pub mod __private;

pub use bus::Subscription;
pub use clock::Clock;
pub use clock::ManualClock;
pub use clock::SystemClock;
pub use config::Config;
pub use config::ConfigBuilder;
pub use config::ConfigError;
pub use configuration::Settings;
pub use configuration::SettingsError;
pub use configuration::SettingsProblem;
pub use error::CircuitBreakerError;
pub use error::Reason;
pub use event::Cause;
pub use event::Change;
pub use event::Conflict;
pub use event::Event;
pub use event::Transition;
pub use event::Warning;
pub use global::breaker;
pub use global::breakers;
pub use global::keyed;
pub use global::open_breakers;
pub use global::registry;
pub use global::reset_all;
pub use global::summary;
pub use handle::CircuitBreaker;
pub use keeper::Source;
pub use keeper::StoreErrors;
pub use keeper::StoreStatus;
pub use keeper::Votes;
pub use location::Location;
pub use operator::Operator;
pub use outcome::Classify;
pub use outcome::Outcome;
pub use owned::OwnedPermit;
pub use permit::Permit;
#[cfg(feature = "persist")]
pub use persist::FileStore;
#[cfg(feature = "persist")]
pub use persist::SharedFiles;
pub use preset::Preset;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
#[cfg(feature = "redis")]
pub use redis::RedisUrlError;
#[cfg(feature = "shared")]
pub use registry::AlreadyAttached;
pub use registry::Applied;
pub use registry::KeyedCircuitBreaker;
pub use registry::Registry;
#[cfg(feature = "shared")]
pub use registry::Store;
pub use registry::UnknownBreaker;
pub use settings::Key;
pub use settings::Origin;
pub use settings::Value;
pub use snapshot::Snapshot;
pub use spans::StateTimes;
pub use state::Mode;
pub use state::State;
pub use state::UnknownState;
pub use status::HalfOpenStatus;
pub use status::Rejections;
pub use status::Requests;
pub use status::Setting;
pub use status::Status;
pub use status::Totals;
pub use status::Transitions;
pub use status::WindowStatus;
pub use summary::Health;
pub use summary::Summary;
pub use watch::DurationCounts;
pub use watch::Durations;

#[cfg(feature = "macros")]
pub use breakerbox_macros::circuit_breaker;

/// Collects a site at link time.
#[doc(hidden)]
#[macro_export]
macro_rules! __submit {
    (keyed $site:expr) => {
        $crate::__private::inventory::submit! { $crate::__private::Registered::Keyed($site) }
    };
    ($site:expr) => {
        $crate::__private::inventory::submit! { $crate::__private::Registered::Plain($site) }
    };
}
