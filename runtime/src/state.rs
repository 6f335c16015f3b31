//! The words for what a circuit is doing. Plain values: how a circuit moves between them is `machine`.

use std::fmt;
use std::str::FromStr;

/// What a circuit does with the next call.
///
/// Written `closed`, `open`, `half_open` wherever it becomes text, and 0, 1, 2 as a gauge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum State {
    /// Calls pass and their results are counted.
    #[default]
    Closed = 0,
    /// Calls are refused until the open time is over.
    Open = 1,
    /// A limited number of trial calls passes; their results decide between closed and open.
    HalfOpen = 2,
}

impl State {
    /// All states, in the order of their numbers.
    pub const ALL: [State; 3] = [State::Closed, State::Open, State::HalfOpen];

    /// The name of the state in snake case: `closed`, `open` or `half_open`.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open => "open",
            State::HalfOpen => "half_open",
        }
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(name: &str) -> Result<Self, UnknownState> {
        State::ALL.into_iter().find(|state| state.as_str() == name).ok_or_else(|| UnknownState { name: name.into() })
    }
}

/// A text that is not the name of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownState {
    name: Box<str>,
}

impl fmt::Display for UnknownState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no state '{}': write closed, open or half_open", self.name)
    }
}

impl std::error::Error for UnknownState {}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an operator has ordered. It stands beside the [`State`], which goes on underneath.
///
/// Setting a mode starts a new episode: the window is emptied, and calls under way count as late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Mode {
    /// The circuit decides by itself.
    #[default]
    Auto = 0,
    /// Every call is refused, with no end. The circuit shows as open.
    ForcedOpen = 1,
    /// Every call passes and nothing is recorded. The circuit shows as closed.
    Disabled = 2,
    /// Every call passes and everything is recorded, but nothing opens the circuit. It shows as closed.
    MetricsOnly = 3,
}

impl Mode {
    /// The name of the mode in snake case: `auto`, `forced_open`, `disabled` or `metrics_only`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Auto => "auto",
            Mode::ForcedOpen => "forced_open",
            Mode::Disabled => "disabled",
            Mode::MetricsOnly => "metrics_only",
        }
    }

    /// What callers meet in this mode, given the state underneath.
    pub(crate) const fn effective(self, beneath: State) -> State {
        match self {
            Mode::Auto => beneath,
            Mode::ForcedOpen => State::Open,
            Mode::Disabled | Mode::MetricsOnly => State::Closed,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
