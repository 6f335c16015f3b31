//! Every schedule of small programs. Each model states in one sentence what holds in all of them.

#![cfg(breakerbox_model = "loom")]
#![forbid(unsafe_code)]

mod commands;
mod counters;
mod deadlines;
mod listeners;
mod opening;
mod registry;
mod support;
mod trials;
mod windows;
