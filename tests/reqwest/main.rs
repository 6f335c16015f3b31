//! HTTP clients with breakers against real servers that refuse, hang, answer slowly or wrongly, and recover.

#![forbid(unsafe_code)]

mod answers;
mod bodies;
mod cancelled;
mod client;
mod deadlines;
mod held;
mod hosts;
mod redirected;
mod retried;
mod server;
mod stay_away;
mod support;
mod underneath;
