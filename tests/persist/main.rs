//! State on disk: what a restart takes up, and what damaged files, hostile folders and killed processes do.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod attaching;
mod children;
mod crowds;
mod damage;
mod figures;
mod fleets;
mod folders;
mod hostile;
mod keyed;
mod kills;
mod members;
mod restart;
mod sharing;
mod spoiled;
mod support;
