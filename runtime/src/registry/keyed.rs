//! Families of breakers: one breaker for each key, all by the same settings. Which keys have a place is `places`, how
//! their breakers are called `names`.

mod names;
mod places;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use super::Registry;
use crate::config::{Config, ConfigBuilder, ConfigError, check_name};
use crate::configuration::Settings;
use crate::error::Name;
use crate::event::{Conflict, Event};
use crate::handle::CircuitBreaker;
use crate::layers::{Declaration, Layers};
use crate::location::Location;
use crate::role::Role;
use crate::settings::{Key, Value};
use crate::sync::{Mutex, RwLock};

use names::{Shown, is_plain};
use places::Places;
#[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
use places::Retired;

/// A circuit breaker for each key, such as a host, a tenant or a shard, all by the same settings. Clones are handles to
/// the same family.
///
/// A breaker is made when its key is first used, and named after it: `fetch[api.example.com]`. It is listed like any
/// other, so what works on breakers works on it. At most `max_keys` are kept, 1,000 by default: a new key then takes the
/// place of one that is closed, in mode `auto`, and has not been used for a while; one without failures, and without
/// calls under way, if there is such. An open circuit never leaves before its open time is long over.
///
/// If none can leave, the call goes through `fetch[*]`, which all keys without a place share. It counts their calls and
/// never opens by itself, for its thresholds are off, so that keys of somebody else's choice cannot refuse the calls of others.
///
/// ```
/// use breakerbox::{Config, Registry, State};
///
/// let registry = Registry::new();
/// let fetch = registry.keyed("fetch", Config::builder().failure_threshold(2))?;
/// for _ in 0..2 {
///     fetch.get("a.example.com").record_failure();
/// }
/// assert_eq!(fetch.get("a.example.com").state(), State::Open);
/// assert_eq!(fetch.get("b.example.com").state(), State::Closed);
/// assert_eq!(registry.open()[0].name(), "fetch[a.example.com]");
/// # Ok::<(), breakerbox::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct KeyedCircuitBreaker {
    registry: Registry,
    family: Arc<Family>,
}

/// What all handles of a family share.
pub(super) struct Family {
    pub(super) name: Arc<str>,
    /// What each of its breakers begins with.
    pub(super) template: Mutex<Layers>,
    /// Of std, which takes half the time of the other where many threads read.
    places: std::sync::RwLock<Places>,
    /// Held while a breaker is made and another one leaves, so that there are never too many.
    making: Mutex<()>,
    /// The one of all keys without a place, once there are such.
    others: Mutex<Option<CircuitBreaker>>,
}

impl Family {
    #[inline]
    fn read(&self) -> RwLockReadGuard<'_, Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Places> {
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The families of a registry by name.
pub(super) type Families = RwLock<BTreeMap<Arc<str>, Arc<Family>>>;

impl Registry {
    /// The family of breakers of this name, made if there is none. Takes a [`Config`], a reference to one, or a
    /// builder; variables for the name hold for all of its keys.
    ///
    /// If there is one, settings that it does not have yet are added, as by [`Registry::get_or_insert`].
    ///
    /// # Errors
    /// The name is empty, longer than 128 bytes, reserved, or has brackets, control characters or spaces around it. A
    /// builder's settings may be refused as by its `build`.
    #[track_caller]
    pub fn keyed<C>(&self, name: &str, config: C) -> Result<KeyedCircuitBreaker, ConfigError>
    where
        C: TryInto<Config>,
        ConfigError: From<C::Error>,
    {
        check_name(name)?;
        if name.contains(['[', ']']) {
            return Err(ConfigError::new("name", "`name` must not hold brackets, which stand around the key"));
        }
        let config = config.try_into()?;
        let declaration =
            Declaration { location: Location::caller(), preset: config.stated_preset(), settings: config.stated() };
        let keyed = self.insert_keyed(name, declaration);
        self.deliver();
        keyed
    }

    /// The family of breakers of this name. Never makes one.
    pub fn get_keyed(&self, name: &str) -> Option<KeyedCircuitBreaker> {
        self.inner.families.read().get(name).map(|family| self.keyed_of(family))
    }

    /// All families of breakers, sorted by name.
    pub fn all_keyed(&self) -> Vec<KeyedCircuitBreaker> {
        let families = self.inner.families.read();
        families.values().map(|family| self.keyed_of(family)).collect()
    }

    fn keyed_of(&self, family: &Arc<Family>) -> KeyedCircuitBreaker {
        KeyedCircuitBreaker { registry: self.clone(), family: Arc::clone(family) }
    }

