//! Random schedules of programs that are too large to try all.

#![cfg(breakerbox_model = "shuttle")]
#![forbid(unsafe_code)]
