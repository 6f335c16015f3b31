//! Listeners of all sorts: one that follows every circuit, one that panics, one that is slow, one
//! that uses breakers itself, and those that come and go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigError, Event, Registry, State, Subscription, Transition};
use fastrand::Rng;

use crate::law::{Law, check};
use crate::settings::milliseconds;
use crate::tally::{Tally, one};
use crate::work::planned_panic;
use crate::world::World;

/// What was heard of one circuit.
#[derive(Clone, Copy, Debug)]
struct Heard {
    state: State,
    generation: u64,
    transitions: u64,
}

/// Follows every circuit of a registry, transition by transition.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    circuits: Mutex<HashMap<Arc<str>, Heard>>,
    is_listening: AtomicBool,
}

impl Chain {
    /// A chain for the breakers that the registry has, which are closed, and for those to come.
    pub(crate) fn follow(registry: &Registry) -> (Arc<Chain>, Subscription) {
        let chain = Arc::new(Chain::default());
        registry.all().iter().for_each(|breaker| chain.begin(breaker.name()));
        let listener = Arc::clone(&chain);
        let subscription = registry.subscribe(move |event| listener.hear(event));
        (chain, subscription)
    }

    fn hear(&self, event: &Event) {
        one(Tally::Events);
        let is_alone = !self.is_listening.swap(true, SeqCst);
        check(Law::EventsInTurn, is_alone, || format!("two threads at once: {event}"));
        match event {
            Event::Transition(transition) => self.follow_one(transition),
            Event::Registered { breaker, .. } => self.begin(breaker),
            // Whoever holds it may go on using it, but nobody follows it any more.
            Event::Removed { breaker, .. } => {
                self.circuits.lock().unwrap_or_else(PoisonError::into_inner).remove(breaker);
            }
            _ => {}
        }
        self.is_listening.store(false, SeqCst);
    }

    fn begin(&self, name: &str) {
        let new = Heard { state: State::Closed, generation: 0, transitions: 0 };
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), new);
    }

    fn follow_one(&self, transition: &Transition) {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = circuits.get_mut(&transition.breaker) else { return };
        let follows = transition.from == last.state && transition.generation > last.generation;
        check(Law::EventsChain, follows, || format!("after {last:?}: {transition:?}"));
        *last = Heard { state: transition.to, generation: transition.generation, transitions: last.transitions + 1 };
    }

    pub(crate) fn heard(&self, name: &str) -> u64 {
        let circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.get(name).map_or(0, |heard| heard.transitions)
    }
}

/// One that panics now and then.
pub(crate) fn panicking(registry: &Registry) -> Subscription {
    let heard = AtomicU64::new(0);
    registry.subscribe(move |_| {
        if heard.fetch_add(1, SeqCst) % 40 == 39 {
            one(Tally::ListenerPanics);
            planned_panic();
        }
    })
}

/// One that takes its time now and then.
pub(crate) fn slow(registry: &Registry) -> Subscription {
    let heard = AtomicU64::new(0);
    registry.subscribe(move |_| {
        if heard.fetch_add(1, SeqCst) % 100 == 99 {
            thread::sleep(Duration::from_millis(1));
        }
    })
}

/// One that uses breakers: one of its own in the same registry, which causes events while one is
/// delivered, and the list.
pub(crate) fn meddling(registry: &Registry) -> Result<Subscription, ConfigError> {
    let config = Config::builder().failure_threshold(1).recovery_timeout(Duration::from_millis(1)).build()?;
    let own: CircuitBreaker = registry.get_or_insert("meddler", config)?;
    let heard = AtomicU64::new(0);
    Ok(registry.subscribe(move |event| {
        if event.breaker() == Some(own.name()) {
            return;
        }
        match heard.fetch_add(1, SeqCst) % 7 {
            0 => own.record_failure(),
            1 => own.reset(),
            2 => drop(own.call(|| Err::<(), _>(()))),
            3 => drop(own.status()),
            4 => own.force_open(),
            5 => own.auto(),
            _ => drop(own.try_acquire()),
        }
    }))
}

/// Subscribes and unsubscribes until the storm is over.
pub(crate) fn come_and_go(world: &World, registries: [&Registry; 2], seed: u64) {
    let mut rng = Rng::with_seed(seed);
    // Each holds this; when the last is gone, nobody may.
    let held = Arc::new(AtomicU64::new(0));
    let mut subscriptions = Vec::new();
    while world.is_storm() {
        let own = Arc::clone(&held);
        let registry = registries[rng.usize(0..2)];
        subscriptions.push(registry.subscribe(move |_| {
            own.fetch_add(1, SeqCst);
        }));
        one(Tally::Subscriptions);
        if subscriptions.len() > 5 {
            drop(subscriptions.swap_remove(rng.usize(0..subscriptions.len())));
        }
        thread::sleep(milliseconds(&mut rng, 1..20));
    }
    subscriptions.clear();
    // One that is being delivered to by another thread is held by it until it returns.
    let is_free = (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(if Arc::strong_count(&held) == 1 { 0 } else { 10 }));
        Arc::strong_count(&held) == 1
    });
    check(Law::ListenersGo, is_free, || format!("{} are held", Arc::strong_count(&held) - 1));
}
