//! A call allocates nothing, whatever becomes of it. A binary of its own, because it counts the
//! allocations of its thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Config, ConfigBuilder, Registry, circuit_breaker};
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