    /// Adds a declaration to the family of its name, or makes the family. The caller delivers.
    pub(crate) fn insert_keyed(
        &self,
        name: &str,
        declaration: Declaration<'_>,
    ) -> Result<KeyedCircuitBreaker, ConfigError> {
        if let Some(keyed) = self.get_keyed(name) {
            keyed.merge(declaration);
            return Ok(keyed);
        }
        let (mut template, warnings) = Layers::new(name, declaration, &self.inner.environment)?;
        let configuration = self.inner.configuration.read();
        self.begin_configured(&configuration, name, &mut template);
        let mut families = self.inner.families.write();
        if let Some(family) = families.get(name) {
            // Another thread was faster.
            let keyed = self.keyed_of(family);
            drop(families);
            keyed.merge(declaration);
            return Ok(keyed);
        }
        let family = Arc::new(Family {
            name: name.into(),
            template: Mutex::new(template),
            places: std::sync::RwLock::new(Places::new(name.len() + 1)),
            making: Mutex::default(),
            others: Mutex::default(),
        });
        families.insert(Arc::clone(&family.name), Arc::clone(&family));
        drop(families);
        for warning in warnings {
            self.warn(warning);
        }
        Ok(self.keyed_of(&family))
    }

    /// Takes a breaker that has left its family off the list. The caller delivers.
    fn unlist(&self, left: &CircuitBreaker) {
        let mut breakers = self.inner.breakers.write();
        if breakers.get(left.name()).is_some_and(|listed| Arc::ptr_eq(&listed.core, &left.core)) {
            breakers.remove(left.name());
            self.inner.bus.publish_if_calm(|| Event::Removed { breaker: Arc::clone(&left.core.label) });
            left.core.take_role(Role::Left);
            if let Some(keeper) = self.inner.bus.keeper() {
                keeper.left(&left.core.label);
            }
        }
    }

    /// Forgets the place of a breaker that is not listed any more.
    pub(super) fn leave_family(&self, removed: &CircuitBreaker) {
        let Some((family, shown)) = removed.name().strip_suffix(']').and_then(|name| name.split_once('[')) else {
            return;
        };
        let families = self.inner.families.read();
        let Some(family) = families.get(family) else { return };
        let is_it = |breaker: &CircuitBreaker| Arc::ptr_eq(&breaker.core, &removed.core);
        family.others.lock().take_if(|others| is_it(others));
        let mut places = family.write();
        if places.get(shown).is_some_and(is_it) {
            places.remove(shown);
        }
    }
}

impl KeyedCircuitBreaker {
    /// The name of the family.
    pub fn name(&self) -> &str {
        &self.family.name
    }

    /// The breaker of a key, made if there is none. Never fails, whatever the key; allocates nothing for a known one.
    #[inline]
    pub fn get(&self, key: &str) -> CircuitBreaker {
        if is_plain(key) {
            if let Some(breaker) = self.family.read().get(key) {
                return breaker.clone();
            }
            return self.make(key);
        }
        self.get_shown(&Shown::of(key))
    }

    /// The breaker of a key that displays itself as text: a number, an address, `format_args!("{region}/{shard}")`.
    pub fn get_display(&self, key: &(impl fmt::Display + ?Sized)) -> CircuitBreaker {
        self.get_shown(&Shown::of_display(&key))
    }

    fn get_shown(&self, shown: &Shown) -> CircuitBreaker {
        let shown = shown.as_str();
        let known = self.family.read().get(shown).cloned();
        known.unwrap_or_else(|| self.make(shown))
    }

    /// The breaker of a key, if it has one. Never makes one.
    pub fn find(&self, key: &str) -> Option<CircuitBreaker> {
        self.family.read().get(Shown::of(key).as_str()).cloned()
    }

    /// The breakers of all keys that have one, sorted by name.
    pub fn breakers(&self) -> Vec<CircuitBreaker> {
        let mut breakers: Vec<_> = self.family.read().iter().map(|(_, breaker)| breaker.clone()).collect();
        breakers.sort_unstable_by(|one, other| one.name().cmp(other.name()));
        breakers
    }

    /// How many keys have a breaker.
    pub fn len(&self) -> usize {
        self.family.read().len()
    }

    /// Whether no key has a breaker.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys may have a breaker: the setting `max_keys`.
    pub fn max_keys(&self) -> usize {
        match self.family.template.lock().resolve().map(|policy| policy.get(Key::MaxKeys)) {
            Ok(Value::Count(keys)) => keys as usize,
            _ => 0,
        }
    }

