//! Where time comes from. The only file that asks the operating system for it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::sync::{AtomicU64, Ordering};

/// A monotonic clock: the time since an origin of its own choice.
///
/// A breaker reads it only where it has to: when the circuit is not closed, when a call failed,
/// and on every call if slow calls or a time window are configured. A clock that steps back does
/// no harm: open times last longer by the step, and nothing is counted twice.
///
/// It is read while the breaker is locked, so it must not use a breaker itself.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time since the clock's origin.
    fn now(&self) -> Duration;
}

/// The operating system's monotonic clock. What every breaker uses unless it is told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(system::precise())
    }
}

/// A clock that stands still until it is told to move, so that tests need no sleeping.
///
/// Clones share one time. It starts at zero.
///
/// ```
/// use breakerbox::{Config, ManualClock, Registry, State};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let registry = Registry::with_clock(clock.clone());
/// let breaker = registry.get_or_insert("quotes", &Config::default())?;
///
/// for _ in 0..5 {
///     breaker.record_failure();
/// }
/// assert_eq!(breaker.state(), State::Open);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(breaker.state(), State::HalfOpen);
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    /// Relaxed, like the system's clock: who was told that it moved sees that it moved.
    nanos: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward. Saturates after some 584 years.
    pub fn advance(&self, by: Duration) {
        let by = nanos(by);
        let _ = self.nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(by)));
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, to: Duration) {
        self.nanos.store(nanos(to), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

/// A duration in nanoseconds, saturating: the unit of everything below the public API.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

/// How far the coarse clock may be behind the precise one: two ticks of the slowest kernel.
pub(crate) const COARSE_LAG: u64 = 20_000_000;

/// Nanoseconds of the system clock, exact.
pub(crate) fn precise() -> u64 {
    system::precise()
}

/// Nanoseconds of the system clock, behind by at most [`COARSE_LAG`] and a fifth of the cost.
#[inline]
pub(crate) fn coarse() -> u64 {
    system::coarse()
}

/// A time of the breaker's clock as the wall clock shows it.
pub(crate) fn wall(now: u64, at: u64) -> SystemTime {
    let current = SystemTime::now();
    current.checked_sub(Duration::from_nanos(now.saturating_sub(at))).unwrap_or(current)
}

/// Milliseconds since the machine was started, times of sleep included.
#[cfg(all(feature = "persist", target_os = "linux"))]
pub(crate) fn since_boot() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    (time.tv_sec as u64).wrapping_mul(1000).wrapping_add(time.tv_nsec as u64 / 1_000_000)
}

#[cfg(any(breakerbox_model = "loom", breakerbox_model = "shuttle"))]
pub(crate) mod system {
    //! A clock that a model moves. Relaxed, so that it orders nothing that the breaker has to order itself.

    use crate::sync::{AtomicU64, Ordering, shared};

    shared! {
        static NOW: AtomicU64 = AtomicU64::new(1_000_000_000_000);
    }

    pub(super) fn precise() -> u64 {
        NOW.load(Ordering::Relaxed)
    }

    pub(super) fn coarse() -> u64 {
        precise() - super::COARSE_LAG
    }

    /// Moves the clock forward.
    pub fn advance(by: super::Duration) {
        NOW.fetch_add(super::nanos(by), Ordering::Relaxed);
    }
}

#[cfg(all(target_os = "linux", not(any(breakerbox_model = "loom", breakerbox_model = "shuttle"))))]
mod system {
    use rustix::time::{ClockId, clock_gettime};

    #[inline]
    fn read(clock: ClockId) -> u64 {
        let time = clock_gettime(clock);
        // Both parts are never negative on a monotonic clock.
        (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
    }

    pub(super) fn precise() -> u64 {
        read(ClockId::Monotonic)
    }

    #[inline]
    pub(super) fn coarse() -> u64 {
        read(ClockId::MonotonicCoarse)
    }
}

#[cfg(not(any(target_os = "linux", breakerbox_model = "loom", breakerbox_model = "shuttle")))]
mod system {
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(super) fn precise() -> u64 {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        super::nanos(ORIGIN.get_or_init(Instant::now).elapsed())
    }

    pub(super) fn coarse() -> u64 {
        precise()
    }
}
