//! What breakerbox should do, written from DESIGN §3 and §4 as plainly as can be, to compare it with.
//!
//! `model` is the circuit, `settings` what it is set by, `seen` what can be seen of either from outside,
//! and `pair` drives a breaker and its model through the same steps. Times are nanoseconds.

pub(crate) mod model;
pub(crate) mod pair;
pub(crate) mod seen;
pub(crate) mod settings;

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Success,
    Failure,
    Ignored,
    Cancelled,
}
