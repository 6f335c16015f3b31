//! The admin API as its users meet it: a real server on a free port, real clients, and raw
//! connections for what no client would send.

#![forbid(unsafe_code)]

mod access;
mod audit;
#[path = "../observe/broken.rs"]
mod broken;
mod commands;
mod contract;
#[path = "../observe/fleet.rs"]
mod fleet;
mod hosts;
mod nesting;
mod page;
mod readers;
mod reads;
mod schema;
mod server;
mod settings;
mod store;
mod stream;
mod support;
