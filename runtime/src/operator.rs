//! Commands on behalf of somebody, whom events and logs name.

use std::time::Duration;

use crate::config::{ConfigBuilder, ConfigError};
use crate::handle::CircuitBreaker;
use crate::state::Mode;

/// The commands of a breaker on behalf of somebody: see [`CircuitBreaker::by`].
#[derive(Clone, Copy, Debug)]
pub struct Operator<'a> {
    breaker: &'a CircuitBreaker,
    who: &'a str,
}

impl CircuitBreaker {
    /// Commands on behalf of somebody, whom events, logs and the status then name.
    ///
    /// ```
    /// use breakerbox::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("quotes", Config::default())?;
    /// breaker.by("alice").open();
    /// let transition = breaker.status().last_transition.unwrap();
    /// assert_eq!(transition.to_string(), "circuit 'quotes': closed -> open (by alice)");
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn by<'a>(&'a self, who: &'a str) -> Operator<'a> {
        Operator { breaker: self, who }
    }
}

impl Operator<'_> {
    /// See [`CircuitBreaker::reset`].
    pub fn reset(&self) {
        self.breaker.core.reset(Some(self.who));
    }

    /// See [`CircuitBreaker::force_open`].
    pub fn force_open(&self) {
        self.breaker.core.set_mode(Mode::ForcedOpen, Some(self.who));
    }

    /// See [`CircuitBreaker::disable`].
    pub fn disable(&self) {
        self.breaker.core.set_mode(Mode::Disabled, Some(self.who));
    }

    /// See [`CircuitBreaker::metrics_only`].
    pub fn metrics_only(&self) {
        self.breaker.core.set_mode(Mode::MetricsOnly, Some(self.who));
    }

    /// See [`CircuitBreaker::auto`].
    pub fn auto(&self) {
        self.breaker.core.set_mode(Mode::Auto, Some(self.who));
    }

    /// See [`CircuitBreaker::open`].
    pub fn open(&self) {
        self.breaker.core.open(Some(self.who));
    }

    /// See [`CircuitBreaker::open_for`].
    pub fn open_for(&self, time: Duration) {
        self.breaker.core.open_for(time, Some(self.who));
    }

    /// See [`CircuitBreaker::half_open`].
    pub fn half_open(&self) {
        self.breaker.core.half_open(Some(self.who));
    }

    /// See [`CircuitBreaker::close`].
    pub fn close(&self) {
        self.breaker.core.close(Some(self.who));
    }

    /// See [`CircuitBreaker::reconfigure`].
    ///
    /// # Errors
    /// A value is out of range or contradicts the other settings. Nothing is changed then.
    pub fn reconfigure(&self, changes: impl Into<ConfigBuilder>) -> Result<(), ConfigError> {
        self.breaker.core.reconfigure(&changes.into().changes(), Some(self.who))
    }
}
