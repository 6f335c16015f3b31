//! The function that everything protects, and what its calls look like.

use std::cell::Cell;
use std::hint::black_box;

/// An argument with this bit makes the call fail.
pub const FAIL: u64 = 1 << 62;

/// An argument with this bit makes the call count itself in [`runs`].
pub const COUNTED: u64 = 1 << 61;

thread_local! {
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

/// How often the function has run with [`COUNTED`] on this thread.
pub fn runs() -> u64 {
    RUNS.get()
}

/// The user's own error. With it a result fits two registers, so that the bare call is a call and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub u64);

/// What a refused call returns where the breaker answers with the user's own error.
pub const REFUSED: Fault = Fault(u64::MAX);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fault {}", self.0)
    }
}

impl std::error::Error for Fault {}

/// The body of the protected function. An attribute needs a function of its own, with the same text.
macro_rules! body {
    ($x:ident) => {
        if $x & ($crate::work::FAIL | $crate::work::COUNTED) == 0 {
            Ok(::std::hint::black_box($x).wrapping_add(1))
        } else {
            $crate::work::special($x)
        }
    };
}
pub(crate) use body;

/// The protected function.
#[inline(never)]
pub fn work(x: u64) -> Result<u64, Fault> {
    body!(x)
}

/// Calls that fail, and those that are counted.
#[inline]
pub fn special(x: u64) -> Result<u64, Fault> {
    if x & COUNTED != 0 {
        RUNS.set(RUNS.get() + 1);
    }
    if x & FAIL != 0 { Err(Fault(black_box(x))) } else { Ok(black_box(x).wrapping_add(1)) }
}

/// The protected function as a future that is ready at once.
pub async fn ready(x: u64) -> Result<u64, Fault> {
    work(x)
}

/// Which calls succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    Success,
    /// All fail, but for one in 32. So there is a success among any 100 calls even of two threads in step, and a
    /// threshold of 100 % is never reached.
    Failure,
    /// One in a hundred fails.
    OnePercent,
}

impl Pattern {
    /// The argument of call `number`.
    #[inline(always)]
    pub fn argument(self, number: u64) -> u64 {
        let fails = match self {
            Pattern::Success => false,
            Pattern::Failure => !number.is_multiple_of(32),
            Pattern::OnePercent => number.is_multiple_of(100),
        };
        if fails { number | FAIL } else { number }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Passed,
    Failed,
    Refused,
}

/// What a breaker returns tells what became of the call.
pub trait Verdict {
    fn seen(&self) -> Seen;
}

/// For breakers that answer with the user's own error.
impl Verdict for Result<u64, Fault> {
    fn seen(&self) -> Seen {
        match self {
            Ok(_) => Seen::Passed,
            Err(fault) if *fault == REFUSED => Seen::Refused,
            Err(_) => Seen::Failed,
        }
    }
}

/// For breakers with an error of their own: the variants that mean a refusal, and the one that holds the user's error.
macro_rules! verdict {
    ($error:ty: refused $($refused:pat_param)|+, failed $failed:pat) => {
        impl $crate::work::Verdict for Result<u64, $error> {
            fn seen(&self) -> $crate::work::Seen {
                match self {
                    Ok(_) => $crate::work::Seen::Passed,
                    Err($failed) => $crate::work::Seen::Failed,
                    Err($($refused)|+) => $crate::work::Seen::Refused,
                }
            }
        }
    };
}
pub(crate) use verdict;
