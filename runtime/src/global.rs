//! The registry of the program: the annotated functions that the linker has collected, and those
//! that were called first where it collects none.

use std::collections::HashMap;
use std::sync::LazyLock;

use parking_lot::Mutex;

use crate::error::Name;
use crate::handle::CircuitBreaker;
use crate::layers::Statement;
use crate::registry::{Registry, Summary};
use crate::site::{Location, Registered, Site};

static GLOBAL: LazyLock<Global> =
    LazyLock::new(|| Global { registry: Registry::with_environment(std::env::vars_os()), defaults: Mutex::default() });

struct Global {
    registry: Registry,
    /// Whose default name a name is. Also the lock under which sites are attached, one at a time.
    defaults: Mutex<HashMap<&'static str, Location>>,
}

impl Global {
    /// Attaches the sites that the linker has collected and that have no breaker yet. A library
    /// that is loaded later brings more of them.
    fn collect(&self) {
        let is_new = |site: &&'static Site| site.breaker.get().is_none();
        if !inventory::iter::<Registered>().any(|registered| is_new(&registered.0)) {
            return;
        }
        let mut sites: Vec<&'static Site> = inventory::iter::<Registered>().map(|registered| registered.0).collect();
        // The linker's order is unspecified; conflicts should not depend on it.
        sites.sort_by_key(|site| site.location);
        let mut defaults = self.defaults.lock();
        for site in sites.into_iter().filter(is_new) {
            self.attach(site, &mut defaults);
        }
    }

    fn attach(&self, site: &'static Site, defaults: &mut HashMap<&'static str, Location>) -> &'static CircuitBreaker {
        site.breaker.get_or_init(|| {
            let name = site.name.unwrap_or_else(|| default_name(site.location, defaults));
            let statement = Statement { location: site.location, preset: site.preset, settings: site.settings };
            let attached = self.registry.insert(Name::Static(name), statement);
            attached.expect("the attribute has checked its name and settings by the same rules, at compile time")
        })
    }
}

/// `module::function`. A name that another function has by default already gets its line added:
/// only who names a breaker means to share it.
fn default_name(location: Location, defaults: &mut HashMap<&'static str, Location>) -> &'static str {
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
pub(crate) fn attach(site: &'static Site) -> &'static CircuitBreaker {
    let global = global();
    if let Some(breaker) = site.breaker.get() {
        return breaker;
    }
    let mut defaults = global.defaults.lock();
    global.attach(site, &mut defaults)
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
