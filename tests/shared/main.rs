//! State that a fleet shares: the rules of its store, what instances make of them, and what faults do to neither.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod agreeing;
mod apart;
// The other binary of tests that has it uses all of it.
#[allow(dead_code)]
mod faulty;
mod keys;
mod late;
mod outages;
mod property;
#[allow(dead_code)]
mod rig;
mod store;
mod sums;
mod threads;
mod trials;
