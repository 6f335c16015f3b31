//! The loops that call a breaker.
//!
//! They are macros, so that each loop holds the call as its source does. Were the call a closure that all loops share,
//! the compiler would see one function with many callers and inline it into none, which no program would see that
//! calls a breaker in one place.

/// What a function holds that brings its breaker along.
#[derive(Clone, Copy)]
pub struct Nothing;

/// A breaker that is called synchronously: `sync!(breaker, x => breaker.call(|| work(x)))`. Each loop has a clone.
macro_rules! sync {
    ($x:ident => $call:expr) => {{
        let nothing = $crate::loops::Nothing;
        $crate::loops::sync!(nothing, $x => $call)
    }};
    ($breaker:ident, $x:ident => $call:expr) => {{
        use $crate::loops::looped;
        use $crate::subject::SyncWay::{Cold, OneThread, TwoThreads};
        use $crate::work::{Pattern::{Failure, OnePercent, Success}, Verdict as _};
        let shared = $breaker;
        #[allow(unused_mut, unused_variables, reason = "some are called by exclusive reference, some are no value")]
        let mut $breaker = Clone::clone(&shared);
        $crate::subject::Caller::new(
            move |$x| $call.seen(),
            move |way, pattern, calls| {
                #[allow(unused_mut, unused_variables, reason = "some are called by exclusive reference, some are no value")]
                let mut $breaker = Clone::clone(&shared);
                match (way, pattern) {
                    (OneThread, Success) => $crate::measure::time(calls, looped!(Success, $x => $call)),
                    (OneThread, Failure) => $crate::measure::time(calls, looped!(Failure, $x => $call)),
                    (OneThread, OnePercent) => $crate::measure::time(calls, looped!(OnePercent, $x => $call)),
                    (Cold, Success) => $crate::cold::time(calls, looped!(Success, $x => $call)),
                    (Cold, _) => unreachable!("cold caches are measured with successes"),
                    (TwoThreads, Success) => looped!(two, shared, calls, Success, $breaker, $x => $call),
                    (TwoThreads, Failure) => looped!(two, shared, calls, Failure, $breaker, $x => $call),
                    (TwoThreads, OnePercent) => looped!(two, shared, calls, OnePercent, $breaker, $x => $call),
                }
            },
        )
    }};
}
pub(crate) use sync;

/// A breaker whose calls are futures that borrow nothing: `asynchronous!(breaker, x => breaker.call(ready(x)))`.
macro_rules! asynchronous {
    ($x:ident => $call:expr) => {{
        let nothing = $crate::loops::Nothing;
        $crate::loops::asynchronous!(nothing, $x => $call)
    }};
    ($breaker:ident, $x:ident => $call:expr) => {{
        use $crate::loops::looped;
        use $crate::subject::AsyncWay::{CurrentThread, Task, TwoTasks};
        use $crate::tasks::{in_task, in_two_tasks, time, wait};
        use $crate::work::{Pattern::{Failure, OnePercent, Success}, Verdict as _};
        let shared = $breaker;
        #[allow(unused_mut, unused_variables, reason = "some are called by exclusive reference, some are no value")]
        let mut $breaker = Clone::clone(&shared);
        $crate::subject::Caller::new(
            move |$x| wait(async { $call.await }).seen(),
            move |way, pattern, calls| {
                #[allow(unused_mut, unused_variables, reason = "some are called by exclusive reference, some are no value")]
                let mut $breaker = Clone::clone(&shared);
                match (way, pattern) {
                    (CurrentThread, Success) => wait(time(calls, looped!(Success, $x => $call))),
                    (CurrentThread, Failure) => wait(time(calls, looped!(Failure, $x => $call))),
                    (CurrentThread, OnePercent) => wait(time(calls, looped!(OnePercent, $x => $call))),
                    (Task, Success) => in_task(calls, looped!(Success, $x => $call)),
                    (Task, Failure) => in_task(calls, looped!(Failure, $x => $call)),
                    (Task, OnePercent) => in_task(calls, looped!(OnePercent, $x => $call)),
                    (TwoTasks, Success) => in_two_tasks(calls, looped!(maker, shared, Success, $breaker, $x => $call)),
                    (TwoTasks, Failure) => in_two_tasks(calls, looped!(maker, shared, Failure, $breaker, $x => $call)),
                    (TwoTasks, OnePercent) => {
                        in_two_tasks(calls, looped!(maker, shared, OnePercent, $breaker, $x => $call))
                    }
                }
            },
        )
    }};
}
pub(crate) use asynchronous;

/// The body of a loop: the call, with the argument that the pattern gives it.
macro_rules! looped {
    (two, $shared:ident, $calls:ident, $pattern:ident, $breaker:ident, $x:ident => $call:expr) => {
        $crate::measure::time_two($calls, looped!(maker, $shared, $pattern, $breaker, $x => $call))
    };
    (maker, $shared:ident, $pattern:ident, $breaker:ident, $x:ident => $call:expr) => {
        || {
            #[allow(unused_mut, unused_variables, reason = "some are called by exclusive reference, some are no value")]
            let mut $breaker = Clone::clone(&$shared);
            looped!($pattern, $x => $call)
        }
    };
    ($pattern:ident, $x:ident => $call:expr) => {
        move |number| {
            let $x = $pattern.argument(number);
            $call
        }
    };
}
pub(crate) use looped;
