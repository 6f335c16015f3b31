//! The thread of a fleet: when it asks the store, and how it ends with its registry.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use super::Order;
use super::agent::Agent;
use super::desk::{Call, Desk};
use crate::bus::Bus;
use crate::clock::{nanos, precise};
use crate::event::Event;
use crate::keeper::{Keeper, Moved, StoreErrors, StoreStatus};
use crate::snapshot::Snapshot;

/// What follows a change so soon is said together.
const TOGETHER: Duration = Duration::from_millis(5);
/// Pauses after a round that failed, growing from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How long the end of a registry waits for what is still to be said.
const FAREWELL: Duration = Duration::from_millis(200);

/// A fleet at work for one registry. Dropped with it, it says what is left to say, and leaves.
#[derive(Debug)]
pub(super) struct Keeping {
    desk: Arc<Desk>,
    /// Of a fleet that is stepped by hand.
    agent: Option<Arc<Mutex<Agent>>>,
}

impl Keeping {
    pub(super) fn stepped(desk: Arc<Desk>, agent: Arc<Mutex<Agent>>) -> Self {
        Keeping { desk, agent: Some(agent) }
    }

    pub(super) fn start(desk: Arc<Desk>, agent: Agent, bus: &Arc<Bus>) -> Self {
        let name = format!("breakerbox-{}", desk.kind);
        let at_work = Arc::clone(&desk);
        // Held, so that the thread finds itself noted when it ends.
        let (go, gone) = (Arc::new(Mutex::new(())), Arc::clone(&desk));
        let gate = Arc::clone(&go);
        let hold = go.lock();
        let spawned = thread::Builder::new().name(name).spawn(move || {
            drop(gate.lock());
            work(&at_work, agent);
            gone.left();
        });
        match spawned {
            Ok(worker) => desk.works(worker.thread().id()),
            Err(error) => {
                if let Some(news) = desk.failed("sync", format!("cannot start a thread: {error}")) {
                    bus.complain(news);
                }
            }
        }
        drop(hold);
        Keeping { desk, agent: None }
    }
}

/// The thread's whole life.
fn work(desk: &Desk, mut agent: Agent) {
    let (mut next, mut failures) = (precise(), 0);
    agent.listen();
    loop {
        let pause = Duration::from_nanos(next.saturating_sub(precise()));
        let is_due = match desk.wait(pause, failures == 0) {
            Call::Last => break,
            Call::Due => true,
            Call::News => {
                if desk.gather(TOGETHER) {
                    break;
                }
                precise() >= next
            }
        };
        let is_good = agent.round(is_due);
        failures = if is_good { 0 } else { failures + 1 };
        if !is_good || is_due {
            next =
                precise().saturating_add(nanos(if is_good { agent.pause() } else { agent.spread(backoff(failures)) }));
        }
    }
    agent.leave();
}

fn backoff(failures: u32) -> Duration {
    PAUSES.0.saturating_mul(1 << (failures - 1).min(7)).min(PAUSES.1)
}

impl Keeper for Keeping {
    /// What matters of it comes as a move or an order.
    fn changed(&self, _breaker: &Arc<str>, _snapshot: Snapshot) {}

    fn moved(&self, breaker: &Arc<str>, moved: Moved) {
        self.desk.moved(breaker, &moved);
    }

    fn ordered(&self, breaker: &Arc<str>, order: Order, by: Option<&str>) {
        self.desk.ordered(breaker, order, by);
    }

    fn trial_succeeded(&self, breaker: &Arc<str>, _generation: u64) {
        self.desk.trial_succeeded(breaker);
    }

    fn wants_trial(&self, breaker: &Arc<str>) {
        self.desk.wants_trial(breaker);
    }

    fn rations(&self) -> bool {
        self.desk.rations()
    }

    fn left(&self, breaker: &Arc<str>) {
        self.desk.gone(breaker);
    }

    fn load(&self, breaker: &Arc<str>) -> Option<Snapshot> {
        self.desk.made(breaker);
        None
    }

    fn flush(&self, timeout: Duration) -> bool {
        // It runs already if a listener of its own asks for it.
        if let Some(mut agent) = self.agent.as_ref().and_then(|agent| agent.try_lock()) {
            agent.round(true);
        }
        self.desk.flush(timeout)
    }

    fn status(&self, breaker: &Arc<str>) -> StoreStatus {
        self.desk.status(breaker)
    }

    fn errors(&self) -> Vec<StoreErrors> {
        self.desk.errors()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        match &self.agent {
            // It runs already if it holds the registry last.
            Some(agent) => drop(agent.try_lock().map(|mut agent| agent.leave())),
            None => self.desk.end(thread::current().id(), FAREWELL),
        }
    }
}

/// Tells listeners. Without a lock, for this may be what holds the registry last.
pub(super) fn say(bus: &Weak<Bus>, news: Event) {
    let Some(bus) = bus.upgrade() else { return };
    match news {
        Event::StoreRecovered { .. } => bus.publish(|| news),
        _ => bus.complain(news),
    }
    bus.deliver();
}
