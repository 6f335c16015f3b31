//! Prices from a service of record, with a Redis in front of it as a cache: asked through a breaker, and without one.

use breakerbox::{CircuitBreakerError, circuit_breaker};
use redis::aio::ConnectionManager;
use redis::{AsyncCommands, ErrorKind, RedisError};

/// How long a price is kept.
const SECONDS: u64 = 60;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("Redis")]
    Redis(#[from] RedisError),
    #[error("Redis was not asked")]
    Refused(#[from] CircuitBreakerError),
}

/// Whether it says that Redis is ill. A command that does not fit the key is our mistake, and an answer.
pub(crate) fn is_outage(error: &CacheError) -> bool {
    use redis::ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly, TryAgain};
    match error {
        CacheError::Redis(error) => match error.kind() {
            ErrorKind::Io | ErrorKind::Parse => true,
            ErrorKind::Server(kind) => matches!(kind, BusyLoading | ClusterDown | MasterDown | ReadOnly | TryAgain),
            _ => false,
        },
        // A timeout of the breaker; refusals are not asked about.
        CacheError::Refused(_) => true,
    }
}

#[derive(Clone)]
pub(crate) struct Cache(ConnectionManager);

impl Cache {
    pub(crate) fn new(redis: ConnectionManager) -> Cache {
        Cache(redis)
    }

    /// Without a breaker.
    pub(crate) async fn get(&self, article: &str) -> Result<Option<u32>, CacheError> {
        Ok(self.0.clone().get(article).await?)
    }

    pub(crate) async fn put(&self, article: &str, price: u32) -> Result<(), CacheError> {
        Ok(self.0.clone().set_ex(article, price, SECONDS).await?)
    }

    /// A cache that is down is a cache that knows nothing. The preset's circuit stays open for 15 s; the example is
    /// over by then.
    #[circuit_breaker(
        name = "cache",
        preset = redis,
        recovery_timeout = "500ms",
        timeout = "100ms",
        failure_if = |result| result.as_ref().is_err_and(is_outage),
        fallback = |_| Ok(None),
        fallback_on = any
    )]
    pub(crate) async fn guarded_get(&self, article: &str) -> Result<Option<u32>, CacheError> {
        self.get(article).await
    }

    /// Through the same breaker: what holds for one command holds for all.
    #[circuit_breaker(
        name = "cache",
        timeout = "100ms",
        failure_if = |result| result.as_ref().is_err_and(is_outage),
        fallback = |_| Ok(()),
        fallback_on = any
    )]
    pub(crate) async fn guarded_put(&self, article: &str, price: u32) -> Result<(), CacheError> {
        self.put(article, price).await
    }

    /// Counts up, and is no cache: its callers want to know when it fails.
    #[circuit_breaker(name = "cache", failure_if = |result| result.as_ref().is_err_and(is_outage))]
    pub(crate) async fn count(&self, key: &str) -> Result<u64, CacheError> {
        Ok(self.0.clone().incr(key, 1).await?)
    }
}

/// The price, from the cache if it is there.
#[derive(Clone)]
pub(crate) struct Prices {
    pub(crate) cache: Cache,
    http: reqwest::Client,
    record: String,
}

impl Prices {
    pub(crate) fn new(cache: Cache, record: String) -> Result<Prices, reqwest::Error> {
        Ok(Prices { cache, http: reqwest::Client::builder().no_proxy().build()?, record })
    }

    pub(crate) async fn price(&self, article: &str) -> Result<u32, reqwest::Error> {
        if let Ok(Some(price)) = self.cache.get(article).await {
            return Ok(price);
        }
        let price = self.recorded(article).await?;
        // What cannot be kept now is asked for again.
        let _ = self.cache.put(article, price).await;
        Ok(price)
    }

    pub(crate) async fn guarded_price(&self, article: &str) -> Result<u32, reqwest::Error> {
        if let Ok(Some(price)) = self.cache.guarded_get(article).await {
            return Ok(price);
        }
        let price = self.recorded(article).await?;
        let _ = self.cache.guarded_put(article, price).await;
        Ok(price)
    }

    async fn recorded(&self, article: &str) -> Result<u32, reqwest::Error> {
        let text = self.http.get(format!("{}/price/{article}", self.record)).send().await?.text().await?;
        Ok(text.parse().unwrap_or_default())
    }
}
