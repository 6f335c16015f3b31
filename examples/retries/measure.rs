//! A client under measurement: its server, the calls that were made, and what they add up to.

use std::error::Error;
use std::io;
use std::time::Duration;

use breakerbox::{CircuitBreaker, State};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::clients::{Kind, Shop};
use crate::server::{Behaviour, Server};

/// One call, as its caller saw it.
#[derive(Clone, Copy, Debug)]
struct Call {
    started: Instant,
    ended: Instant,
    is_ok: bool,
}

impl Call {
    fn took(&self) -> Duration {
        self.ended - self.started
    }
}

pub(crate) struct Client {
    pub(crate) kind: Kind,
    server: Server,
    shop: Shop,
    under_way: JoinSet<Call>,
    calls: Vec<Call>,
}

/// What has been counted up to a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Requests that reached the server.
    pub(crate) requests: u64,
    /// Failures that the breaker recorded.
    pub(crate) recorded: u64,
    pub(crate) trips: u64,
}

/// What came of the calls that began in a part of the story.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) calls: usize,
    /// Calls that failed, after all retries.
    pub(crate) failed: usize,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

impl Client {
    pub(crate) async fn start(kind: Kind) -> Result<Client, Box<dyn Error>> {
        let server = Server::start().await?;
        let shop = Shop::new(server.url())?;
        Ok(Client { kind, server, shop, under_way: JoinSet::new(), calls: Vec::new() })
    }

    /// Makes a call, without waiting for it.
    pub(crate) fn call(&mut self) {
        let (kind, shop) = (self.kind, self.shop.clone());
        self.under_way.spawn(async move {
            let started = Instant::now();
            let is_ok = kind.price(&shop).await.is_ok();
            Call { started, ended: Instant::now(), is_ok }
        });
    }

    /// Takes in the calls that are done. Whether all are, and the circuit is closed.
    pub(crate) fn is_at_rest(&mut self) -> Result<bool, JoinError> {
        while let Some(done) = self.under_way.try_join_next() {
            self.calls.push(done?);
        }
        Ok(self.under_way.is_empty() && self.is_closed())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.breaker().is_none_or(|breaker| breaker.state() == State::Closed)
    }

    /// From now on its server does this.
    pub(crate) async fn behave(&mut self, behaviour: Behaviour) -> io::Result<()> {
        self.server.behave(behaviour).await
    }

    /// What server and breaker have counted so far.
    pub(crate) fn counts(&self) -> Counts {
        let totals = self.breaker().map(|breaker| breaker.status().totals).unwrap_or_default();
        Counts { requests: self.server.requests(), recorded: totals.failures, trips: totals.trips }
    }

    fn breaker(&self) -> Option<CircuitBreaker> {
        self.kind.breaker().and_then(breakerbox::breaker)
    }

    pub(crate) fn figures(&self, from: Instant, to: Instant) -> Figures {
        let calls: Vec<&Call> = self.calls.iter().filter(|call| (from..to).contains(&call.started)).collect();
        let mut times: Vec<Duration> = calls.iter().map(|call| call.took()).collect();
        times.sort_unstable();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
        let failed = calls.iter().filter(|call| !call.is_ok).count();
        Figures { calls: calls.len(), failed, median: at(0.5), p99: at(0.99) }
    }

    /// How long after this moment the last call ended that failed, or took longer than a well server takes.
    pub(crate) fn bad_until(&self, well: Instant, longest: Duration) -> Duration {
        let bad = self.calls.iter().filter(|call| !call.is_ok || call.took() > longest);
        bad.map(|call| call.ended.saturating_duration_since(well)).max().unwrap_or_default()
    }
}
