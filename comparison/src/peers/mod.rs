//! The breakers that are compared, a file each.

mod breaker_crate;
mod breaker_machines;
mod breakerbox;
mod circuitbreaker_rs;
mod failsafe;
#[cfg(feature = "frameworks")]
mod frameworks;
mod nobreak;
mod recloser;
mod seatbelt;
mod tokitai;
mod tower_resilience;

use crate::subject::{AsyncWay, Peer, SyncWay};

/// Everything that takes synchronous calls; breakerbox first.
pub fn sync() -> Vec<Peer<SyncWay>> {
    #[cfg_attr(not(feature = "frameworks"), expect(unused_mut, reason = "the frameworks are missing"))]
    let mut peers = Vec::from([
        breakerbox::handle(),
        breakerbox::attribute(),
        failsafe::sync(),
        recloser::sync(),
        nobreak::sync(),
        breaker_crate::sync(),
        circuitbreaker_rs::sync(),
        breaker_machines::sync(),
        tokitai::sync(),
    ]);
    #[cfg(feature = "frameworks")]
    peers.extend(frameworks::sync());
    peers
}

/// Everything that takes futures; breakerbox first.
pub fn asynchronous() -> Vec<Peer<AsyncWay>> {
    #[cfg_attr(not(feature = "frameworks"), expect(unused_mut, reason = "the frameworks are missing"))]
    let mut peers = Vec::from([
        breakerbox::async_handle(),
        breakerbox::async_attribute(),
        failsafe::asynchronous(),
        recloser::asynchronous(),
        nobreak::asynchronous(),
        breaker_crate::asynchronous(),
        circuitbreaker_rs::asynchronous(),
        breaker_machines::asynchronous(),
        tower_resilience::asynchronous(),
        seatbelt::asynchronous(),
        seatbelt::with_fast_clock(),
        tokitai::asynchronous(),
    ]);
    #[cfg(feature = "frameworks")]
    peers.extend(frameworks::asynchronous());
    peers
}

/// A breaker that lives as long as the process, so that futures can borrow it.
fn forever<T>(breaker: T) -> &'static T {
    Box::leak(Box::new(breaker))
}
