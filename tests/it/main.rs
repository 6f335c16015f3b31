//! Behaviour, a file for each kind.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod calls;
mod modes;
mod registry;
mod settings;
mod states;
mod support;
mod windows;
