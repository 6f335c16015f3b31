//! What happened, counted for the report.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! tallies {
    ($($tally:ident,)*) => {
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Tally { $($tally),* }

        const COUNT: usize = [$(Tally::$tally),*].len();
    };
}

tallies! {
    Kills,
    Restarts,
    Hangs,
    SlowSpells,
    HalfCloses,
    ConnectionResets,
    ErrorSpells,
    SparedCalls,
    SparedConnections,
    Connections,
    Panics,
    DroppedFutures,
    TimeLimits,
    NestedCalls,
    SentPermits,
    Commands,
    ChangesTaken,
    ChangesRefused,
    ClockChanges,
    Restored,
    ListenerPanics,
    Subscriptions,
    Events,
    Inserted,
    Statuses,
    Rests,
    Rounds,
}

static COUNTS: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];

pub(crate) fn one(tally: Tally) {
    more(tally, 1);
}

pub(crate) fn more(tally: Tally, number: u64) {
    COUNTS[tally as usize].fetch_add(number, Ordering::Relaxed);
}

pub(crate) fn of(tally: Tally) -> u64 {
    COUNTS[tally as usize].load(Ordering::Relaxed)
}

/// Forgets what the warm-up counted.
pub(crate) fn clear() {
    for count in &COUNTS {
        count.store(0, Ordering::Relaxed);
    }
}
