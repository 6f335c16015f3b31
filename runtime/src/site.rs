//! One annotated function: what its attribute says, and the breaker that it shares with others of
//! its name. Made by the attribute; how sites find their breaker is `global`.

use std::fmt;
use std::panic;
use std::sync::OnceLock;

use crate::handle::CircuitBreaker;
use crate::preset::Preset;
use crate::settings::{Key, Value};

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

/// One annotated function.
#[derive(Debug)]
pub struct Site {
    pub(crate) name: Option<&'static str>,
    pub(crate) location: Location,
    pub(crate) preset: Option<Preset>,
    pub(crate) settings: &'static [(Key, Value)],
    pub(crate) breaker: OnceLock<CircuitBreaker>,
}

impl Site {
    /// For the attribute alone, which has checked the name and the settings.
    pub const fn new(
        name: Option<&'static str>,
        location: Location,
        preset: Option<Preset>,
        settings: &'static [(Key, Value)],
    ) -> Self {
        Site { name, location, preset, settings, breaker: OnceLock::new() }
    }

    /// The breaker of the function.
    #[inline]
    pub fn breaker(&'static self) -> &'static CircuitBreaker {
        match self.breaker.get() {
            Some(breaker) => breaker,
            None => crate::global::attach(self),
        }
    }
}

/// A site that the linker has collected.
#[derive(Debug)]
pub struct Registered(pub &'static Site);

inventory::collect!(Registered);
