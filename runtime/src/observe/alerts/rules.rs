//! When there is an alert.

use std::time::Duration;

use crate::config::ConfigError;
use crate::duration;

/// Trips are remembered up to this number, each of a few bytes.
pub(super) const MOST_TRIPS: u32 = 1000;

/// When there is an alert. `None` switches a rule off.
///
/// ```
/// use breakerbox::Registry;
/// use breakerbox::observe::alerts::{Alerts, Rules};
/// use std::time::Duration;
///
/// let rules = Rules { open: Some(Duration::from_secs(30)), forced: None, ..Rules::default() };
/// let alerts = Alerts::with_rules(&Registry::new(), rules)?;
///
/// let wrong = Rules { flapping_trips: Some(0), ..Rules::default() };
/// let error = Alerts::with_rules(&Registry::new(), wrong).unwrap_err();
/// assert_eq!(error.to_string(), "`flapping_trips` must be 1 to 1000, or `None`: 0 is not");
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Open for so long is a warning. Default 1 min.
    pub open: Option<Duration>,
    /// Open for so long is critical; at least `open`. Default 10 min.
    pub open_long: Option<Duration>,
    /// So many trips in `flapping_window` are a warning; 1 to 1000. Default 4.
    pub flapping_trips: Option<u32>,
    /// The time in which trips are counted; more than zero. Default 10 min.
    pub flapping_window: Duration,
    /// Half-open for so long is a warning. Default 10 min.
    pub stuck_half_open: Option<Duration>,
    /// A mode that was set by hand is worth a word after this time. Default 30 min.
    pub forced: Option<Duration>,
    /// A greater share of failures is a warning; at least 0 and under 1. Default 0.5.
    pub failure_ratio: Option<f64>,
    /// The time of which the share is taken; more than zero. Default 5 min.
    pub failure_window: Duration,
    /// For how long the share must have been that great. Default 5 min.
    pub failure_for: Duration,
    /// The share of a closed circuit's calls counts if there are more than so many a second. Default 0.1.
    pub failure_calls_per_second: f64,
    /// A store that is degraded for so long is a warning. Default 1 min.
    pub store_degraded: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Rules {
            open: Some(Duration::from_secs(MINUTE)),
            open_long: Some(Duration::from_secs(10 * MINUTE)),
            flapping_trips: Some(4),
            flapping_window: Duration::from_secs(10 * MINUTE),
            stuck_half_open: Some(Duration::from_secs(10 * MINUTE)),
            forced: Some(Duration::from_secs(30 * MINUTE)),
            failure_ratio: Some(0.5),
            failure_window: Duration::from_secs(5 * MINUTE),
            failure_for: Duration::from_secs(5 * MINUTE),
            failure_calls_per_second: 0.1,
            store_degraded: Some(Duration::from_secs(MINUTE)),
        }
    }
}

impl Rules {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key: &'static str, message: String| Err(ConfigError::new(key, message));
        if let (Some(open), Some(long)) = (self.open, self.open_long)
            && long < open
        {
            let (open, long) = (duration::text(open), duration::text(long));
            return refuse("open_long", format!("`open_long` must be at least `open`, which is {open}: {long} is not"));
        }
        if let Some(trips) = self.flapping_trips
            && !(1..=MOST_TRIPS).contains(&trips)
        {
            let message = format!("`flapping_trips` must be 1 to {MOST_TRIPS}, or `None`: {trips} is not");
            return refuse("flapping_trips", message);
        }
        for (key, window) in [("flapping_window", self.flapping_window), ("failure_window", self.failure_window)] {
            if window.is_zero() {
                return refuse(key, format!("`{key}` must be more than zero"));
            }
        }
        if let Some(ratio) = self.failure_ratio
            && !(0.0..1.0).contains(&ratio)
        {
            let message = format!("`failure_ratio` must be at least 0 and under 1, or `None`: {ratio} is not");
            return refuse("failure_ratio", message);
        }
        let calls = self.failure_calls_per_second;
        if !(calls.is_finite() && calls >= 0.0) {
            let message = format!("`failure_calls_per_second` must be a number from 0 on: {calls} is not");
            return refuse("failure_calls_per_second", message);
        }
        Ok(())
    }
}
