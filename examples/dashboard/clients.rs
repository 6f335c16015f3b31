//! The clients of the service: one function a dependency, each with its breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use breakerbox::{CircuitBreakerError, circuit_breaker};
use tokio::time;

use crate::backends::Backends;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Circuit(#[from] CircuitBreakerError),
    #[error("the answer is no number: {0}")]
    Format(#[from] std::num::ParseIntError),
    #[error("the price has never been known")]
    Unknown,
}

/// All clients, and where their backends are.
pub(crate) struct Clients {
    http: reqwest::Client,
    prices: String,
    stock: String,
    payments: String,
    shipping: String,
    search: String,
    /// 0 until there is one.
    last_price: AtomicU16,
}

impl Clients {
    pub(crate) fn new(backends: &Backends) -> Result<Arc<Clients>, reqwest::Error> {
        let url = |name| backends.url(name).to_owned();
        Ok(Arc::new(Clients {
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?,
            prices: url("prices"),
            stock: url("stock"),
            payments: url("payments"),
            shipping: url("shipping"),
            search: url("search"),
            last_price: AtomicU16::new(0),
        }))
    }

    /// Failures in a row, a time limit, and an answer for when it is down.
    #[circuit_breaker(name = "prices", failure_threshold = 5, recovery_timeout = 5, timeout = "300ms", fallback = self.last_price)]
    async fn price(&self) -> Result<u16, CallError> {
        let price = self.get(&self.prices).await?;
        self.last_price.store(price, Ordering::Relaxed);
        Ok(price)
    }

    fn last_price(&self) -> Result<u16, CallError> {
        let last = self.last_price.load(Ordering::Relaxed);
        if last == 0 { Err(CallError::Unknown) } else { Ok(last) }
    }

    /// The open time grows while it keeps re-opening.
    #[circuit_breaker(
        name = "stock",
        failure_threshold = 3,
        recovery_timeout = 2,
        multiplier = 2.0,
        max_recovery_timeout = 20,
        jitter = 0.1,
        timeout = "500ms"
    )]
    async fn stock(&self) -> Result<u16, CallError> {
        self.get(&self.stock).await
    }

    /// A share of the calls of the last ten seconds.
    #[circuit_breaker(
        name = "payments",
        failure_threshold = off,
        failure_rate_threshold = 0.5,
        window_duration = 10,
        minimum_calls = 20,
        recovery_timeout = 6
    )]
    async fn pay(&self) -> Result<u16, CallError> {
        self.get(&self.payments).await
    }

    /// Refunds go through the breaker of payments.
    #[circuit_breaker(name = "payments")]
    async fn refund(&self) -> Result<u16, CallError> {
        self.get(&self.payments).await
    }

    /// Slow calls.
    #[circuit_breaker(
        name = "shipping",
        slow_call_duration = "200ms",
        slow_call_rate_threshold = 0.6,
        window_size = 20,
        recovery_timeout = 4
    )]
    async fn ship(&self) -> Result<u16, CallError> {
        self.get(&self.shipping).await
    }

    /// The settings of a preset.
    #[circuit_breaker(name = "search", preset = external_api, recovery_timeout = 8)]
    async fn search(&self) -> Result<u16, CallError> {
        self.get(&self.search).await
    }

    async fn get(&self, url: &str) -> Result<u16, CallError> {
        let url = format!("{url}/price/tea");
        Ok(self.http.get(url).send().await?.error_for_status()?.text().await?.parse()?)
    }

    /// Calls every backend some ten times a second, for as long as the program runs.
    pub(crate) fn call_all_the_time(self: &Arc<Self>) {
        macro_rules! keep_calling {
            ($call:ident every $milliseconds:literal) => {
                let clients = Arc::clone(self);
                tokio::spawn(async move {
                    let mut ticks = time::interval(Duration::from_millis($milliseconds));
                    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
                    loop {
                        ticks.tick().await;
                        let clients = Arc::clone(&clients);
                        // Not awaited, so that a backend that hangs does not slow the stream of calls. What a
                        // call fails with, its breaker has counted.
                        tokio::spawn(async move { drop(clients.$call().await) });
                    }
                });
            };
        }
        keep_calling!(price every 60);
        keep_calling!(stock every 90);
        keep_calling!(pay every 70);
        keep_calling!(refund every 500);
        keep_calling!(ship every 80);
        keep_calling!(search every 120);
    }

    /// What the breakers counted.
    #[expect(clippy::unused_self, reason = "the clients' breakers are those of the program")]
    pub(crate) fn report(&self) {
        for status in breakerbox::registry().statuses() {
            let totals = status.totals;
            println!(
                "{:<10} {:<9} {} calls, {} failed, {} refused, {} trips",
                status.name,
                status.state,
                totals.attempts,
                totals.failures,
                totals.rejections.total(),
                totals.trips
            );
        }
    }
}

/// Nobody calls it, and it is listed all the same.
#[allow(dead_code, reason = "its breaker is listed although it is never called")]
#[circuit_breaker(name = "mail", preset = conservative)]
async fn send_mail() -> Result<(), CallError> {
    Ok(())
}
