//! The annotated functions of the program and their registry: the functions that the linker has
//! collected, and those that were called first where it collects none.

use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};

use once_cell::race::OnceRef;
use parking_lot::Mutex;

use crate::breaker::Core;
use crate::error::Name;
use crate::handle::CircuitBreaker;
use crate::layers::Declaration;
use crate::location::Location;
use crate::preset::Preset;
use crate::registry::{KeyedCircuitBreaker, Registry};
use crate::settings::{Key, Value};
use crate::summary::Summary;

/// What the attribute says of a function.
#[derive(Debug)]
struct Said {
    name: Option<&'static str>,
    location: Location,
    preset: Option<Preset>,
    settings: &'static [(Key, Value)],
}

impl Said {
    fn name(&self, defaults: &mut Defaults) -> &'static str {
        self.name.unwrap_or_else(|| default_name(self.location, defaults))
    }

    fn declaration(&self) -> Declaration<'static> {
        Declaration { location: self.location, preset: self.preset, settings: self.settings }
    }
}

/// Why no site is refused.
const CHECKED: &str = "the attribute has checked its name and settings by the same rules, at compile time";

/// One annotated function.
#[derive(Debug)]
pub struct Site {
    said: Said,
    handle: OnceLock<CircuitBreaker>,
    /// What the handle points to: one load away.
    breaker: OnceRef<'static, Core>,
}

impl Site {
    /// For the attribute alone, which has checked the name and the settings.
    pub const fn new(
        name: Option<&'static str>,
        location: Location,
        preset: Option<Preset>,
        settings: &'static [(Key, Value)],
    ) -> Self {
        let said = Said { name, location, preset, settings };
        Site { said, handle: OnceLock::new(), breaker: OnceRef::new() }
    }

    /// The breaker of the function.
    #[inline]
    pub fn breaker(&'static self) -> &'static Core {
        match self.breaker.get() {
            Some(breaker) => breaker,
            None => attach(self),
        }
    }
}

/// One annotated function with a `key`.
#[derive(Debug)]
pub struct KeyedSite {
    said: Said,
    family: OnceLock<KeyedCircuitBreaker>,
}

impl KeyedSite {
    /// For the attribute alone, which has checked the name and the settings.
    pub const fn new(
        name: Option<&'static str>,
        location: Location,
        preset: Option<Preset>,
        settings: &'static [(Key, Value)],
    ) -> Self {
        KeyedSite { said: Said { name, location, preset, settings }, family: OnceLock::new() }
    }

