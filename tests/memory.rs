//! A call allocates nothing, and a breaker is small, does not grow and frees all it held. A binary of
//! its own, because it counts the allocations of its thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, ConfigBuilder, ManualClock, Permit, Registry, State};

#[path = "memory/calls.rs"]
mod calls;

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

#[test]
fn the_allocator_is_counted() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1000);
}

#[test]
fn a_handle_is_a_pointer_and_a_permit_and_an_error_are_some_words() {
    let word = size_of::<usize>();
    assert_eq!((size_of::<CircuitBreaker>(), size_of::<Option<CircuitBreaker>>()), (word, word));
    assert!(size_of::<Permit>() <= 5 * word, "{} bytes", size_of::<Permit>());
    let result = size_of::<Result<Permit, CircuitBreakerError>>();
    assert!(size_of::<CircuitBreakerError>() <= 48 && result <= 56, "{result} bytes");
}

/// Bytes that a thousand breakers of a registry hold, each, once a thread has called them.
fn bytes_each(settings: &ConfigBuilder) -> usize {
    let config = settings.clone().build().expect("valid");
    let before = HELD.get();
    let registry = Registry::new();
    for number in 0..1000 {
        let breaker = registry.get_or_insert(&format!("breaker {number}"), &config).expect("valid");
        let _ = breaker.call(|| Some(1));
        breaker.record_failure();
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
    let second = Duration::from_secs(1);
    for (what, settings) in [
        ("100 calls", rates.clone().window_size(100)),
        ("1000 calls", rates.clone().window_size(1000)),
        ("10 s", rates.clone().window_duration(10 * second)),
        (
            "10 s, of slow calls too",
            rates.window_duration(10 * second).slow_call_duration(second).slow_call_rate_threshold(0.5),
        ),
    ] {
        let bytes = bytes_each(&settings);
        assert!(bytes <= 4096, "{bytes} bytes with a window of {what}");
        println!("bytes a breaker: {plain} plain, {bytes} with a window of {what}");
    }
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

/// Bytes that each of four threads, which run at the same time, allocates at its first success of a breaker.
fn first_successes(breaker: &CircuitBreaker) -> Vec<isize> {
    let barrier = Barrier::new(4);
    let first = || {
        // A thread takes a number for all breakers at its first success, which is not counted here.
        CircuitBreaker::new("another", Config::default()).expect("valid").record_success();
        barrier.wait();
        let bytes = kept(|| breaker.record_success());
        assert_eq!(kept(|| breaker.record_success()), 0, "the second finds what the first has made");
        barrier.wait();
        bytes
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(first)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

// There are 16 stripes, and with the threads of the other tests not more threads: none are shared.
#[test]
fn a_thread_gets_its_stripe_of_a_breaker_when_it_first_calls() {
    let (_, breaker) = clocked(Config::builder());
    let stripe = kept(|| breaker.record_success());
    assert!((1..=256).contains(&stripe), "{stripe} bytes");
    for settings in shapes() {
        let settings = settings.build().expect("valid");
        let registry = Registry::with_clock(ManualClock::new());
        let made = kept(|| drop(registry.get_or_insert("quotes", &settings)));
        let each = first_successes(&registry.get("quotes").expect("made"));
        assert!(each.iter().all(|bytes| *bytes >= stripe), "{each:?} bytes");
        let all = made + each.iter().sum::<isize>();
        assert!(all <= 4096, "{all} bytes");
        println!("{all} bytes a breaker that four threads call: {made} and {each:?}");
    }
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
