//! The HTTP face: what operators and their tools see of a registry, and what they do to it.
//!
//! With the feature `admin` [`router`] answers them: REST, live events, metrics, alerts and a page, on
//! a router of the program, or on a port of its own by [`serve`]. With the feature `admin-client`
//! `Client` asks such a server.

mod answers;
#[doc(hidden)]
pub mod listing;
mod times;
mod view;

#[cfg(feature = "admin-client")]
mod client;

#[cfg(feature = "admin")]
mod assets;
#[cfg(feature = "admin")]
mod audit;
#[cfg(feature = "admin")]
mod auth;
#[cfg(feature = "admin")]
mod breakers;
#[cfg(feature = "admin")]
mod change;
#[cfg(feature = "admin")]
mod commands;
#[cfg(feature = "admin")]
mod config;
#[cfg(feature = "admin")]
mod feed;
#[cfg(feature = "admin")]
mod guard;
#[cfg(feature = "admin")]
mod places;
#[cfg(feature = "admin")]
mod problem;
#[cfg(feature = "admin")]
mod render;
#[cfg(feature = "admin")]
mod routes;
#[cfg(feature = "admin")]
mod sampler;
#[cfg(feature = "admin")]
mod serve;
#[cfg(feature = "admin")]
mod stream;
#[cfg(feature = "admin")]
mod table;

pub use answers::AlertView;
pub use answers::AlertsView;
pub use answers::HealthView;
pub use answers::KeyProblem;
pub use answers::ListView;
pub use answers::Problem;
pub use answers::ResetView;
pub use answers::SnapshotView;
pub use answers::StateView;
pub use answers::StatsView;
pub use answers::StoreHealthView;
pub use view::BreakerView;
pub use view::ConflictView;
pub use view::HalfOpenView;
pub use view::LocationView;
pub use view::RejectionsView;
pub use view::RequestsView;
pub use view::StateSecondsView;
pub use view::StoreView;
pub use view::TotalsView;
pub use view::TransitionView;
pub use view::VotesView;
pub use view::WindowView;
pub use view::Word;

#[cfg(feature = "admin")]
pub use config::AdminConfig;
#[cfg(feature = "admin")]
pub use routes::router;
#[cfg(feature = "admin")]
pub use serve::Address;
#[cfg(feature = "admin")]
pub use serve::Server;
#[cfg(feature = "admin")]
pub use serve::serve;

#[cfg(feature = "admin-client")]
pub use client::Changes;
#[cfg(feature = "admin-client")]
pub use client::Client;
#[cfg(feature = "admin-client")]
pub use client::ClientBuilder;
#[cfg(feature = "admin-client")]
pub use client::ClientError;
#[cfg(feature = "admin-client")]
pub use client::ClientErrorKind;
#[cfg(feature = "admin-client")]
pub use client::Events;
#[cfg(feature = "admin-client")]
pub use client::Happening;
#[cfg(feature = "admin-client")]
pub use client::LiveEvent;
