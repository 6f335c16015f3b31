//! Fleets as they are run: several real processes, one real Redis or one folder, one real backend, and faults from
//! outside. Processes are killed and stopped, so is Redis; after each fault all instances agree again, and the backend
//! has seen no more trial calls than allowed.
//!
//! Without a `redis-server` on the PATH the tests with Redis say so and are skipped, unless `BREAKERBOX_REQUIRE_REDIS`
//! is set.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod backend;
mod chaos;
mod fleet;
mod instance;
mod part;
mod server;
mod stories;
