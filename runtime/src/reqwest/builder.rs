//! How an `HttpClient` is built: its settings, their defaults, and which of them are refused.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest_middleware::Middleware;

use super::budget::Budget;
use super::client::{HttpClient, Inner};
use super::error::HttpError;
use super::middleware::CircuitBreakerMiddleware;
use super::redirects::redirects;
use super::retries::Retries;
use crate::clock::precise;
use crate::config::{Config, ConfigError};
use crate::preset::Preset;

/// The settings of an [`HttpClient`].
///
/// ```
/// use breakerbox::reqwest::{CircuitBreakerMiddleware, HttpClient};
/// use breakerbox::{Config, Preset};
/// use std::time::Duration;
///
/// let breakers = Config::builder().preset(Preset::ExternalApi).failure_threshold(3);
/// let client = HttpClient::builder()
///     .circuit_breaker(CircuitBreakerMiddleware::new(breakers)?)
///     .attempts(4)
///     .timeout(Duration::from_secs(10))
///     .build()?;
/// # Ok::<(), breakerbox::reqwest::HttpError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct HttpClientBuilder {
    client: reqwest::ClientBuilder,
    /// Whether it is the user's, which says by itself what this builder does not.
    is_given: bool,
    circuit_breaker: Option<CircuitBreakerMiddleware>,
    middlewares: Vec<Arc<dyn Middleware>>,
    retries: Retries,
    retry_share: f64,
    retries_per_second: u32,
    timeout: Option<Duration>,
    try_timeout: Option<Duration>,
    /// `Duration::MAX` is no limit.
    connect_timeout: Option<Duration>,
    redirects: Option<Policy>,
    outcome_at_head: bool,
}

impl Default for HttpClientBuilder {
    fn default() -> Self {
        HttpClientBuilder {
            client: reqwest::Client::builder(),
            is_given: false,
            circuit_breaker: None,
            middlewares: Vec::new(),
            retries: Retries {
                attempts: 3,
                base_delay: Duration::from_millis(100),
                max_delay: Duration::from_secs(5),
                non_idempotent: false,
            },
            retry_share: 0.2,
            retries_per_second: 3,
            timeout: Some(Duration::from_secs(30)),
            try_timeout: Some(Duration::from_secs(10)),
            connect_timeout: None,
            redirects: None,
            outcome_at_head: false,
        }
    }
}

impl HttpClientBuilder {
    /// The settings of the client underneath: TLS, proxies, default headers. What it says of redirects and of the limit of
    /// connecting holds, and of reqwest's defaults what it does not say, unless [`redirect`](Self::redirect) and
    /// [`connect_timeout`](Self::connect_timeout) of this builder are used too; [`timeout`](Self::timeout) is this
    /// builder's always. With redirects of its own, wrap their policy in [`redirects`](super::redirects()), or the host that
    /// is asked is blamed where the one it redirects to gives no answer.
    ///
    /// ```
    /// use breakerbox::reqwest::HttpClient;
    /// use reqwest::redirect::Policy;
    ///
    /// let client = HttpClient::builder().client(reqwest::Client::builder().redirect(Policy::none())).build()?;
    /// # Ok::<(), breakerbox::reqwest::HttpError>(())
    /// ```
    pub fn client(self, client: reqwest::ClientBuilder) -> Self {
        HttpClientBuilder { client, is_given: true, ..self }
    }

