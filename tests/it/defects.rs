//! Defects of other circuit breakers, each with a test that breakerbox is free of it.
//!
//! The comment above a test names the crate or library and where the defect is known from.

mod admission;
mod commands;
mod half_open;
mod late;
mod listeners;
mod lost;
mod windows;
