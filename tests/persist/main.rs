//! State on disk: what a restart takes up, and what damaged files, hostile folders and killed processes do.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod attaching;
mod children;
mod damage;
mod folders;
mod kills;
mod restart;
mod support;
