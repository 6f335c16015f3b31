//! The laws: each with a name, how often it was checked, and what was seen when it did not hold.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

macro_rules! laws {
    ($($law:ident => $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Law { $($law),* }

        impl Law {
            pub(crate) const ALL: &[Law] = &[$(Law::$law),*];

            pub(crate) const fn text(self) -> &'static str {
                match self { $(Law::$law => $text),* }
            }
        }
    };
}

laws! {
    CountersGrow => "counters never shrink",
    GenerationsGrow => "generations only grow",
    TripsAreTransitions => "trips are the transitions from closed to open",
    TransitionsAddUp => "transitions add up to the state",
    StatusAgrees => "a status agrees with itself",
    RetryIsBounded => "retry_after is at most the longest open time",
    CallsEnd => "calls that are under way end",
    CallsCountOnce => "at rest every call stands in one counter",
    KindsAreRight => "at rest every kind of end is counted right",
    RefusalsAreRight => "at rest refusals and fallbacks are counted right",
    PlacesComeBack => "at rest no trial place is taken",
    AnswersAgree => "at rest state, is_open and status agree",
    TrialsAreLimited => "no more trials are admitted than the limit",
    NoneWhileOpen => "no call is admitted before the open time is over",
    NoneWhileForced => "no call is admitted while forced open",
    LateChangesNothing => "a late result changes nothing",
    MovesAsOrdered => "ordered calls move the circuit as they should",
    CountsAreExact => "ordered calls are counted exactly",
    ResetForgets => "a reset or a close empties the window",
    InvalidIsRefused => "an invalid change of settings changes nothing",
    ValidIsTaken => "a valid change of settings is in force",
    EventsChain => "listeners hear transitions as a chain",
    EventsInTurn => "listeners of a registry run one at a time",
    EventsAllHeard => "listeners hear every transition",
    ListenersGo => "listeners that unsubscribe are dropped",
    RegistryLists => "a registry lists what is in it, sorted",
    BackendIsSpared => "a backend that is down is spared",
    AllRecover => "every breaker closes when the chaos is over",
    PanicsArePlanned => "nothing panics but what was told to",
    ResidentIsSteady => "resident memory does not grow",
    HeapIsSteady => "the heap does not grow",
    MemoryComesBack => "all memory is given back",
}

static CHECKS: [AtomicU64; Law::ALL.len()] = [const { AtomicU64::new(0) }; Law::ALL.len()];
static IS_BROKEN: AtomicBool = AtomicBool::new(false);
static SEEN: Mutex<Vec<(Law, String)>> = Mutex::new(Vec::new());

/// Broken laws that are told in full. What follows a broken law is often only its consequence.
const TOLD: usize = 20;

/// Checks a law. `seen` says what was found if it does not hold.
pub(crate) fn check(law: Law, holds: bool, seen: impl FnOnce() -> String) {
    CHECKS[law as usize].fetch_add(1, Ordering::Relaxed);
    if !holds {
        let mut all = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.len() < TOLD || all.iter().all(|(known, _)| *known != law) {
            all.push((law, seen()));
        }
        IS_BROKEN.store(true, Ordering::Release);
    }
}

/// Checks that two values are the same.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(law: Law, of: &str, found: &T, expected: &T) {
    check(law, found == expected, || format!("{of}: {found:?}, expected {expected:?}"));
}

pub(crate) fn is_any_broken() -> bool {
    IS_BROKEN.load(Ordering::Acquire)
}

pub(crate) fn checks(law: Law) -> u64 {
    CHECKS[law as usize].load(Ordering::Relaxed)
}

/// What was seen of broken laws, in the order in which it was.
pub(crate) fn broken() -> Vec<(Law, String)> {
    SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}
