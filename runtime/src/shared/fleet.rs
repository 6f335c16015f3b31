//! A fleet as users hold it: over which store, and how it agrees. What it does is in `agent`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::SharedStore;
use super::agent::Agent;
use super::counts::FleetCounts;
use super::desk::Desk;
use super::line::Line;
use super::worker::Keeping;
use crate::bus::Bus;
use crate::clock::{Clock, nanos, precise};
use crate::keeper::Keeper;
use crate::remote::Find;

/// The instances that share the state of their breakers, and how they agree: attach it to the
/// [`Registry`](crate::Registry::attach) of each.
///
/// Every instance decides by itself first: a circuit that has seen enough failures opens at once. That is a vote; when
/// enough instances have voted, all open. While the fleet is open it rations trial calls, and it closes together. What
/// an operator orders on one instance is done on all.
///
/// A thread of its own asks the store, so no call ever waits for it. While the store cannot be asked breakers work by
/// themselves, listeners hear of it once, and it is tried again and again.
///
/// A breaker is known to its fleet by its name, so its settings should be the same on all instances.
///
/// ```
/// use breakerbox::shared::{Fleet, InMemoryStore};
/// use breakerbox::{Registry, SystemClock};
/// use std::time::Duration;
///
/// let fleet = Fleet::new(InMemoryStore::new(SystemClock)).quorum(2);
/// let registry = Registry::new();
/// registry.attach(&fleet)?;
/// assert!(fleet.ready(Duration::from_secs(60)));
/// # Ok::<(), breakerbox::AlreadyAttached>(())
/// ```
#[derive(Clone)]
pub struct Fleet {
    hub: Arc<Hub>,
}

struct Hub {
    desk: Arc<Desk>,
    settings: Arc<Mutex<Settings>>,
    is_attached: AtomicBool,
    /// Until it is attached.
    store: Mutex<Option<Box<dyn SharedStore>>>,
    /// Of a fleet that is stepped by hand.
    agent: Mutex<Option<Arc<Mutex<Agent>>>>,
}

/// How instances of a fleet agree.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) interval: Duration,
    pub(super) quorum: u32,
    pub(super) counts: Option<FleetCounts>,
    clock: Option<Arc<dyn Clock>>,
    pub(super) is_stepped: bool,
}

impl Settings {
    pub(super) fn now(&self) -> u64 {
        self.clock.as_ref().map_or_else(precise, |clock| nanos(clock.now()))
    }
}

impl Fleet {
    /// A fleet that agrees in this store.
    pub fn new(store: impl SharedStore) -> Self {
        let interval = Duration::from_secs(1);
        let kind = store.kind();
        let settings = Settings { interval, quorum: store.quorum(), counts: None, clock: None, is_stepped: false };
        let settings = Arc::new(Mutex::new(settings));
        Fleet {
            hub: Arc::new(Hub {
                desk: Arc::new(Desk::new(kind, Arc::clone(&settings))),
                settings,
                is_attached: AtomicBool::new(false),
                store: Mutex::new(Some(Box::new(store))),
                agent: Mutex::default(),
            }),
        }
    }

    fn set(self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.hub.settings.lock());
        self
    }

    /// How often the store is asked, 10 ms at least: 1 s unless set. Changes of this instance reach it at once.
    #[must_use]
    pub fn sync_interval(self, interval: Duration) -> Self {
        self.set(|settings| settings.interval = interval.max(Duration::from_millis(10)))
    }

    /// How many instances must have opened by themselves before all open: 3 unless set, and never more than half of
    /// those that live. With 1 the first one opens all.
    #[must_use]
    pub fn quorum(self, votes: u32) -> Self {
        self.set(|settings| settings.quorum = votes.max(1))
    }

    /// Opens the circuit also by what all instances have counted together. Off unless set.
    #[must_use]
    pub fn counts(self, counts: FleetCounts) -> Self {
        self.set(|settings| settings.counts = Some(counts))
    }

    /// Takes the time that passes between two looks from this clock, as tests do. That of breakers is their own.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        self.set(|settings| settings.clock = Some(Arc::new(clock)))
    }

    /// Starts no thread: the store is asked by [`sync`](Fleet::sync) alone, as tests do.
    #[must_use]
    pub fn stepped(self) -> Self {
        self.set(|settings| settings.is_stepped = true)
    }

    /// Waits until the store has answered for every breaker that there is, for this long at most. Returns whether it
    /// has.
    ///
    /// Before it has, breakers are closed, although the fleet may be open. A program that would rather wait calls this
    /// before it takes its first request.
    pub fn ready(&self, timeout: Duration) -> bool {
        self.step_if_stepped();
        self.hub.desk.ready(timeout)
    }

    /// Waits until the store has heard of everything that has happened here, for this long at most. Returns whether
    /// it has.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.step_if_stepped();
        self.hub.desk.flush(timeout)
    }

    /// Asks the store now: of a [`stepped`](Fleet::stepped) fleet on this thread, else on its own, and without
    /// waiting for it.
    pub fn sync(&self) {
        self.step_if_stepped();
        self.hub.desk.look();
    }

    fn step_if_stepped(&self) {
        let agent = self.hub.agent.lock().clone();
        // It runs already if a listener of its own asks for it.
        if let Some(mut agent) = agent.as_ref().and_then(|agent| agent.try_lock()) {
            agent.round(true);
        }
    }

    /// Begins to share what changes; `None` if it does already.
    pub(crate) fn share(&self, bus: &Arc<Bus>, find: Find) -> Option<Arc<dyn Keeper>> {
        let hub = &self.hub;
        if hub.is_attached.swap(true, Ordering::Relaxed) {
            return None;
        }
        let store = hub.store.lock().take()?;
        let line = Line::new(store, instance(), Arc::clone(&hub.desk));
        let agent = Agent::new(Arc::clone(&hub.desk), Arc::clone(&hub.settings), Arc::downgrade(bus), find, line);
        let is_stepped = hub.settings.lock().is_stepped;
        Some(Arc::new(if is_stepped {
            let agent = Arc::new(Mutex::new(agent));
            *hub.agent.lock() = Some(Arc::clone(&agent));
            Keeping::stepped(Arc::clone(&hub.desk), agent)
        } else {
            Keeping::start(Arc::clone(&hub.desk), agent, bus)
        }))
    }
}

/// A name that no other instance has, in this process or another.
fn instance() -> String {
    use std::hash::{BuildHasher, RandomState};
    let part = |salt: u8| RandomState::new().hash_one((std::process::id(), precise(), salt));
    format!("{:016x}{:016x}", part(0), part(1))
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("store", &self.hub.desk.kind)
            .field("settings", &*self.hub.settings.lock())
            .finish_non_exhaustive()
    }
}
