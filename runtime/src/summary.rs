//! How a set of breakers is, in a few numbers.

use std::fmt;
use std::sync::Arc;

/// How many breakers there are, and how they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Summary {
    /// All breakers.
    pub total: usize,
    /// Those that are closed.
    pub healthy: usize,
    /// Those that are open or half-open.
    pub failing: usize,
    /// Those that are open, or forced open.
    pub open: usize,
    /// Those that are half-open.
    pub half_open: usize,
    /// The names of those that are open, or forced open, sorted.
    pub open_breakers: Vec<Arc<str>>,
}

impl Summary {
    /// Degraded if a circuit is open or forced open.
    pub fn health(&self) -> Health {
        if self.open > 0 { Health::Degraded } else { Health::Ok }
    }
}

/// How a set of breakers is. An open circuit is about a dependency: it is no reason to restart the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Health {
    /// No circuit is open.
    Ok,
    /// At least one circuit is open, or forced open.
    Degraded,
}

impl Health {
    /// The name of the health: `ok` or `degraded`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Degraded => "degraded",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
