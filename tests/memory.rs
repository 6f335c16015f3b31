//! A call allocates nothing, and a breaker is small, does not grow and frees all it held. A binary of
//! its own, because it counts the allocations of its thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use breakerbox::{
    CircuitBreaker, CircuitBreakerError, Config, ConfigBuilder, ManualClock, Registry, State, circuit_breaker,
};
use futures_util::FutureExt;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes allocated, less those freed.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
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

/// The allocations of a thousand calls, after a first one that may set things up.
fn allocations(mut call: impl FnMut()) -> u64 {
    call();
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        call();
    }
    ALLOCATIONS.get() - before
}

fn breaker(settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new("a name that is longer than an error holds inline", settings.build().expect("valid"))
        .expect("valid")
}

fn failing() -> Result<u8, CircuitBreakerError> {
    let forced = CircuitBreaker::new("other", Config::default()).expect("valid");
    forced.force_open();
    Err(forced.try_acquire().expect_err("forced open"))
}

#[test]
fn the_allocator_is_counted() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1000);
}

#[test]
fn no_call_allocates() {
    let second = Duration::from_secs(1);
    let settings = || Config::builder().failure_threshold(1_000_000);
    let error = failing().expect_err("a failure");
    for settings in [
        settings(),
        settings().failure_rate_threshold(1.0).minimum_calls(100),
        settings().failure_rate_threshold(1.0).window_duration(second),
        settings().slow_call_duration(second).slow_call_rate_threshold(1.0),
    ] {
        let breaker = breaker(settings);
        assert_eq!(allocations(|| _ = breaker.call(|| Some(1))), 0);
        assert_eq!(allocations(|| drop(breaker.try_acquire())), 0);
        assert_eq!(allocations(|| _ = breaker.try_acquire().map(breakerbox::Permit::ignore)), 0);
        assert_eq!(allocations(|| _ = breaker.call(|| Some(1))), 0);
        assert_eq!(allocations(|| _ = breaker.call_async(async { Some(1) }).now_or_never()), 0);
        let mixed = Cell::new(0);
        let every_other = || {
            mixed.set(mixed.get() + 1);
            if mixed.get() % 2 == 0 { Err(error.clone()) } else { Ok(1) }
        };
        assert_eq!(allocations(|| drop(breaker.call(every_other))), 0);
        breaker.open();
        assert_eq!(allocations(|| drop(breaker.call(|| Ok::<u8, CircuitBreakerError>(1)))), 0);
        breaker.half_open();
        let places: Vec<_> = (0..3).map(|_| breaker.try_acquire()).collect();
        assert_eq!(allocations(|| drop(breaker.call(|| Ok::<u8, CircuitBreakerError>(1)))), 0);
        drop(places);
        breaker.force_open();
        assert_eq!(allocations(|| drop(breaker.call(|| Ok::<u8, CircuitBreakerError>(1)))), 0);
    }
}

#[test]
fn no_call_of_an_annotated_function_allocates() {
    #[circuit_breaker(name = "allocations", failure_threshold = 1_000_000)]
    fn sync(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "allocations")]
    async fn asynchronous(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    assert_eq!(allocations(|| _ = sync(true)), 0);
    assert_eq!(allocations(|| _ = sync(false)), 0);
    assert_eq!(allocations(|| _ = asynchronous(true).now_or_never()), 0);
    breakerbox::breaker("allocations").expect("listed").force_open();
    assert_eq!(allocations(|| _ = sync(true)), 0);
    assert_eq!(allocations(|| _ = asynchronous(true).now_or_never()), 0);
}

/// Bytes that a thousand breakers of a registry hold, each, once a thread has called them.
fn bytes_each(settings: &ConfigBuilder) -> usize {
    let config = settings.clone().build().expect("valid");
    let before = HELD.get();
    let registry = Registry::new();
    for number in 0..1000 {
        let breaker = registry.get_or_insert(&format!("breaker {number}"), &config).expect("valid");
        let _ = breaker.call(|| Some(1));
    }
    let held = HELD.get().wrapping_sub(before);
    drop(registry);
    assert_eq!(HELD.get(), before, "a breaker that is dropped frees all it held");
    held / 1000
}

#[test]
fn a_breaker_is_small_and_frees_all_it_held() {
    let plain = bytes_each(&Config::builder());
    assert!(plain <= 1024, "{plain} bytes");
    let rates = Config::builder().failure_rate_threshold(0.5);
    let count = bytes_each(&rates.clone().window_size(1000));
    let time = bytes_each(&rates.window_duration(Duration::from_secs(10)));
    assert!(count <= 4096 && time <= 4096, "{count} and {time} bytes");
    println!("bytes a breaker: {plain} plain, {count} with a window of 1000 calls, {time} with one of time");
}

/// Bytes that this thread keeps of what it allocates while `function` runs.
fn kept(function: impl FnOnce()) -> isize {
    let before = HELD.get();
    function();
    HELD.get().wrapping_sub(before).cast_signed()
}

/// A breaker of a registry, on a clock that stands still.
fn clocked(settings: ConfigBuilder) -> (ManualClock, CircuitBreaker) {
    let clock = ManualClock::new();
    let registry = Registry::with_clock(clock.clone());
    let config = settings.build().expect("valid");
    (clock, registry.get_or_insert("quotes", config).expect("valid"))
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
        let (clock, breaker) = clocked(settings);
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
        let (_, breaker) = clocked(settings);
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
        let (_, breaker) = clocked(settings);
        call(&breaker, 0);
        call(&breaker, 3);
    };
    let round = || shapes().into_iter().for_each(make);
    round();
    let bytes = kept(|| (0..1000).for_each(|_| round()));
    assert_eq!(bytes, 0);
}
