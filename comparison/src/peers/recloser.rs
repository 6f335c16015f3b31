//! recloser: a ring of results behind a spin lock, in an epoch-protected state.

use recloser::{AsyncRecloser, Error, Recloser};

use super::forever;
use crate::subject::Setting::{self, CountWindow};
use crate::subject::{AsyncWay, HOUR, Peer, Plan, SyncWay};
use crate::work::{Fault, ready, verdict, work};

verdict!(Error<Fault>: refused Error::Rejected, failed Error::Inner(_));

const SETTINGS: &[Setting] = &[CountWindow];
const NOTE: &str = "no limit of trials";

fn breaker(plan: Plan) -> Recloser {
    Recloser::custom().error_rate(plan.share() as f32).closed_len(100).open_wait(HOUR).build()
}

pub fn sync() -> Peer<SyncWay> {
    Peer::new("recloser", "recloser", SETTINGS, |plan| {
        let breaker = forever(breaker(plan));
        crate::loops::sync!(breaker, x => breaker.call(|| work(x)))
    })
    .note(NOTE)
}

pub fn asynchronous() -> Peer<AsyncWay> {
    Peer::new("recloser", "recloser", SETTINGS, |plan| {
        let breaker = forever(AsyncRecloser::from(breaker(plan)));
        crate::loops::asynchronous!(breaker, x => breaker.call(ready(x)))
    })
    .note(NOTE)
}
