//! The breaker as users hold it: a handle that is cheap to clone. What it does is in `breaker`
//! (calls) and `operate` (commands); how calls run is in `permit` and `call`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::Core;
use crate::bus::Bus;
use crate::clock::Clock;
use crate::config::{Config, ConfigBuilder, ConfigError, check_name};
use crate::env::Environment;
use crate::error::Name;
use crate::layers::{Declaration, Layers};
use crate::location::Location;
use crate::snapshot::Snapshot;
use crate::state::{Mode, State};
use crate::status::Status;

/// A circuit breaker: refuses calls to what is down, and finds out when it is up again.
///
/// Annotated functions have theirs already: [`breaker`](crate::breaker) finds it by name. To make
/// one by hand, ask a [`Registry`](crate::Registry), which lists it. Clones are handles to the
/// same breaker.
///
/// ```
/// use breakerbox::{CircuitBreakerError, Config, Registry, State};
///
/// #[derive(Debug)]
/// enum QuoteError { Down, Refused(CircuitBreakerError) }
///
/// impl From<CircuitBreakerError> for QuoteError {
///     fn from(error: CircuitBreakerError) -> Self { QuoteError::Refused(error) }
/// }
///
/// let breaker = Registry::new().get_or_insert("quotes", Config::default())?;
/// for _ in 0..5 {
///     let _ = breaker.call(|| Err::<f64, _>(QuoteError::Down));
/// }
/// assert_eq!(breaker.state(), State::Open);
/// assert!(matches!(breaker.call(|| Ok(1.0)), Err(QuoteError::Refused(_))));
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreaker {
    pub(crate) core: Arc<Core>,
}

impl CircuitBreaker {
    /// A breaker that no registry lists, and that no environment variable reaches.
    ///
    /// # Errors
    /// The name is empty, longer than 128 bytes, reserved, or has control characters or spaces around
    /// it. A builder's settings may be refused as by its `build`.
    #[track_caller]
    pub fn new<C>(name: &str, config: C) -> Result<Self, ConfigError>
    where
        C: TryInto<Config>,
        ConfigError: From<C::Error>,
    {
        check_name(name)?;
        let config = config.try_into()?;
        let declaration =
            Declaration { location: Location::caller(), preset: config.stated_preset(), settings: config.stated() };
        let (layers, _) = Layers::new(name, declaration, &Environment::default())?;
        Self::from_parts(Name::new(name), layers, None, Arc::default())
    }

    pub(crate) fn from_parts(
        name: Name,
        layers: Layers,
        clock: Option<Arc<dyn Clock>>,
        bus: Arc<Bus>,
    ) -> Result<Self, ConfigError> {
        Ok(CircuitBreaker { core: Arc::new(Core::new(name, layers, clock, bus)?) })
    }

    /// The name of the breaker.
    pub fn name(&self) -> &str {
        self.core.name()
    }

    /// The state that holds now. An open time that is over shows as half-open, a forced mode as its effect.
    pub fn state(&self) -> State {
        self.core.state()
    }

    /// Whether calls are refused because the circuit is open, or forced open.
    pub fn is_open(&self) -> bool {
        self.state() == State::Open
    }

    /// What an operator has ordered.
    pub fn mode(&self) -> Mode {
        crate::word::mode(self.core.word())
    }

    /// Everything about the breaker at this moment.
    pub fn status(&self) -> Status {
        self.core.status()
    }

    /// The places in the source that share the breaker, sorted.
    pub fn locations(&self) -> Vec<Location> {
        self.core.lock().layers.locations()
    }

    /// Closes the circuit, empties the window and ends a mode. Counters stay. Calls under way count as late.
    pub fn reset(&self) {
        self.core.reset(None);
    }

    /// Refuses every call until told otherwise. No trip, and the state underneath is kept.
    pub fn force_open(&self) {
        self.core.set_mode(Mode::ForcedOpen, None);
    }

    /// Admits every call and records nothing, until told otherwise.
    pub fn disable(&self) {
        self.core.set_mode(Mode::Disabled, None);
    }

    /// Admits every call and records it, but opens on nothing, until told otherwise.
    pub fn metrics_only(&self) {
        self.core.set_mode(Mode::MetricsOnly, None);
    }

    /// Ends a mode: the circuit decides by itself again, from the state underneath.
    pub fn auto(&self) {
        self.core.set_mode(Mode::Auto, None);
    }

    /// Opens the circuit as if a threshold had been reached. It recovers by itself.
    pub fn open(&self) {
        self.core.open(None);
    }

    /// Opens the circuit for a time of the caller's choice, such as that of a `Retry-After` header.
    /// An open circuit takes the new time, which listeners hear as a transition from open to open.
    pub fn open_for(&self, time: Duration) {
        self.core.open_for(time, None);
    }

    /// Begins a half-open episode: the next calls are trials.
    pub fn half_open(&self) {
        self.core.half_open(None);
    }

    /// Closes the circuit, as if enough trials had succeeded.
    pub fn close(&self) {
        self.core.close(None);
    }

    /// Changes the settings that `changes` states, those of its preset too, and keeps the others, the
    /// state and the counters.
    ///
    /// A change is stronger than the environment and the attribute, and lasts as long as the
    /// breaker. A window of another shape starts empty; of two kinds of window the one stated later counts. An open time that runs is not changed.
    ///
    /// ```
    /// # use breakerbox::{CircuitBreaker, Config};
    /// # let breaker = CircuitBreaker::new("quotes", Config::default())?;
    /// breaker.reconfigure(Config::builder().failure_threshold(10))?;
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// A value is out of range or contradicts the other settings. Nothing is changed then.
    pub fn reconfigure(&self, changes: impl Into<ConfigBuilder>) -> Result<(), ConfigError> {
        self.core.reconfigure(&changes.into().changes(), None)
    }

    /// Takes the time from another clock, such as a [`ManualClock`](crate::ManualClock) in a test.
    /// Open times keep what is left of them, the window starts empty, calls under way count as late.
    pub fn set_clock(&self, clock: impl Clock + 'static) {
        self.core.set_clock(Some(Arc::new(clock)));
    }

    /// What it takes to take the breaker up again elsewhere.
    pub fn snapshot(&self) -> Snapshot {
        self.core.snapshot()
    }

    /// Takes up a state from elsewhere. Half-open is taken up as open with no time left: the next
    /// call is a trial. Calls under way count as late.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.core.restore(snapshot);
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}
