//! The time limit of a call that is a future: a timer, from about the call's first poll to its end.

use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_timer::Delay;

use crate::breaker::Core;
use crate::sync::Ordering;

/// When a call is cut off. Most calls end at their first poll or have no limit, so a timer is boxed,
/// and its end is out of line.
#[derive(Debug)]
pub(crate) struct Limit(ManuallyDrop<Timer>);

#[derive(Debug)]
enum Timer {
    /// The time of a call begins when its first poll has ended.
    Unasked,
    Unlimited,
    Running(Box<(Delay, Duration)>),
}

impl Core {
    /// The time limit of a call that begins now.
    #[inline]
    pub(crate) fn timeout(&self) -> Option<Duration> {
        Some(self.timeout.load(Ordering::Relaxed)).filter(|limit| *limit > 0).map(Duration::from_nanos)
    }
}

impl Limit {
    /// What the breaker says when the first poll has ended.
    #[inline]
    pub(crate) fn unasked() -> Self {
        Limit(ManuallyDrop::new(Timer::Unasked))
    }

    /// What the breaker says now.
    pub(crate) fn of(core: &Core) -> Self {
        let timer =
            core.timeout().map_or(Timer::Unlimited, |limit| Timer::Running(Box::new((Delay::new(limit), limit))));
        Limit(ManuallyDrop::new(timer))
    }

    /// The limit, once its time is over.
    pub(crate) fn poll(&mut self, core: &Core, cx: &mut Context<'_>) -> Poll<Duration> {
        if let Timer::Unasked = *self.0 {
            *self = Limit::of(core);
        }
        match &mut *self.0 {
            Timer::Running(timer) => Pin::new(&mut timer.0).poll(cx).map(|()| timer.1),
            _ => Poll::Pending,
        }
    }

    #[cold]
    fn stop(&mut self) {
        drop(mem::replace(&mut *self.0, Timer::Unlimited));
    }
}

impl Drop for Limit {
    #[inline]
    fn drop(&mut self) {
        if let Timer::Running(_) = *self.0 {
            self.stop();
        }
    }
}
