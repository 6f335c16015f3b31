//! What the code that `#[circuit_breaker]` writes names, and nobody else. Not a public API: it may
//! change in any version, together with the attribute.

#![allow(missing_docs)]

mod answer;
mod fallback;
mod future;
mod key;
mod run;
mod stated;

pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::time::Duration;

pub use inventory;

pub use crate::__submit as submit;
pub use crate::call::count_fallback;
pub use crate::call::enter;
pub use crate::global::KeyedSite;
pub use crate::global::Registered;
pub use crate::global::Site;
pub use crate::location::Location;
pub use crate::policy::check;
pub use crate::preset::Preset;
pub use crate::settings::Key;
pub use crate::settings::Value;

#[cfg(any(breakerbox_model = "loom", breakerbox_model = "shuttle"))]
pub use crate::clock::system::advance as advance_system_clock;

pub use answer::Fallible;
pub use answer::FromOpen;
pub use answer::OnOpen;
pub use answer::Respond;
pub use answer::on_open;
pub use answer::on_open_unasked;
pub use answer::on_open_value;
pub use answer::refuse;
pub use fallback::Fallback;
pub use fallback::Reply;
pub use fallback::answer;
pub use fallback::answer_unasked;
pub use fallback::begin;
pub use fallback::begin_unasked;
pub use fallback::copy;
pub use fallback::failed;
pub use fallback::fallback;
pub use fallback::reply;
pub use fallback::succeeded;
pub use fallback::succeeded_by;
pub use future::Rewrap;
pub use future::body;
pub use future::boxed;
pub use future::deferred;
pub use future::future;
pub use future::guard;
pub use future::guard_timeout;
pub use future::pinned;
pub use future::ret;
pub use key::Borrowed;
pub use key::Displayed;
pub use key::KeyText;
pub use key::Lent;
pub use key::Neither;
pub use key::Text;
pub use key::core;
pub use key::held;
pub use run::Asked;
pub use run::ByType;
pub use run::Judge;
pub use run::ask;
pub use run::attempt;
pub use run::attempt_by;
pub use run::classify;
pub use run::complete;
pub use run::complete_by;
pub use run::failure_if;
pub use run::ignore_if;
pub use run::judged;
pub use run::note;
pub use run::run;
pub use run::run_by;
pub use run::typed;
pub use stated::count;
pub use stated::share;
pub use stated::time;
