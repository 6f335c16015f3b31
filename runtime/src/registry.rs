//! A set of breakers, found and listed by name. How annotated functions come into the global one
//! is `global`.

mod breakers;
mod configure;
mod keeping;
mod keyed;
mod watching;

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use crate::bus::{Bus, Subscription};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, check_name};
use crate::configuration::Settings;
use crate::env::Environment;
use crate::error::Name;
use crate::event::{Conflict, Event, Warning};
use crate::handle::CircuitBreaker;
use crate::layers::{Declaration, Layers};
use crate::location::Location;
use crate::role::Role;
use crate::state::State;
use crate::status::Status;
use crate::summary::Summary;
use crate::sync::{Mutex, RwLock};
use crate::watch::Watch;

use breakers::Breakers;
pub use configure::Applied;
#[cfg(feature = "shared")]
pub use keeping::{AlreadyAttached, Store};
use keyed::Families;
pub use keyed::KeyedCircuitBreaker;

/// A set of breakers with different names. Clones are handles to the same set.
///
/// The global one, [`registry()`](crate::registry), holds the breakers of all annotated functions.
/// One of your own is independent of it, of its environment and of its clock: use it in tests.
///
/// ```
/// use breakerbox::{Config, Registry};
///
/// let registry = Registry::new();
/// let quotes = registry.get_or_insert("quotes", Config::default())?;
/// quotes.force_open();
///
/// assert_eq!(registry.open().len(), 1);
/// assert_eq!(registry.summary().failing, 1);
/// assert!(registry.get("qoutes").is_none());
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    breakers: RwLock<Breakers>,
    clock: RwLock<Option<Arc<dyn Clock>>>,
    environment: Environment,
    bus: Arc<Bus>,
    warnings: Mutex<Vec<Warning>>,
    watch: Mutex<Watch>,
    families: Families,
    /// What [`Registry::configure`] was told. Who makes a breaker reads it until the breaker is listed.
    configuration: RwLock<Settings>,
}

impl Registry {
    /// An empty registry on the system's clock that reads no environment variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty registry whose breakers take their time from `clock`.
    pub fn with_clock(clock: impl Clock + 'static) -> Self {
        let registry = Self::new();
        *registry.inner.clock.write() = Some(Arc::new(clock));
        registry
    }

