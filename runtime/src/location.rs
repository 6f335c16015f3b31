//! Places in the source: where a breaker was named.

use std::fmt;
use std::panic;

/// A place in the source: the attribute of a function, or the line that made a breaker by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Location {
    /// The path of the file, as the compiler was given it.
    pub file: &'static str,
    /// The line of the attribute.
    pub line: u32,
    /// The column of the attribute.
    pub column: u32,
    /// The path of the module; empty for a breaker made by hand.
    pub module: &'static str,
    /// The name of the function; empty for a breaker made by hand.
    pub function: &'static str,
}

impl Location {
    /// The place that called a function which is `#[track_caller]`.
    #[track_caller]
    pub(crate) fn caller() -> Self {
        let caller = panic::Location::caller();
        Location { file: caller.file(), line: caller.line(), column: caller.column(), module: "", function: "" }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
