//! The admin API as its users meet it: a real server on a free port, real clients, and raw
//! connections for what no client would send.

#![forbid(unsafe_code)]

mod access;
mod audit;
mod commands;
mod contract;
mod hosts;
mod nesting;
mod page;
mod readers;
mod reads;
mod schema;
mod server;
mod settings;
mod stream;
mod support;
