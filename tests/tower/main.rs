//! Breakers around services: the layer by itself, within stacks of tower, around clients and in servers over real sockets.

#![forbid(unsafe_code)]

mod dropped;
mod errors;
mod grpc;
mod http;
mod keyed;
mod layer;
mod readiness;
mod servers;
mod stack;
mod support;
