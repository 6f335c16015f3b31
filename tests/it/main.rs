//! Behaviour, a file for each kind.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod attributed;
mod calls;
mod defects;
mod hammer;
mod laws;
mod model;
mod modes;
mod registry;
mod rig;
mod settings;
mod states;
mod support;
mod windows;
