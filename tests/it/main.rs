//! Behaviour, a file for each kind.

#![deny(warnings)]
#![forbid(unsafe_code)]

#[cfg(feature = "observe")]
mod alerts;
mod attributed;
mod calls;
mod counters;
mod defects;
mod hammer;
mod history;
mod interleaved;
mod keyed;
mod keyed_attribute;
mod laws;
mod merging;
mod modes;
mod monitoring;
mod races;
#[path = "../reference/mod.rs"]
mod reference;
mod registry;
mod rig;
mod rings;
mod settings;
// Shapes of all kinds, one a line as people write them.
#[rustfmt::skip]
mod shapes;
mod slow;
mod snapshots;
mod states;
mod support;
mod system;
mod transitions;
mod vocabulary;
mod windows;
