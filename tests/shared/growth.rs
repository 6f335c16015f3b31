//! Keys that come and go in a fleet leave nothing behind, whether the store answers or not. A binary of its own,
//! because it counts what its threads hold.

#![deny(warnings)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use breakerbox::shared::{Answer, Beat, Fleet, InMemoryStore, Proposal, SharedStore, StoreError, View};
use breakerbox::{Config, KeyedCircuitBreaker, ManualClock, Registry};

const MOST: u32 = 100;
const KEYS: usize = MOST as usize;
const ROUND: usize = 20_000;
const INTERVAL: Duration = Duration::from_secs(1);
/// What may be held more after a flood than after another one: tables that have grown by chance. One key with what its
/// fleet knows of it is some hundred bytes.
const MARGIN: usize = 256 << 10;

struct Counting;

thread_local! {
    /// Bytes allocated, less those freed.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get().wrapping_add(layout.size()));
        // SAFETY: as required of the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: as required of the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A store that can be away.
struct Way {
    store: InMemoryStore,
    is_cut: Arc<AtomicBool>,
}

impl Way {
    fn check(&self) -> Result<(), StoreError> {
        let is_cut = self.is_cut.load(Ordering::Relaxed);
        if is_cut { Err(StoreError::new("the store does not answer")) } else { Ok(()) }
    }
}

impl SharedStore for Way {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        self.check().and_then(|()| self.store.sync(instance, beats))
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        self.check().and_then(|()| self.store.propose(instance, breaker, on, what))
    }
}

struct Flood {
    store: InMemoryStore,
    clock: ManualClock,
    is_cut: Arc<AtomicBool>,
    fleet: Fleet,
    registry: Registry,
    fetch: KeyedCircuitBreaker,
    next: usize,
}

impl Flood {
    fn new() -> Flood {
        let clock = ManualClock::new();
        let is_cut = Arc::<AtomicBool>::default();
        let store = InMemoryStore::new(clock.clone());
        let way = Way { store: store.clone(), is_cut: Arc::clone(&is_cut) };
        let fleet = Fleet::new(way).sync_interval(INTERVAL).clock(clock.clone()).stepped();
        let registry = Registry::with_clock(clock.clone());
        registry.attach(&fleet).expect("neither has another");
        let config = Config::builder().max_keys(MOST);
        let fetch = registry.keyed("fetch", config).expect("the settings are good");
        Flood { store, clock, is_cut, fleet, registry, fetch, next: 0 }
    }

    fn get(&mut self) {
        self.next += 1;
        self.fetch.get(&format!("{:06}.example.com", self.next)).record_success();
    }

    /// So many keys that were never there before between each two rounds; what is held then.
    fn held_after(&mut self, keys: usize, rounds: usize) -> usize {
        for _ in 0..rounds {
            (0..keys).for_each(|_| self.get());
            self.clock.advance(INTERVAL);
            self.fleet.sync();
        }
        assert_eq!(self.fetch.len(), KEYS);
        HELD.get()
    }

    /// The same without what the store holds.
    fn held_here_after(&mut self, keys: usize, rounds: usize) -> usize {
        self.held_after(keys, rounds);
        self.store.clear();
        HELD.get()
    }
}

#[track_caller]
fn assert_level(before: usize, after: usize) {
    assert!(after <= before + MARGIN, "{before} bytes were held, and then {after}");
}

#[test]
fn keys_that_come_and_go_between_two_rounds_leave_nothing() {
    let mut flood = Flood::new();
    let before = flood.held_here_after(KEYS, 3);
    let after = flood.held_here_after(ROUND, 3);
    assert_level(before, after);
}

#[test]
fn keys_that_come_and_go_in_a_single_round_leave_nothing_before_the_next() {
    let mut flood = Flood::new();
    let before = flood.held_here_after(KEYS, 3);
    (0..ROUND).for_each(|_| flood.get());
    assert_level(before, HELD.get());
}

#[test]
fn keys_that_come_and_go_while_the_store_is_away_leave_nothing() {
    let mut flood = Flood::new();
    let before = flood.held_here_after(KEYS, 3);
    flood.is_cut.store(true, Ordering::Relaxed);
    let away = flood.held_here_after(ROUND, 3);
    assert_level(before, away);
    // Each round meets as many as there are, and no more.
    let met = flood.held_here_after(KEYS, 300);
    assert_level(before, met);
    flood.is_cut.store(false, Ordering::Relaxed);
    let back = flood.held_here_after(KEYS, 3);
    assert_level(before, back);
}

#[test]
fn keys_that_each_live_for_a_round_are_forgotten_by_the_fleet_and_its_store() {
    let mut flood = Flood::new();
    let before = flood.held_after(KEYS, 100);
    let after = flood.held_after(KEYS, 1000);
    // The store keeps names that were alive for some rounds, and twice as many before it looks through them.
    assert!(after <= before + 4 * MARGIN, "{before} bytes were held, and then {after}");
}

#[test]
fn orders_for_keys_that_come_and_go_while_the_store_is_away_are_kept_to_a_bound() {
    let mut flood = Flood::new();
    let before = flood.held_here_after(KEYS, 3);
    flood.is_cut.store(true, Ordering::Relaxed);
    for _ in 0..300 {
        (0..KEYS).for_each(|_| flood.get());
        flood.fetch.reset_all();
        flood.clock.advance(INTERVAL);
        flood.fleet.sync();
    }
    // The store is away, so a thousand of 30,000 wait.
    assert_level(before, HELD.get());
    flood.is_cut.store(false, Ordering::Relaxed);
    let back = flood.held_here_after(KEYS, 3);
    assert_level(before, back);
}

#[test]
fn breakers_that_are_removed_before_a_round_leave_nothing_after_a_minute() {
    let mut flood = Flood::new();
    let before = flood.held_here_after(KEYS, 3);
    for number in 0..ROUND {
        let name = format!("quotes-{number}");
        flood.registry.get_or_insert(&name, Config::default()).expect("the name is good");
        flood.registry.remove(&name);
    }
    // Notes of a thousand wait for their breakers to be listed.
    let waiting = flood.held_here_after(1, 2);
    assert!(waiting <= before + 2 * MARGIN, "{before} bytes were held, and then {waiting}");
    let after = flood.held_here_after(1, 61);
    assert_level(before, after);
}