    /// The breakers of the function.
    #[inline]
    pub fn family(&'static self) -> &'static KeyedCircuitBreaker {
        match self.family.get() {
            Some(family) => family,
            None => attach_keyed(self),
        }
    }
}

/// A site that the linker has collected.
#[derive(Clone, Copy, Debug)]
pub enum Registered {
    /// One breaker for all calls.
    Plain(&'static Site),
    /// One for each key.
    Keyed(&'static KeyedSite),
}

impl Registered {
    fn location(self) -> Location {
        match self {
            Registered::Plain(site) => site.said.location,
            Registered::Keyed(site) => site.said.location,
        }
    }
}

inventory::collect!(Registered);

static GLOBAL: LazyLock<Global> = LazyLock::new(|| Global {
    registry: Registry::with_environment(std::env::vars_os()),
    defaults: Mutex::default(),
    collected: AtomicUsize::new(0),
});

/// Whose default name a name is.
type Defaults = HashMap<&'static str, Location>;

struct Global {
    registry: Registry,
    /// Also the lock under which sites are attached, one at a time.
    defaults: Mutex<Defaults>,
    /// The address of the newest site at the end of the last collection. Released after all sites
    /// up to it have their breakers.
    collected: AtomicUsize,
}

impl Global {
    /// Attaches the sites that the linker has collected and that have no breaker yet. A library
    /// that is loaded later brings more of them.
    fn collect(&self) {
        // New sites come in front, so the first one tells whether there are any.
        let newest = inventory::iter::<Registered>().next().map_or(0, |registered| ptr::from_ref(registered).addr());
        if self.collected.load(Ordering::Acquire) == newest {
            return;
        }
        let mut sites: Vec<Registered> = inventory::iter::<Registered>().copied().collect();
        // The linker's order is unspecified; conflicts should not depend on it.
        sites.sort_by_key(|site| site.location());
        let mut defaults = self.defaults.lock();
        for site in sites {
            match site {
                Registered::Plain(site) => _ = self.attach(site, &mut defaults),
                Registered::Keyed(site) => _ = self.attach_keyed(site, &mut defaults),
            }
        }
        self.collected.store(newest, Ordering::Release);
        drop(defaults);
        self.registry.deliver();
    }

    fn attach(&self, site: &'static Site, defaults: &mut Defaults) -> &'static Core {
        let handle = site.handle.get_or_init(|| {
            let name = Name::Static(site.said.name(defaults));
            self.registry.insert(name, site.said.declaration()).expect(CHECKED)
        });
        site.breaker.get_or_init(|| &handle.core)
    }

    fn attach_keyed(&self, site: &'static KeyedSite, defaults: &mut Defaults) -> &'static KeyedCircuitBreaker {
        site.family.get_or_init(|| {
            let name = site.said.name(defaults);
            self.registry.insert_keyed(name, site.said.declaration()).expect(CHECKED)
        })
    }
}

/// `module::function`. A name that another function has by default already gets its line added:
/// only who names a breaker means to share it.
fn default_name(location: Location, defaults: &mut Defaults) -> &'static str {
    let Location { module, function, line, column, .. } = location;
    let names = [
        format!("{module}::{function}"),
        format!("{module}::{function}:{line}"),
        format!("{module}::{function}:{line}:{column}"),
    ];
    let numbered = (2..).map(|number| format!("{module}::{function}:{line}:{column}#{number}"));
    let mut free = names.into_iter().chain(numbered).filter(|name| !defaults.contains_key(name.as_str()));
    let name: &'static str = free.next().unwrap_or_default().leak();
    defaults.insert(name, location);
    name
}

fn global() -> &'static Global {
    let global = &*GLOBAL;
    global.collect();
    global
}

/// The breaker of an annotated function that has not been called before.
#[cold]
fn attach(site: &'static Site) -> &'static Core {
    let global = global();
    if let Some(breaker) = site.breaker.get() {
        return breaker;
    }
    let breaker = global.attach(site, &mut global.defaults.lock());
    global.registry.deliver();
    breaker
}

/// The breakers of an annotated function with a `key` that has not been called before.
#[cold]
fn attach_keyed(site: &'static KeyedSite) -> &'static KeyedCircuitBreaker {
    let global = global();
    if let Some(family) = site.family.get() {
        return family;
    }
    let family = global.attach_keyed(site, &mut global.defaults.lock());
    global.registry.deliver();
    family
}

/// The registry of all annotated functions.
///
/// Settings come from the environment too: `CIRCUIT_BREAKER_<KEY>` for all breakers,
/// `CIRCUIT_BREAKER__<NAME>__<KEY>` for one. It is read once, when the registry is first used.
pub fn registry() -> &'static Registry {
    &global().registry
}

/// The breaker of this name in the global registry. Never makes one.
pub fn breaker(name: &str) -> Option<CircuitBreaker> {
    registry().get(name)
}

/// The family of breakers of this name in the global registry: those of a function with a `key`. Never makes one.
///
/// ```
/// use breakerbox::{CircuitBreakerError, circuit_breaker};
///
/// #[circuit_breaker(name = "fetch", key = host, max_keys = 500)]
/// fn fetch(host: &str) -> Result<u16, CircuitBreakerError> {
///     Ok(200)
/// }
///
/// let family = breakerbox::keyed("fetch").expect("known before the first call");
/// assert_eq!((family.len(), family.max_keys()), (0, 500));
/// fetch("api.example.com")?;
/// assert!(family.find("api.example.com").is_some());
/// assert!(breakerbox::breaker("fetch[api.example.com]").is_some());
/// # Ok::<(), CircuitBreakerError>(())
/// ```
pub fn keyed(name: &str) -> Option<KeyedCircuitBreaker> {
    registry().get_keyed(name)
}

/// All breakers of the global registry, sorted by name: those of functions never called too.
pub fn breakers() -> Vec<CircuitBreaker> {
    registry().all()
}

/// The breakers of the global registry that are open or forced open, sorted by name.
pub fn open_breakers() -> Vec<CircuitBreaker> {
    registry().open()
}

/// How many breakers the global registry has, and how they are.
pub fn summary() -> Summary {
    registry().summary()
}

/// Resets every breaker of the global registry, and tells how many there are.
pub fn reset_all() -> usize {
    registry().reset_all()
}