    /// The header `User-Agent` of each request. A later [`client`](Self::client) takes its place.
    pub fn user_agent<V>(self, name: V) -> Self
    where
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        HttpClientBuilder { client: self.client.user_agent(name), ..self }
    }

    /// Headers of each request that does not set them itself. A later [`client`](Self::client) takes their place.
    pub fn default_headers(self, headers: HeaderMap) -> Self {
        HttpClientBuilder { client: self.client.default_headers(headers), ..self }
    }

    /// The breakers, and how they judge. Default: one for each host in the family `http` of the global registry, with
    /// the preset `external_api`.
    pub fn circuit_breaker(self, middleware: CircuitBreakerMiddleware) -> Self {
        HttpClientBuilder { circuit_breaker: Some(middleware), ..self }
    }

    /// Adds a middleware, which sees each try that the breaker lets through, after those added before.
    pub fn with(mut self, middleware: impl Middleware) -> Self {
        self.middlewares.push(Arc::new(middleware));
        self
    }

    /// How often a request is tried at most, the first time included. Default: 3; 1 means no retries.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.retries.attempts = attempts;
        self
    }

    /// The longest delay before the second try; it doubles with each further one, and up to half of it is taken off
    /// at random. Default: 100 ms.
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.retries.base_delay = delay;
        self
    }

    /// What the delay grows to. A `Retry-After` up to it is waited for; one that asks for more ends the retries, and the
    /// caller gets the answer that there is. Default: 5 s.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.retries.max_delay = delay;
        self
    }

    /// Whether POST, PATCH and methods of other standards may reach a server twice, as GET, HEAD, OPTIONS, PUT, DELETE
    /// and TRACE may. Default: `false`, they are retried only where there was no connection. For
    /// one request: [`HttpRequest::idempotent`](super::HttpRequest::idempotent).
    pub fn retry_non_idempotent(mut self, retry: bool) -> Self {
        self.retries.non_idempotent = retry;
        self
    }

    /// How many retries all requests of the client may make: a share of the calls, and some each second. What is not
    /// used is kept for ten seconds. Default: 0.2 and 3.
    pub fn retry_budget(self, share: f64, per_second: u32) -> Self {
        HttpClientBuilder { retry_share: share, retries_per_second: per_second, ..self }
    }

    /// The limit of a whole call: tries, delays, and the body of the answer. Default: 30 s.
    pub fn timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        HttpClientBuilder { timeout: limit.into(), ..self }
    }

    /// The limit of one try, until the head of the answer is there. Default: 10 s.
    pub fn try_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        HttpClientBuilder { try_timeout: limit.into(), ..self }
    }

    /// The limit of connecting. Default: 5 s; with a [`client`](Self::client) of your own what that one says.
    pub fn connect_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        HttpClientBuilder { connect_timeout: Some(limit.into().unwrap_or(Duration::MAX)), ..self }
    }

    /// Which redirects are followed. Default: at most 10, as with reqwest; with a [`client`](Self::client) of your own what
    /// that one says.
    pub fn redirect(self, policy: Policy) -> Self {
        HttpClientBuilder { redirects: Some(policy), ..self }
    }

    /// Tells breakers the outcome of an answer when its head is there, and not when its body ends: for streams that last.
    /// The same as [`outcome_at_head`](CircuitBreakerMiddleware::outcome_at_head) of the middleware.
    pub fn outcome_at_head(self) -> Self {
        HttpClientBuilder { outcome_at_head: true, ..self }
    }

    /// The client.
    ///
    /// # Errors
    /// A setting is out of range, or reqwest cannot build its client.
    #[track_caller]
    pub fn build(self) -> Result<HttpClient, HttpError> {
        self.check()?;
        let mut guard = match self.circuit_breaker {
            Some(middleware) => middleware.guard,
            None => CircuitBreakerMiddleware::new(Config::preset(Preset::ExternalApi))?.guard,
        };
        guard.outcome_at_head |= self.outcome_at_head;
        let mut client = self.client;
        if let Some(policy) = self.redirects.or_else(|| (!self.is_given).then(Policy::default)) {
            client = client.redirect(redirects(policy));
        }
        let by_default = (!self.is_given).then_some(Duration::from_secs(5));
        if let Some(limit) = self.connect_timeout.or(by_default) {
            client = client.connect_timeout(limit);
        }
        let client = client.build()?;
        let stack = reqwest_middleware::ClientBuilder::new(client.clone());
        let stack = self.middlewares.into_iter().fold(stack, reqwest_middleware::ClientBuilder::with_arc).build();
        let inner = Inner {
            client,
            stack,
            guard,
            retries: self.retries,
            budget: Budget::new(self.retry_share, self.retries_per_second, precise()),
            timeout: self.timeout,
            try_timeout: self.try_timeout,
        };
        Ok(HttpClient { inner: Arc::new(inner) })
    }

    fn check(&self) -> Result<(), ConfigError> {
        let is_zero = |limit: Option<Duration>| limit.is_some_and(|limit| limit.is_zero());
        let Retries { attempts, base_delay, max_delay, .. } = self.retries;
        let (key, problem) = if attempts == 0 {
            ("attempts", "`attempts` must be at least 1, which means no retries")
        } else if base_delay > max_delay {
            ("max_delay", "`max_delay` must not be shorter than `base_delay`")
        } else if !(0.0..=1000.0).contains(&self.retry_share) {
            ("retry_budget", "the share of `retry_budget` must be between 0 and 1000, such as 0.2 for a fifth")
        } else if is_zero(self.timeout) {
            ("timeout", "`timeout` must be longer than 0; `None` means no limit")
        } else if is_zero(self.try_timeout) {
            ("try_timeout", "`try_timeout` must be longer than 0; `None` means no limit")
        } else if is_zero(self.connect_timeout) {
            ("connect_timeout", "`connect_timeout` must be longer than 0; `None` means no limit")
        } else {
            return Ok(());
        };
        Err(ConfigError::new(key, problem))
    }
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("circuit_breaker", &self.circuit_breaker)
            .field("middlewares", &self.middlewares.len())
            .field("retries", &self.retries)
            .field("retry_budget", &(self.retry_share, self.retries_per_second))
            .field("timeout", &self.timeout)
            .field("try_timeout", &self.try_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}
