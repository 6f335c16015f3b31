//! Who did what, for the log: target `breakerbox::admin`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

use super::guard::Writer;
use crate::clock;
use crate::handle::CircuitBreaker;

/// Nanoseconds between two lines about refused requests.
const PERIOD: u64 = 1_000_000_000;

/// Counts refused requests between two lines. Relaxed: nothing depends on the numbers.
#[derive(Debug, Default)]
pub(super) struct Audit {
    told: AtomicU64,
    untold: AtomicU64,
}

impl Audit {
    /// Somebody has asked for a write without the right to it. Told once a second at most.
    pub(super) fn refused(&self, peer: Option<SocketAddr>, status: StatusCode) {
        let requests = self.untold.fetch_add(1, Ordering::Relaxed) + 1;
        let now = clock::precise();
        let told = self.told.load(Ordering::Relaxed);
        let is_due = told == 0 || now >= told.saturating_add(PERIOD);
        if is_due && self.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.untold.fetch_sub(requests, Ordering::Relaxed);
            tracing::warn!(
                target: "breakerbox::admin",
                peer = %Peer(peer),
                status = status.as_u16(),
                requests,
                "refused a write without the right to it"
            );
        }
    }
}

/// A write that was carried out.
pub(super) fn carried_out(writer: &Writer, command: &str, breaker: &CircuitBreaker, before: &str, after: &str) {
    tracing::info!(
        target: "breakerbox::admin",
        who = &*writer.who,
        peer = %Peer(writer.peer),
        command,
        breaker = breaker.name(),
        before,
        after,
        "circuit '{}': {command} by {}",
        breaker.name(),
        writer.who
    );
}

/// An address, or that nobody knows it.
struct Peer(Option<SocketAddr>);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(peer) => peer.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}
