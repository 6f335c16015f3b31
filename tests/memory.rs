//! What a breaker costs in memory, and that it gives it back. A binary of its own, for its allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, ManualClock, Registry, State};

/// Counts what the thread that asks allocates, so that tests may run side by side.
struct Counting;

thread_local! {
    /// Bytes that are held. No destructor, so that it can be used at any time.
    static HELD: Cell<i64> = const { Cell::new(0) };
}

fn held(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

// SAFETY: every request goes to the system's allocator as it came; the counter is a plain cell of
// the thread and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get() + held(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - held(layout.size()));
        // SAFETY: the pointer came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that this thread keeps of what it allocates while `function` runs.
fn kept(function: impl FnOnce()) -> i64 {
    let before = HELD.get();
    function();
    HELD.get() - before
}

#[track_caller]
fn breaker(settings: ConfigBuilder) -> (ManualClock, CircuitBreaker) {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let config = settings.build().expect("settings");
    (clock, registry.get_or_insert("quotes", config).expect("a name"))
}

fn shapes() -> [ConfigBuilder; 4] {
    let never = || Config::builder().failure_threshold(None).failure_rate_threshold(1.0);
    let second = Duration::from_secs(1);
    [
        Config::builder().failure_threshold(1_000_000),
        never().window_size(100),
        never().window_duration(second),
        never().window_duration(second).slow_call_duration(second).slow_call_rate_threshold(1.0),
    ]
}

fn call(breaker: &CircuitBreaker, number: u32) {
    let Ok(permit) = breaker.try_acquire() else { return };
    match number % 10 {
        0 => permit.failure(),
        1 => permit.ignore(),
        2 => drop(permit),
        _ => permit.success(),
    }
}

// resilient 0.4, breaker.rs:531: 24 bytes more with each call, 25 MB per million; tower-resilience: time
// windows grow without bound.
#[test]
fn a_million_calls_hold_no_more_memory_than_a_hundred() {
    for settings in shapes() {
        let (clock, breaker) = breaker(settings);
        (0..100).for_each(|number| call(&breaker, number));
        let bytes = kept(|| {
            for number in 0..250_000 {
                if number % 100 == 0 {
                    clock.advance(Duration::from_millis(3));
                }
                call(&breaker, number);
            }
        });
        assert_eq!(bytes, 0);
    }
}

// recloser 1.4, recloser.rs:95: every replaced state leaks.
#[test]
fn ten_thousand_transitions_leak_nothing() {
    for settings in shapes() {
        let (_, breaker) = breaker(settings);
        let cycle = || {
            breaker.open();
            breaker.half_open();
            call(&breaker, 0);
            breaker.reset();
            breaker.force_open();
            breaker.auto();
        };
        cycle();
        assert_eq!(kept(|| (0..10_000).for_each(|_| cycle())), 0);
        assert_eq!(breaker.state(), State::Closed);
    }
}

// recloser 1.4, recloser.rs:184: 1,064 bytes of each dropped breaker are never freed.
#[test]
fn dropped_breakers_are_freed() {
    let make = |settings: ConfigBuilder| {
        let (_, breaker) = breaker(settings);
        call(&breaker, 0);
        call(&breaker, 3);
    };
    let round = || shapes().into_iter().for_each(make);
    round();
    let bytes = kept(|| (0..1000).for_each(|_| round()));
    assert_eq!(bytes, 0);
}

#[test]
fn a_breaker_with_default_settings_holds_less_than_a_kibibyte() {
    let registry = Registry::with_clock(ManualClock::new());
    let names: Vec<_> = (0..1000).map(|number| format!("host-{number}")).collect();
    let bytes = kept(|| {
        for name in &names {
            let breaker = registry.get_or_insert(name, Config::default()).expect("a name");
            breaker.record_success();
        }
    });
    let each = bytes / 1000;
    assert!(each <= 1024, "{each} bytes a breaker");
}
