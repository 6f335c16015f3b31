//! The servers that the service depends on, and the script by which they break.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time;

use crate::server::{Behaviour, Server};

pub(crate) const NAMES: [&str; 5] = ["prices", "stock", "payments", "shipping", "search"];

const BEHAVIOURS: [(&str, Behaviour); 6] = [
    ("works", Behaviour::Works),
    ("refuses", Behaviour::Refuses),
    ("unavailable", Behaviour::Unavailable),
    ("hangs", Behaviour::Hangs),
    ("flaky", Behaviour::Flaky),
    ("slow", Behaviour::Slow),
];

/// What breaks how, for so many seconds, one after the other and again from the start.
const SCRIPT: [(&str, Behaviour, u64); 6] = [
    ("prices", Behaviour::Refuses, 12),
    ("shipping", Behaviour::Slow, 12),
    ("payments", Behaviour::Flaky, 15),
    ("stock", Behaviour::Hangs, 12),
    ("search", Behaviour::Unavailable, 20),
    ("payments", Behaviour::Unavailable, 10),
];

/// How long everything works between two outages.
const PEACE: Duration = Duration::from_secs(8);

pub(crate) struct Backends {
    all: Vec<Backend>,
}

struct Backend {
    name: &'static str,
    url: String,
    server: Mutex<(Server, Behaviour)>,
    /// Somebody broke or mended it by hand: the script lets it alone.
    is_taken: AtomicBool,
}

/// Reads the name of a behaviour.
pub(crate) fn behaviour(name: &str) -> Result<Behaviour, String> {
    let known = BEHAVIOURS.iter().find(|(known, _)| *known == name);
    known.map(|(_, behaviour)| *behaviour).ok_or_else(|| {
        let names: Vec<_> = BEHAVIOURS.iter().map(|(name, _)| *name).collect();
        format!("no backend can be '{name}': it can be {}", names.join(", "))
    })
}

/// The name of a behaviour, as it is read.
pub(crate) fn word(behaviour: Behaviour) -> &'static str {
    BEHAVIOURS.iter().find(|(_, known)| *known == behaviour).map_or("", |(name, _)| name)
}

impl Backends {
    pub(crate) async fn start() -> io::Result<Arc<Backends>> {
        let mut all = Vec::new();
        for name in NAMES {
            let server = Server::start().await?;
            let url = server.url();
            let server = Mutex::new((server, Behaviour::Works));
            all.push(Backend { name, url, server, is_taken: AtomicBool::new(false) });
        }
        Ok(Arc::new(Backends { all }))
    }

    pub(crate) fn url(&self, name: &str) -> &str {
        self.named(name).map_or("", |backend| &backend.url)
    }

    fn named(&self, name: &str) -> Result<&Backend, String> {
        let known = self.all.iter().find(|backend| backend.name == name);
        known.ok_or_else(|| format!("no backend '{name}': there are {}", NAMES.join(", ")))
    }

    /// Breaks or mends a backend, which the script then lets alone.
    pub(crate) async fn behave(&self, name: &str, behaviour: Behaviour) -> Result<(), String> {
        let backend = self.named(name)?;
        backend.is_taken.store(true, Ordering::Relaxed);
        backend.behave(behaviour).await.map_err(|error| error.to_string())
    }

    /// Breaks one after the other, for as long as the program runs.
    pub(crate) fn break_by_turns(self: &Arc<Self>) {
        let backends = Arc::clone(self);
        tokio::spawn(async move {
            for (name, behaviour, seconds) in SCRIPT.into_iter().cycle() {
                time::sleep(PEACE).await;
                let Ok(backend) = backends.named(name) else { return };
                for (behaviour, lasts) in [(behaviour, Duration::from_secs(seconds)), (Behaviour::Works, PEACE)] {
                    if backend.is_taken.load(Ordering::Relaxed) {
                        break;
                    }
                    if let Err(error) = backend.behave(behaviour).await {
                        eprintln!("dashboard: {name} cannot be made to be '{behaviour}': {error}");
                    }
                    time::sleep(lasts).await;
                }
            }
        });
    }
}

impl Backend {
    async fn behave(&self, behaviour: Behaviour) -> io::Result<()> {
        let (server, now) = &mut *self.server.lock().await;
        *now = behaviour;
        server.behave(behaviour).await
    }
}

/// One a line: name, what it does, where it is.
impl fmt::Display for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Backend { name, url, server, .. } in &self.all {
            // One that is being changed says so.
            let does = server.try_lock().map_or("changes", |server| word(server.1));
            writeln!(f, "{name:<10} {does:<11} {url}")?;
        }
        Ok(())
    }
}
