//! Alerts: what an operator should look at, found in snapshots of the breakers when somebody asks. The
//! same rules for Prometheus are in `examples/monitoring/prometheus-rules.yml`.

mod memory;
mod rules;
mod store;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use crate::bus::Subscription;
use crate::config::ConfigError;
use crate::event::Event;
use crate::handle::CircuitBreaker;
use crate::registry::Registry;
use crate::sync::Mutex;

use memory::Memory;
use store::Degraded;

pub use rules::Rules;

/// Looks after the breakers of a registry and tells which alerts are active.
///
/// | alert | when | severity |
/// |---|---|---|
/// | `CircuitBreakerOpen` | open, or forced open, for 1 min; trials in between are no recovery | warning |
/// | `CircuitBreakerOpenLong` | the same for 10 min | critical |
/// | `CircuitBreakerFlapping` | 4 trips in 10 min | warning |
/// | `CircuitBreakerStuckHalfOpen` | half-open for 10 min | warning |
/// | `CircuitBreakerForced` | forced open, disabled or only measuring for 30 min | info |
/// | `CircuitBreakerFailureRate` | over half of the calls of 5 min fail, for 5 min, at more than 0.1 calls a second | warning |
/// | `CircuitBreakerStoreDegraded` | states are not kept or shared as they should be for 1 min; one alert for all breakers | warning |
///
/// There is no thread and no timer: it looks at the breakers when it is asked, at one whose state or mode
/// changes, and at one when the store fails. Times are those of the breakers' clocks. Of the time before it was made it knows how long a state or
/// mode has lasted, and nothing else.
///
/// ```
/// use breakerbox::observe::alerts::Alerts;
/// use breakerbox::{Config, ManualClock, Registry};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let registry = Registry::with_clock(clock.clone());
/// let alerts = Alerts::new(&registry);
/// let payments = registry.get_or_insert("payments", Config::default())?;
///
/// payments.force_open();
/// assert!(alerts.active().is_empty());
/// clock.advance(Duration::from_secs(180));
/// let active = alerts.active();
/// assert_eq!(active[0].to_string(), "warning: payments has been forced open for 3m (CircuitBreakerOpen)");
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
pub struct Alerts {
    watcher: Arc<Watcher>,
    _subscription: Subscription,
}

/// An alert that is active.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Alert {
    /// The rule, such as `CircuitBreakerOpen`.
    pub name: &'static str,
    /// The name of the breaker; `None` if it is about all of them, as it is about their store.
    pub breaker: Option<Arc<str>>,
    /// How urgent it is.
    pub severity: Severity,
    /// Since when it has been so, by the wall clock; the time that the rule waits is part of it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::wire::as_unix"))]
    pub since: SystemTime,
    /// What the rule looked at: the state (1 open, 2 half-open), a number of trips, 1 for a mode or a
    /// store, a share of failures.
    pub value: f64,
    /// A sentence for people: `payments has been open for 3m`.
    pub summary: String,
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.severity, self.summary, self.name)
    }
}

/// How urgent an alert is. A graver one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Severity {
    /// Good to know.
    Info,
    /// To be looked at soon.
    Warning,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// The name of the severity: `info`, `warning` or `critical`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Alerts {
    /// Looks after a registry by the default [`Rules`].
    pub fn new(registry: &Registry) -> Self {
        Self::by(registry, Rules::default())
    }

    /// Looks after a registry by these rules.
    ///
    /// # Errors
    /// A rule can never hold, or always would: see the fields of [`Rules`]. The error names the field.
    pub fn with_rules(registry: &Registry, rules: Rules) -> Result<Self, ConfigError> {
        rules.check()?;
        Ok(Self::by(registry, rules))
    }

    fn by(registry: &Registry, rules: Rules) -> Self {
        let known = registry.statuses().iter().map(|status| (Arc::clone(&status.name), Memory::of(status))).collect();
        let watcher = Arc::new(Watcher { registry: registry.clone(), rules, memories: Mutex::new(known) });
        // Weak, because the registry holds its listeners, and the watcher holds the registry.
        let weak: Weak<Watcher> = Arc::downgrade(&watcher);
        let subscription = registry.subscribe_quietly(move |event: &Event| {
            if let Some(watcher) = weak.upgrade() {
                watcher.hear(event);
            }
        });
        // What happened until someone listened.
        watcher.look_at_all(|_| {});
        Alerts { watcher, _subscription: subscription }
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.watcher.rules
    }

    /// The alerts that are active now: the gravest first, then by breaker, last that of the store.
    pub fn active(&self) -> Vec<Alert> {
        let mut active = Vec::new();
        self.watcher.look_at_all(|alert| active.push(alert));
        // Stable: breakers are looked at by name, rules in their order, the store after all of them.
        active.sort_by_key(|alert: &Alert| std::cmp::Reverse(alert.severity));
        active
    }
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts").field("rules", &self.watcher.rules).finish_non_exhaustive()
    }
}

/// What looks at breakers and remembers what it saw.
struct Watcher {
    registry: Registry,
    rules: Rules,
    memories: Mutex<HashMap<Arc<str>, Memory>>,
}

impl Watcher {
    fn hear(&self, event: &Event) {
        match event {
            Event::Removed { breaker } => {
                self.memories.lock().remove(breaker);
            }
            Event::Transition(transition) => self.look_at_named(&transition.breaker),
            Event::ModeChanged { breaker, .. } => self.look_at_named(breaker),
            Event::StoreDegraded { .. } => self.look_at_any(),
            Event::StoreRecovered { .. } => self.memories.lock().values_mut().for_each(Memory::see_recovery),
            _ => {}
        }
    }

    fn look_at_named(&self, name: &str) {
        // One that was removed may still be in use; it is nobody's business any more.
        if let Some(breaker) = self.registry.get(name) {
            self.look_at(&breaker, true, |_| {});
        }
    }

    /// What is wrong with the store is so for all of them: from now on, whenever the others are looked at.
    fn look_at_any(&self) {
        let known = self.memories.lock().keys().next().cloned();
        if let Some(breaker) = known.and_then(|name| self.registry.get(&name)) {
            self.look_at(&breaker, false, |_| {});
        }
    }

    fn look_at_all(&self, mut tell: impl FnMut(Alert)) {
        let breakers = self.registry.all();
        let mut degraded: Option<Degraded> = None;
        for breaker in &breakers {
            degraded = Degraded::longer(degraded, self.look_at(breaker, false, &mut tell));
        }
        if let Some(alert) = degraded.and_then(|degraded| degraded.alert(&self.rules)) {
            tell(alert);
        }
        let mut memories = self.memories.lock();
        if memories.len() > breakers.len() {
            let names: HashSet<&str> = breakers.iter().map(CircuitBreaker::name).collect();
            memories.retain(|name, _| names.contains(&**name));
        }
    }

    /// `at_once`: what it shows has begun just now. Returns what is wrong with its store.
    fn look_at(&self, breaker: &CircuitBreaker, at_once: bool, tell: impl FnMut(Alert)) -> Option<Degraded> {
        // One lock for each look: what is remembered is in the order of what was seen, and a call whose
        // failure opens the circuit waits for one status at most.
        let mut memories = self.memories.lock();
        let status = breaker.status();
        if !memories.contains_key(&status.name) {
            memories.insert(Arc::clone(&status.name), Memory::new());
        }
        let memory = memories.get_mut(&status.name)?;
        memory.see(&status, &self.rules, at_once);
        memory.alerts(&status, &self.rules, tell);
        Degraded::new(memory.degraded_for()?, status.store?)
    }
}
