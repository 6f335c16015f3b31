//! What is fuzzed, and the laws that hold for it. Each function takes the bytes of one input and
//! panics where a law is broken. The fuzzer gives them what it makes up, `tests/replay.rs` what is kept.
#![forbid(unsafe_code)]

mod attribute;
mod configuration;
mod duration;
mod environment;
mod limits;

pub use attribute::attribute;
pub use configuration::configuration;
pub use duration::duration;
pub use environment::environment;