    /// Changes settings of all keys, and of those to come: see [`CircuitBreaker::reconfigure`].
    ///
    /// # Errors
    /// A value is out of range or contradicts the other settings; nothing is changed then. Or it contradicts what was
    /// changed of a single key, which keeps its settings, while all others have the new ones.
    pub fn reconfigure(&self, changes: impl Into<ConfigBuilder>) -> Result<(), ConfigError> {
        let changes = changes.into().changes();
        let (members, changed) = self.change(|template| template.reconfigure(&changes));
        changed?;
        let results: Vec<_> = members.iter().map(|breaker| breaker.core.reconfigure(&changes, None)).collect();
        results.into_iter().collect()
    }

    /// What functions that share the family disagree about.
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.family.template.lock().conflicts.clone()
    }

    /// Resets the breakers of all keys, and tells how many there are.
    pub fn reset_all(&self) -> usize {
        let all = self.breakers();
        all.iter().for_each(CircuitBreaker::reset);
        all.len()
    }

    /// The breakers in this many places; those in others; and what those counted that have left the others.
    #[cfg(any(feature = "prometheus", feature = "metrics", feature = "otel"))]
    pub(crate) fn split(&self, at: usize) -> (Vec<CircuitBreaker>, Vec<CircuitBreaker>, Retired) {
        let places = self.family.read();
        let (shown, rest): (Vec<_>, Vec<_>) = places.iter().partition(|(slot, _)| *slot < at);
        let handles =
            |members: Vec<(usize, &CircuitBreaker)>| members.into_iter().map(|(_, one)| one.clone()).collect();
        let mut retired = Retired::default();
        places.retired(at).for_each(|gone| retired.add(gone));
        (handles(shown), handles(rest), retired)
    }

    /// Makes the breaker of a key as names show it.
    #[cold]
    fn make(&self, shown: &str) -> CircuitBreaker {
        let family = &self.family;
        let configuration = self.registry.inner.configuration.read();
        let making = family.making.lock();
        if let Some(breaker) = family.read().get(shown) {
            return breaker.clone();
        }
        let made = self.make_room().then(|| {
            let made = self.make_member(shown, Role::Member, &configuration);
            family.write().insert(&made);
            made
        });
        // One that was removed in between has no place any more.
        if let Some(made) = made.as_ref().filter(|made| self.registry.get(made.name()).is_none()) {
            self.registry.leave_family(made);
        }
        drop(making);
        let breaker = made.unwrap_or_else(|| {
            let mut others = family.others.lock();
            others.get_or_insert_with(|| self.make_member("*", Role::Others, &configuration)).clone()
        });
        // Listeners hear of it without the lock, for they may make breakers too.
        drop(configuration);
        self.registry.deliver();
        breaker
    }

    /// Whether there is a place, after one has left if it must.
    fn make_room(&self) -> bool {
        let most = self.max_keys();
        while self.len() >= most {
            let Some(left) = self.family.write().let_one_leave() else { return false };
            self.registry.unlist(&left);
        }
        true
    }

    fn make_member(&self, shown: &str, role: Role, configuration: &Settings) -> CircuitBreaker {
        let name = format!("{}[{shown}]", self.family.name);
        let mut layers = self.family.template.lock().clone();
        // They are the family's, and told once.
        layers.conflicts.clear();
        if configuration.names(&name) {
            self.registry.begin_configured(configuration, &name, &mut layers);
        }
        let listed = self.registry.list(Name::new(&name), layers, role);
        let (listed, is_new) = listed.expect("a template is changed only to what has been judged");
        if !is_new {
            // Somebody has made it by hand.
            listed.core.take_role(role);
        }
        listed
    }

    fn merge(&self, declaration: Declaration<'_>) {
        let (members, conflicts) = self.change(|template| template.merge(&self.family.name, declaration));
        for conflict in conflicts {
            self.registry.inner.bus.complain(Event::Conflict(conflict));
        }
        for breaker in members {
            breaker.core.merge(declaration);
        }
    }

    /// Changes what breakers begin with; also returns those that have begun already.
    fn change<R>(&self, change: impl FnOnce(&mut Layers) -> R) -> (Vec<CircuitBreaker>, R) {
        // None is made meanwhile by what was there before.
        let _making = self.family.making.lock();
        let changed = change(&mut self.family.template.lock());
        let others = self.family.others.lock().clone();
        (self.breakers().into_iter().chain(others).collect(), changed)
    }
}

impl fmt::Debug for KeyedCircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCircuitBreaker")
            .field("name", &self.name())
            .field("keys", &self.len())
            .finish_non_exhaustive()
    }
}
