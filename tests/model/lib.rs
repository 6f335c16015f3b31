//! Models of the breaker for two checkers: `loom` tries every schedule and every value that the
//! memory model allows, for two or three threads of a few steps; `shuttle` tries many random
//! schedules of larger programs. Both run the code that ships, whose `sync` module takes the
//! atomics and locks of the checker. Without one, this package is empty.
//!
//! ```sh
//! RUSTFLAGS='--cfg breakerbox_model="loom"' cargo test --release -p breakerbox-model --test loom
//! RUSTFLAGS='--cfg breakerbox_model="shuttle"' cargo test --release -p breakerbox-model --test shuttle
//! ```

#![forbid(unsafe_code)]
