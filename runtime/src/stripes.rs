//! Counters that many threads add to without waiting for each other.
//!
//! One counter on one cache line costs a call 2 ns alone and 11 ns or more as soon as two threads
//! share the line. So a breaker has a few stripes, each on a line of its own; a thread adds to
//! the stripe of its number, and the reader sums them. A stripe is made when a thread first needs
//! it. Threads may share a stripe, so it is added to with `fetch_add`: no addition is ever lost,
//! and a stripe outlives the threads that used it. The sum of several stripes is not the sum at
//! one instant, but each counter only grows, and at rest the sum is exact.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::Reason;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, OnceBox, Ordering, per_thread, shared};

/// How many stripes a breaker has at most.
pub(crate) const STRIPES: usize = if cfg!(breakerbox_model = "loom") { 2 } else { 16 };

const UNNUMBERED: usize = usize::MAX;

per_thread! {
    // No destructor, so that a breaker works in the destructors of other thread-locals.
    static NUMBER: Cell<usize> = const { Cell::new(UNNUMBERED) };
}

/// The number of the calling thread's stripe.
pub(crate) fn own() -> usize {
    let number = NUMBER.with(Cell::get);
    if number == UNNUMBERED { take_number() } else { number }
}

#[cold]
fn take_number() -> usize {
    // A thread that is being torn down may have lost its `Owner` already; it borrows stripe 0.
    let number = OWNER.try_with(|owner| owner.0).unwrap_or(0) % STRIPES;
    NUMBER.with(|own| own.set(number));
    number
}

shared! {
    /// Numbers that no running thread has; the lowest is taken first, so that threads that run at the
    /// same time share a stripe only if there are more of them than stripes.
    static FREE: Mutex<(BinaryHeap<Reverse<usize>>, usize)> = Mutex::new((BinaryHeap::new(), 0));
}

/// A thread's right to its number, given back when the thread ends.
struct Owner(usize);

impl Owner {
    fn new() -> Self {
        let (free, next) = &mut *FREE.lock();
        Owner(free.pop().map_or_else(
            || {
                *next += 1;
                *next - 1
            },
            |Reverse(number)| number,
        ))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // loom ends a thread's locals after it was joined, when its statics may have ended.
        if !cfg!(breakerbox_model = "loom") {
            FREE.lock().0.push(Reverse(self.0));
        }
    }
}

per_thread! {
    static OWNER: Owner = Owner::new();
}

/// The counters of some threads, on cache lines of their own: two, because processors fetch them in pairs.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Stripe {
    successes: AtomicU64,
    fallbacks: AtomicU64,
    /// Calls that were let in and calls that ended, if calls under way are counted.
    begun: AtomicU64,
    landed: AtomicU64,
    refused: [AtomicU64; Reason::COUNT],
    /// When the bucket of a time window ends that this stripe has a mark for.
    bucket_end: AtomicU64,
}

/// All orderings but those of `landed` are relaxed: a counter publishes nothing but itself.
#[derive(Debug, Default)]
pub(crate) struct Stripes {
    slots: [OnceBox<Stripe>; STRIPES],
    /// One more than the highest number of a stripe that was made. Numbers are given from below, so
    /// a reader looks at as many slots as there are threads.
    used: AtomicUsize,
}

impl Stripes {
    /// The stripe of the calling thread.
    #[inline]
    fn own(&self) -> &Stripe {
        match self.slots.get(NUMBER.with(Cell::get)).and_then(OnceBox::get) {
            Some(stripe) => stripe,
            None => self.make_own(),
        }
    }

    #[cold]
    fn make_own(&self) -> &Stripe {
        self.make(own())
    }

    fn stripe(&self, number: usize) -> &Stripe {
        self.slots[number].get().unwrap_or_else(|| self.make(number))
    }

    #[cold]
    fn make(&self, number: usize) -> &Stripe {
        self.used.fetch_max(number + 1, Ordering::Relaxed);
        self.slots[number].get_or_init(Box::default)
    }

    #[inline]
    pub(crate) fn success(&self) {
        self.own().successes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a success, if its stripe has a mark for the bucket of this time.
    #[inline]
    pub(crate) fn success_if_marked(&self, now: u64) -> bool {
        let stripe = self.own();
        let is_marked = now < stripe.bucket_end.load(Ordering::Relaxed);
        if is_marked {
            stripe.successes.fetch_add(1, Ordering::Relaxed);
        }
        is_marked
    }

    /// Counts a call that was let in, where calls under way are counted.
    pub(crate) fn begin(&self) {
        self.own().begun.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the end of a call that was counted when it was let in.
    pub(crate) fn land(&self) {
        self.own().landed.fetch_add(1, Ordering::Release);
    }

    /// Both it and a success.
    pub(crate) fn land_well(&self) {
        let stripe = self.own();
        stripe.landed.fetch_add(1, Ordering::Release);
        stripe.successes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fallback(&self) {
        self.own().fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn refused(&self, reason: Reason) {
        self.own().refused[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a stripe has a mark for the bucket of this time.
    pub(crate) fn is_marked(&self, number: usize, now: u64) -> bool {
        now < self.stripe(number).bucket_end.load(Ordering::Relaxed)
    }

    pub(crate) fn set_bucket_end(&self, number: usize, end: u64) {
        self.stripe(number).bucket_end.store(end, Ordering::Relaxed);
    }

    /// Makes every stripe ask for a mark at its next success.
    pub(crate) fn expire_marks(&self) {
        self.each().for_each(|stripe| stripe.bucket_end.store(0, Ordering::Relaxed));
    }

    pub(crate) fn successes_of(&self, number: usize) -> u64 {
        self.slots[number].get().map_or(0, |stripe| stripe.successes.load(Ordering::Relaxed))
    }

    pub(crate) fn successes(&self) -> u64 {
        self.each().map(|stripe| stripe.successes.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn fallbacks(&self) -> u64 {
        self.each().map(|stripe| stripe.fallbacks.load(Ordering::Relaxed)).sum()
    }

    /// Calls under way. Ends are read first, and acquired, so that none is read whose beginning is not.
    pub(crate) fn in_flight(&self) -> u64 {
        let landed: u64 = self.each().map(|stripe| stripe.landed.load(Ordering::Acquire)).sum();
        let begun: u64 = self.each().map(|stripe| stripe.begun.load(Ordering::Relaxed)).sum();
        begun.saturating_sub(landed)
    }

    pub(crate) fn refusals(&self, reason: Reason) -> u64 {
        self.each().map(|stripe| stripe.refused[reason as usize].load(Ordering::Relaxed)).sum()
    }

    fn each(&self) -> impl Iterator<Item = &Stripe> {
        self.slots.iter().take(self.used.load(Ordering::Relaxed)).filter_map(OnceBox::get)
    }
}
