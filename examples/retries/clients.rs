//! Five clients of a price service, with the same retries: without a breaker, with one around the retries, and with one
//! within them, in three ways to take a refusal.

use std::fmt;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use breakerbox::{CircuitBreakerError, circuit_breaker};
use reqwest::StatusCode;
use tokio::time;
use tokio_retry2::strategy::{ExponentialBackoff, jitter};
use tokio_retry2::{Retry, RetryError};

/// What a call gives when it fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PriceError {
    #[error("the service cannot be reached")]
    Http(#[from] reqwest::Error),
    #[error("the service answered {0}")]
    Status(StatusCode),
    #[error("the service answered no number")]
    Number(#[from] std::num::ParseIntError),
    #[error("not asked")]
    Refused(#[from] CircuitBreakerError),
    #[error("no answer in {0:?}")]
    Late(Duration),
}

impl PriceError {
    /// The breaker's word, if no request was sent.
    fn refusal(&self) -> Option<&CircuitBreakerError> {
        match self {
            PriceError::Refused(error) if error.is_rejected() => Some(error),
            _ => None,
        }
    }
}

/// How long one try may take.
const TRY: Duration = Duration::from_millis(150);
/// How long the patient client may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// One server, and how to ask it once.
#[derive(Clone)]
pub(crate) struct Shop {
    http: reqwest::Client,
    server: String,
}

impl Shop {
    pub(crate) fn new(server: String) -> Result<Shop, PriceError> {
        Ok(Shop { http: reqwest::Client::builder().no_proxy().timeout(TRY).build()?, server })
    }

    async fn ask(&self) -> Result<u32, PriceError> {
        let response = self.http.get(format!("{}/price/tea", self.server)).send().await?;
        if !response.status().is_success() {
            return Err(PriceError::Status(response.status()));
        }
        Ok(response.text().await?.parse()?)
    }
}

/// A way to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Alone,
    Around,
    Blind,
    Stop,
    Wait,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [Kind::Alone, Kind::Around, Kind::Blind, Kind::Stop, Kind::Wait];

    pub(crate) async fn price(self, shop: &Shop) -> Result<u32, PriceError> {
        match self {
            Kind::Alone => alone(shop).await,
            Kind::Around => around(shop).await,
            Kind::Blind => blind(shop).await,
            Kind::Stop => stop(shop).await,
            Kind::Wait => wait(shop).await,
        }
    }

    /// The name of its breaker, if it has one.
    pub(crate) fn breaker(self) -> Option<&'static str> {
        match self {
            Kind::Alone => None,
            Kind::Around => Some("around"),
            Kind::Blind => Some("blind"),
            Kind::Stop => Some("stop"),
            Kind::Wait => Some("wait"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Alone => "retries alone",
            Kind::Around => "breaker around retries",
            Kind::Blind => "retries around, blind",
            Kind::Stop => "retries around, stop",
            Kind::Wait => "retries around, wait",
        })
    }
}

/// Three retries after about 50, 100 and 200 ms, for backon.
fn policy() -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(Duration::from_millis(50)).with_max_times(3).with_jitter()
}

/// The same for tokio-retry2: powers of 2, times 25 ms.
fn strategy() -> impl Iterator<Item = Duration> {
    ExponentialBackoff::from_millis(2).factor(25).map(jitter).take(3)
}

/// No breaker.
async fn alone(shop: &Shop) -> Result<u32, PriceError> {
    (|| shop.ask()).retry(policy()).await
}

/// The breaker around the retries: a call is one outcome, however many tries it took.
#[circuit_breaker(name = "around", failure_threshold = 5, recovery_timeout = "500ms", success_threshold = 2)]
async fn around(shop: &Shop) -> Result<u32, PriceError> {
    Retry::spawn(strategy(), async || shop.ask().await.map_err(RetryError::transient)).await
}

/// The breaker within the retries: each try is an outcome.
#[circuit_breaker(name = "blind", failure_threshold = 5, recovery_timeout = "500ms", success_threshold = 2)]
async fn try_blindly(shop: &Shop) -> Result<u32, PriceError> {
    shop.ask().await
}

/// Retries refusals as if they were failures, which is of no use to anybody.
async fn blind(shop: &Shop) -> Result<u32, PriceError> {
    (|| try_blindly(shop)).retry(policy()).await
}

#[circuit_breaker(name = "stop", failure_threshold = 5, recovery_timeout = "500ms", success_threshold = 2)]
async fn try_or_stop(shop: &Shop) -> Result<u32, PriceError> {
    shop.ask().await
}

/// Gives up at a refusal: for callers who would rather have no answer than wait.
async fn stop(shop: &Shop) -> Result<u32, PriceError> {
    let once = async || {
        try_or_stop(shop).await.map_err(|error| match error.refusal() {
            Some(_) => RetryError::permanent(error),
            None => RetryError::transient(error),
        })
    };
    Retry::spawn(strategy(), once).await
}

#[circuit_breaker(name = "wait", failure_threshold = 5, recovery_timeout = "500ms", success_threshold = 2)]
async fn try_or_wait(shop: &Shop) -> Result<u32, PriceError> {
    shop.ask().await
}

/// Waits as long as the breaker says: for jobs that have to be done and may be late. The policy's own delay comes on
/// top, with its jitter, or all who wait would come back in one moment.
async fn wait(shop: &Shop) -> Result<u32, PriceError> {
    let policy = policy().without_max_times().with_max_delay(Duration::from_millis(200));
    let retries = (|| try_or_wait(shop)).retry(policy).adjust(|error, delay| {
        Some(delay? + error.refusal().and_then(CircuitBreakerError::retry_after).unwrap_or_default())
    });
    time::timeout(PATIENCE, retries).await.unwrap_or(Err(PriceError::Late(PATIENCE)))
}
