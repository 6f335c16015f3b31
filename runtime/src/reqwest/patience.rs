//! How long the caller of an `HttpClient` waits, and what of it a try has. The tries themselves are `client`.

use std::time::Duration;

use super::guard::Ended;
use crate::clock::nanos;

/// The time of one call, in nanoseconds of the clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// When the caller gives up.
    deadline: Option<u64>,
    /// What the settings of the client allow a host to take for one try.
    fair: Option<u64>,
    /// Whether the first try has less than that already, for the request has a limit of its own.
    is_short: bool,
}

impl Patience {
    /// `limit` is that of the call, by the request or else by the client, `settings` are the limits of the client.
    pub(super) fn new(limit: Option<Duration>, settings: [Option<Duration>; 2], now: u64) -> Self {
        let fair = settings.into_iter().flatten().min().or(limit);
        let is_short = limit < fair && limit.is_some();
        Patience { deadline: limit.map(|limit| now.saturating_add(nanos(limit))), fair: fair.map(nanos), is_short }
    }

    /// What is left of the call.
    pub(super) fn left(&self, now: u64) -> Option<Duration> {
        self.deadline.map(|deadline| Duration::from_nanos(deadline.saturating_sub(now)))
    }

    /// When the caller gives up, if a try that begins now has less time than is fair: that it takes longer is not the
    /// fault of the host then.
    pub(super) fn gives_up(&self, tried: u32, now: u64) -> Option<u64> {
        let is_less = |deadline: u64| self.fair.is_some_and(|fair| deadline.saturating_sub(now) < fair);
        self.deadline.filter(|&deadline| if tried == 0 { self.is_short } else { is_less(deadline) })
    }

    /// Whether another try after this one, that would begin then, is worth it. An answer that there is is better than
    /// no answer in time, which it would be if the next one took as long; an error is not.
    pub(super) fn allows(&self, ended: &Ended, took: u64, begin: u64) -> bool {
        let needed = if ended.result.is_ok() { took / 4 * 3 } else { 0 };
        self.deadline.is_none_or(|deadline| deadline.saturating_sub(begin) > needed)
    }
}
