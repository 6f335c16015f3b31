//! The one error: why a call was refused or cut off.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::duration;
use crate::state::State;

/// Bytes of a name that fit into an error.
const INLINE: usize = 23;

/// The name of a breaker, cheap to pass on: a refused call must not count references, which two
/// threads would wait for each other to do. Only long names that are made at run time are counted.
#[derive(Clone)]
pub(crate) enum Name {
    Static(&'static str),
    Inline(Inline),
    Shared(Arc<str>),
}

/// A short name. Aligned, so that it is copied in words: copied in overlapping parts, the second
/// read waits for the first write.
#[derive(Clone, Copy)]
#[repr(align(8))]
pub(crate) struct Inline {
    bytes: [u8; INLINE],
    length: u8,
}

impl Name {
    pub(crate) fn new(name: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(name.as_bytes());
                Name::Inline(Inline { bytes, length })
            }
            _ => Name::Shared(name.into()),
        }
    }

    /// The bytes of the name, for those who only compare.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Name::Static(name) => name.as_bytes(),
            Name::Inline(Inline { bytes, length }) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Name::Shared(name) => name.as_bytes(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Name::Static(name) => name,
            // What was a string is one.
            Name::Inline(Inline { bytes, length }) => {
                std::str::from_utf8(&bytes[..usize::from(*length)]).unwrap_or_default()
            }
            Name::Shared(name) => name,
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Why a call was refused or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// The circuit is open.
    Open = 0,
    /// The circuit is half-open and all its trial calls are taken.
    HalfOpenFull = 1,
    /// An operator has forced the circuit open.
    ForcedOpen = 2,
    /// The call was admitted, and cut off after its `timeout`.
    Timeout = 3,
    /// The call was admitted, and failed: what a fallback hears that answers failed calls too.
    Failed = 4,
}

impl Reason {
    pub(crate) const COUNT: usize = 5;
    /// By two bits of a ticket: looked up, because a storm of refused calls pays for every branch.
    pub(crate) const REFUSALS: [Reason; 4] =
        [Reason::Open, Reason::HalfOpenFull, Reason::ForcedOpen, Reason::ForcedOpen];

    /// The name of the reason in snake case: `open`, `half_open_full`, `forced_open`, `timeout` or `failed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Open => "open",
            Reason::HalfOpenFull => "half_open_full",
            Reason::ForcedOpen => "forced_open",
            Reason::Timeout => "timeout",
            Reason::Failed => "failed",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a breaker refused a call, or cut it off.
///
/// Give your error type a variant for it (`#[from] CircuitBreakerError` with thiserror) and every
/// function that returns the type can be annotated. `io::Error`, `fmt::Error`, `String`, `()`,
/// `Box<dyn Error>` and `anyhow::Error` can be already.
///
/// ```
/// use breakerbox::{CircuitBreakerError, Config, Registry};
///
/// let breaker = Registry::new().get_or_insert("quotes", Config::default())?;
/// breaker.force_open();
/// let refused: CircuitBreakerError = breaker.try_acquire().unwrap_err();
/// assert!(refused.is_rejected());
/// assert_eq!(refused.to_string(), "circuit 'quotes' is forced open");
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreakerError {
    name: Name,
    reason: Reason,
    /// Of a call that was admitted; of another one the reason tells.
    state: State,
    /// Nanoseconds: what is left of the open time, or the time limit that cut the call off.
    nanos: u64,
}

impl CircuitBreakerError {
    #[inline]
    pub(crate) fn refused(name: Name, reason: Reason, left: u64) -> Self {
        CircuitBreakerError { name, reason, state: State::Open, nanos: left }
    }

    pub(crate) fn failed(name: Name, state: State) -> Self {
        CircuitBreakerError { name, reason: Reason::Failed, state, nanos: 0 }
    }

    pub(crate) fn timed_out(name: Name, state: State, limit: u64) -> Self {
        CircuitBreakerError { name, reason: Reason::Timeout, state, nanos: limit }
    }

    /// The name of the breaker.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The state that the circuit was in.
    pub fn state(&self) -> State {
        if self.reason == Reason::HalfOpenFull { State::HalfOpen } else { self.state }
    }

    /// Why the call was refused or cut off.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// How long until a trial call may be admitted. `None` where nobody knows: forced open, trial
    /// calls taken, cut off.
    pub fn retry_after(&self) -> Option<Duration> {
        (self.reason == Reason::Open).then(|| Duration::from_nanos(self.nanos))
    }

    /// Whether the function did not run.
    pub fn is_rejected(&self) -> bool {
        !matches!(self.reason, Reason::Timeout | Reason::Failed)
    }

    /// The refusal that an error is, or was caused by: looks along its sources, and into an [`io::Error`].
    ///
    /// ```
    /// use breakerbox::{CircuitBreaker, CircuitBreakerError, Config};
    /// use std::io;
    ///
    /// let breaker = CircuitBreaker::new("quotes", Config::default())?;
    /// breaker.force_open();
    /// let error: io::Error = breaker.call(|| Ok::<(), io::Error>(())).unwrap_err();
    /// assert!(CircuitBreakerError::find(&error).is_some_and(CircuitBreakerError::is_rejected));
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CircuitBreakerError> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            // Its source is that of what it holds, which is passed over.
            let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
        }
        None
    }

    /// Whether the function ran and was cut off after its `timeout`.
    pub fn is_timeout(&self) -> bool {
        self.reason == Reason::Timeout
    }
}

impl fmt::Debug for CircuitBreakerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerError")
            .field("name", &self.name())
            .field("reason", &self.reason)
            .field("state", &self.state())
            .field("retry_after", &self.retry_after())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for CircuitBreakerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self.reason {
            Reason::Open => {
                write!(f, "circuit '{name}' is open")?;
                let left = duration::rough(Duration::from_nanos(self.nanos));
                left.map_or(Ok(()), |left| write!(f, ", next trial in {left}"))
            }
            Reason::HalfOpenFull => write!(f, "circuit '{name}' is half-open and its trial calls are taken"),
            Reason::ForcedOpen => write!(f, "circuit '{name}' is forced open"),
            Reason::Timeout => {
                let limit = duration::text(Duration::from_nanos(self.nanos));
                write!(f, "call through circuit '{name}' timed out after {limit}")
            }
            Reason::Failed => write!(f, "call through circuit '{name}' failed"),
        }
    }
}

impl Error for CircuitBreakerError {}

impl From<CircuitBreakerError> for io::Error {
    fn from(error: CircuitBreakerError) -> Self {
        let kind = if error.is_timeout() { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
        io::Error::new(kind, error)
    }
}

impl From<CircuitBreakerError> for fmt::Error {
    fn from(_: CircuitBreakerError) -> Self {
        fmt::Error
    }
}

impl From<CircuitBreakerError> for String {
    fn from(error: CircuitBreakerError) -> Self {
        error.to_string()
    }
}

impl From<CircuitBreakerError> for () {
    fn from(_: CircuitBreakerError) {}
}
