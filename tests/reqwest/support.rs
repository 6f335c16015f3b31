//! What the tests share: registries, settings, clients, patience.

use std::time::Duration;

use breakerbox::reqwest::{CircuitBreakerMiddleware, HttpClient, HttpClientBuilder, redirects};
use breakerbox::{Config, ConfigBuilder, KeyedCircuitBreaker, ManualClock, Registry, Status};
use reqwest::redirect::Policy;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::server::Server;

/// Longer than anything takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A family `http` on a clock of its own: real servers, and no waiting for open times.
pub(crate) struct Breakers {
    pub(crate) clock: ManualClock,
    pub(crate) registry: Registry,
    pub(crate) family: KeyedCircuitBreaker,
}

impl Breakers {
    pub(crate) fn new(config: ConfigBuilder) -> Breakers {
        let clock = ManualClock::new();
        let registry = Registry::with_clock(clock.clone());
        let family = registry.keyed("http", config).unwrap();
        Breakers { clock, registry, family }
    }

    pub(crate) fn middleware(&self) -> CircuitBreakerMiddleware {
        CircuitBreakerMiddleware::keyed(self.family.clone())
    }

    pub(crate) fn client(&self) -> ClientWithMiddleware {
        ClientBuilder::new(plain()).with(self.middleware()).build()
    }

    /// An `HttpClient` that waits for milliseconds between its tries.
    pub(crate) fn http(&self) -> HttpClientBuilder {
        HttpClient::builder()
            .client(reqwest::Client::builder().no_proxy())
            .circuit_breaker(self.middleware())
            .base_delay(Duration::from_millis(4))
            .max_delay(Duration::from_millis(20))
            .timeout(PATIENCE)
    }

    pub(crate) fn status(&self, host: &str) -> Status {
        let breaker = self.family.find(host);
        breaker.unwrap_or_else(|| panic!("no breaker for {host}: {:?}", self.registry.all())).status()
    }
}

/// A client that goes to the servers of the tests and nowhere else, whatever the environment says.
pub(crate) fn plain() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(redirects(Policy::limited(5))).build().unwrap()
}

/// Opens after so many failures in a row, for a minute.
pub(crate) fn opens_after(failures: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(failures).recovery_timeout(Duration::from_secs(60)).half_open_max_calls(1)
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

/// Successes, failures, ignored and cancelled calls of the breaker of a server.
pub(crate) fn ends(breakers: &Breakers, server: &Server) -> (u64, u64, u64, u64) {
    let totals = breakers.status(&server.host()).totals;
    (totals.successes, totals.failures, totals.ignored, totals.cancelled)
}