    /// An empty registry that takes settings from variables, such as `std::env::vars_os()`.
    ///
    /// `CIRCUIT_BREAKER_<KEY>` is for all breakers, `CIRCUIT_BREAKER__<NAME>__<KEY>` for one; the
    /// latter is stronger than settings in the code. With the feature `persist`,
    /// `CIRCUIT_BREAKER_PERSISTENT=true` keeps state in the folder `CIRCUIT_BREAKER_STATE_DIR`. What cannot be used is in [`Registry::warnings`].
    ///
    /// ```
    /// use breakerbox::{Config, Key, Registry, Value};
    ///
    /// let variables = [("CIRCUIT_BREAKER__QUOTES__FAILURE_THRESHOLD".into(), "2".into())];
    /// let registry = Registry::with_environment(variables);
    /// let quotes = registry.get_or_insert("quotes", Config::default())?;
    /// let first = quotes.status().settings[0];
    /// assert_eq!((first.key, first.value), (Key::FailureThreshold, Value::Count(2)));
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn with_environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let (environment, warnings) = Environment::read(variables);
        #[cfg(feature = "persist")]
        let state_dir = environment.state_dir.clone();
        let registry = Registry { inner: Arc::new(Inner { environment, ..Inner::default() }) };
        #[cfg(feature = "persist")]
        if let Some(folder) = state_dir {
            // It is new, so it has no store.
            let _ = registry.attach(crate::persist::FileStore::open(folder));
        }
        for warning in warnings {
            registry.warn(warning);
        }
        registry.deliver();
        registry
    }

    /// The breaker of this name. Never makes one, allocates nothing and waits for no other look-up.
    pub fn get(&self, name: &str) -> Option<CircuitBreaker> {
        self.inner.breakers.read().get(name).cloned()
    }

    /// The breaker of this name, made if there is none. Takes a [`Config`], a reference to one, or a
    /// builder.
    ///
    /// If there is one, settings that it does not have yet are added; those that contradict it are
    /// set aside and listed in [`Registry::conflicts`].
    ///
    /// # Errors
    /// The name is empty, longer than 128 bytes, reserved, or has control characters or spaces around
    /// it. A builder's settings may be refused as by its `build`.
    #[track_caller]
    pub fn get_or_insert<C>(&self, name: &str, config: C) -> Result<CircuitBreaker, ConfigError>
    where
        C: TryInto<Config>,
        ConfigError: From<C::Error>,
    {
        check_name(name)?;
        let config = config.try_into()?;
        let declaration =
            Declaration { location: Location::caller(), preset: config.stated_preset(), settings: config.stated() };
        let breaker = self.insert(Name::new(name), declaration);
        self.deliver();
        breaker
    }

    /// Tells listeners what has happened. Call it without holding a lock.
    pub(crate) fn deliver(&self) {
        self.inner.bus.deliver();
    }

    /// Adds a declaration to the breaker of its name, or makes the breaker. The caller delivers.
    pub(crate) fn insert(&self, name: Name, declaration: Declaration<'_>) -> Result<CircuitBreaker, ConfigError> {
        match self.get(name.as_str()) {
            Some(breaker) => {
                breaker.core.merge(declaration);
                Ok(breaker)
            }
            None => self.make(name, declaration),
        }
    }

    fn make(&self, name: Name, declaration: Declaration<'_>) -> Result<CircuitBreaker, ConfigError> {
        let (mut layers, warnings) = Layers::new(name.as_str(), declaration, &self.inner.environment)?;
        let configuration = self.inner.configuration.read();
        self.begin_configured(&configuration, name.as_str(), &mut layers);
        let (listed, is_new) = self.list(name, layers, Role::Alone)?;
        if is_new {
            for warning in warnings {
                self.warn(warning);
            }
        } else {
            // Another thread was faster.
            listed.core.merge(declaration);
        }
        Ok(listed)
    }

    /// Makes a breaker and lists it, unless there is one of its name by now: then that one, and `false`. The caller
    /// delivers.
    fn list(&self, name: Name, layers: Layers, role: Role) -> Result<(CircuitBreaker, bool), ConfigError> {
        let clock = self.inner.clock.read().clone();
        let bus = &self.inner.bus;
        let made = CircuitBreaker::from_parts(name, layers, clock, Arc::clone(bus))?;
        let label = Arc::clone(&made.core.label);
        if role != Role::Alone {
            made.core.take_role(role);
        }
        // Before the other lock: whoever asks breakers for more either lists this one, or is heeded here.
        let watch = self.inner.watch.lock();
        #[cfg(feature = "shared")]
        let kept = bus.keeper().filter(|_| self.get(&label).is_none()).map(|keeper| keeper.load(&label));
        let mut breakers = self.inner.breakers.write();
        if let Some(other) = breakers.get(&label).cloned() {
            return Ok((other, false));
        }
        if watch.flags() != 0 {
            made.core.watch(&watch);
        }
        if role == Role::Alone {
            bus.publish(|| Event::Registered { breaker: label });
        } else {
            bus.publish_if_calm(|| Event::Registered { breaker: label });
        }
        // Before anybody can find it.
        #[cfg(feature = "shared")]
        if let Some(kept) = kept {
            made.core.take_up_kept(kept.as_ref());
        }
        breakers.insert(&made);
        Ok((made, true))
    }

    /// All breakers, sorted by name.
    pub fn all(&self) -> Vec<CircuitBreaker> {
        self.inner.breakers.read().sorted().cloned().collect()
    }

    /// The breakers that are open or forced open, sorted by name. One that is half-open is not among
    /// them, although it refuses calls when its trials are taken.
    pub fn open(&self) -> Vec<CircuitBreaker> {
        self.all().into_iter().filter(CircuitBreaker::is_open).collect()
    }

    /// The status of every breaker, sorted by name.
    pub fn statuses(&self) -> Vec<Status> {
        self.all().iter().map(CircuitBreaker::status).collect()
    }

    /// How many breakers there are, how they are, and which of them are open.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for breaker in self.all() {
            summary.total += 1;
            match breaker.state() {
                State::Closed => summary.healthy += 1,
                State::Open => {
                    summary.open += 1;
                    summary.open_breakers.push(Arc::clone(&breaker.core.label));
                }
                State::HalfOpen => summary.half_open += 1,
            }
        }
        summary.failing = summary.open + summary.half_open;
        summary
    }

    /// Resets one breaker: see [`CircuitBreaker::reset`].
    ///
    /// # Errors
    /// There is no breaker of this name.
    pub fn reset(&self, name: &str) -> Result<(), UnknownBreaker> {
        self.named(name).map(|breaker| breaker.reset())
    }

    /// Resets every breaker, and tells how many there are.
    pub fn reset_all(&self) -> usize {
        let all = self.all();
        all.iter().for_each(CircuitBreaker::reset);
        all.len()
    }

    /// Forces one breaker open: see [`CircuitBreaker::force_open`].
    ///
    /// # Errors
    /// There is no breaker of this name.
    pub fn force_open(&self, name: &str) -> Result<(), UnknownBreaker> {
        self.named(name).map(|breaker| breaker.force_open())
    }

    /// Takes a breaker off the list. Whoever holds it, an annotated function for one, keeps using it.
    pub fn remove(&self, name: &str) -> Option<CircuitBreaker> {
        let mut breakers = self.inner.breakers.write();
        let removed = breakers.remove(name)?;
        // Under the lock, so that it is told before another breaker of the name is registered.
        self.inner.bus.publish(|| Event::Removed { breaker: Arc::clone(&removed.core.label) });
        drop(breakers);
        self.leave_family(&removed);
        self.deliver();
        Some(removed)
    }

    /// Tells `listener` what happens from now on, in order, outside every lock.
    ///
    /// Conflicts and warnings that nobody has heard yet come first; they were said on standard error too.
    ///
    /// It runs on the thread that caused the event, so it should hand over what takes long. It may
    /// use any breaker; a panic of its own is caught. Dropping the subscription ends it.
    ///
    /// ```
    /// use breakerbox::{Config, Event, Registry};
    /// use std::sync::mpsc;
    ///
    /// let registry = Registry::new();
    /// let breaker = registry.get_or_insert("quotes", Config::default())?;
    /// let (sender, receiver) = mpsc::channel();
    /// let _subscription = registry.subscribe(move |event: &Event| {
    ///     let _ = sender.send(event.to_string());
    /// });
    /// for _ in 0..5 {
    ///     breaker.record_failure();
    /// }
    /// assert_eq!(receiver.recv().unwrap(), "circuit 'quotes': closed -> open (5 consecutive failures)");
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn subscribe(&self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Subscription {
        self.inner.bus.subscribe(Arc::new(listener), true)
    }

    /// The same for one who does not tell anybody of conflicts and warnings: they still go to standard
    /// error, and to the first listener.
    #[cfg(feature = "prometheus")]
    pub(crate) fn subscribe_quietly(&self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Subscription {
        self.inner.bus.subscribe(Arc::new(listener), false)
    }

    /// Events that were lost because more than 65,536 waited for slow listeners, or for a first one.
    pub fn lost_events(&self) -> u64 {
        self.inner.bus.lost()
    }

    /// What functions that share a name disagree about, by name.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let of_families = self.all_keyed().into_iter().flat_map(|keyed| keyed.conflicts());
        self.all().iter().flat_map(|breaker| breaker.core.lock().layers.conflicts.clone()).chain(of_families).collect()
    }

    /// Environment variables that cannot be used and are ignored.
    pub fn warnings(&self) -> Vec<Warning> {
        self.inner.warnings.lock().clone()
    }

    /// Gives all breakers, and those to come, another clock: see [`CircuitBreaker::set_clock`].
    pub fn set_clock(&self, clock: impl Clock + 'static) {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        // The clock before is dropped after the lock is released: its drop is code of the user.
        let _replaced = self.inner.clock.write().replace(Arc::clone(&clock));
        for breaker in self.all() {
            breaker.core.set_clock(Some(Arc::clone(&clock)));
        }
    }

    /// Says once, where it will be seen, that a variable is ignored.
    fn warn(&self, warning: Warning) {
        let mut warnings = self.inner.warnings.lock();
        if warnings.iter().any(|known| known.variable == warning.variable) {
            return;
        }
        warnings.push(warning.clone());
        drop(warnings);
        self.inner.bus.complain(Event::Warning(warning));
    }

    fn named(&self, name: &str) -> Result<CircuitBreaker, UnknownBreaker> {
        self.get(name).ok_or_else(|| UnknownBreaker { name: name.into() })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("breakers", &self.all()).finish_non_exhaustive()
    }
}

/// There is no breaker of the name that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBreaker {
    name: Arc<str>,
}

impl UnknownBreaker {
    /// The name that was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UnknownBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no circuit breaker named '{}'", self.name)
    }
}

impl std::error::Error for UnknownBreaker {}
