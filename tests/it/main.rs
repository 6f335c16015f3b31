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
mod races;
mod registry;
mod rig;
mod rings;
mod settings;
// Shapes of all kinds, one a line as people write them.
#[rustfmt::skip]
mod shapes;
mod states;
mod support;
mod windows;
