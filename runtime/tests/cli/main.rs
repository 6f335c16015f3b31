//! `admin::Client` and `breakerbox-cli` against the real admin API, and against servers that are
//! slow, broken, hostile or something else.

#![forbid(unsafe_code)]

mod breaker;
mod client;
mod command;
mod commands;
mod events;
mod fake;
mod faults;
mod real;
#[cfg(feature = "persist")]
mod store;
#[cfg(target_os = "linux")]
mod terminal;
mod watching;
