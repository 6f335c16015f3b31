//! `RedisStore` on real servers, which are started on loopback and ended by their process id. The program is the one
//! of `BREAKERBOX_REDIS_SERVER`, or `redis-server` of the PATH; without it these tests say so and are skipped, unless
//! `BREAKERBOX_REQUIRE_REDIS` is set.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod access;
mod agreement;
mod cluster;
mod faults;
mod keys;
mod listening;
mod network;
mod proxy;
mod racing;
mod refusals;
mod server;
mod spoiled;
mod support;
mod tls;
