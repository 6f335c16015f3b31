//! The breaker as a middleware of `reqwest-middleware`. What it does with a request is `guard`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response, StatusCode};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::guard::Guard;
use super::host::Scope;
use super::judgement::Judgement;
use crate::config::{Config, ConfigError};
use crate::handle::CircuitBreaker;
use crate::outcome::Outcome;
use crate::registry::KeyedCircuitBreaker;

/// A circuit breaker for each host, around the requests of a client.
///
/// Requests to a host that is down are refused with a [`CircuitBreakerError`](crate::CircuitBreakerError)
/// that [`refusal`](super::refusal) finds. The breakers are members of the family `http` of the global
/// registry, such as `http[api.example.com]`. A `timeout` of their settings cuts off requests whose head takes longer.
///
/// What counts as a failure is in [`default_outcome`](super::default_outcome). A success is told when the body of the
/// answer has been read or dropped, of a trial when its head is there. `Retry-After` of a 503 or 429 that opens the
/// circuit can keep it open for longer than its settings. Where redirects lead from host to host, only the one that was
/// asked is told: that it has answered.
///
/// ```no_run
/// use breakerbox::reqwest::CircuitBreakerMiddleware;
/// use breakerbox::{Config, Preset};
/// use reqwest_middleware::ClientBuilder;
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let client = ClientBuilder::new(reqwest::Client::new())
///     .with(CircuitBreakerMiddleware::new(Config::preset(Preset::ExternalApi))?)
///     .build();
/// let answer = client.get("http://api.example.com/quotes").send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CircuitBreakerMiddleware {
    pub(super) guard: Guard,
}

impl CircuitBreakerMiddleware {
    /// A breaker for each host, in the family `http` of the global registry. Another one that is made
    /// so shares them.
    ///
    /// # Errors
    /// A builder's settings may be refused as by its `build`.
    #[track_caller]
    pub fn new<C>(config: C) -> std::result::Result<Self, ConfigError>
    where
        C: TryInto<Config>,
        ConfigError: From<C::Error>,
    {
        Ok(Self::keyed(crate::global::registry().keyed("http", config)?))
    }

    /// A breaker for each host, in a family of the caller's. The key is the host, with its port if that is not 443:
    /// `api.example.com`, `api.example.com:80`.
    ///
    /// ```
    /// use breakerbox::reqwest::CircuitBreakerMiddleware;
    /// use breakerbox::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let middleware = CircuitBreakerMiddleware::keyed(registry.keyed("partners", Config::default())?);
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn keyed(family: KeyedCircuitBreaker) -> Self {
        Self::of(Scope::Host(family))
    }

    /// One breaker for all requests, whatever their host.
    ///
    /// ```
    /// use breakerbox::reqwest::CircuitBreakerMiddleware;
    /// use breakerbox::{Config, Registry};
    ///
    /// let breaker = Registry::new().get_or_insert("payments", Config::default())?;
    /// let middleware = CircuitBreakerMiddleware::named(breaker);
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    pub fn named(breaker: CircuitBreaker) -> Self {
        Self::of(Scope::One(breaker))
    }

    fn of(scope: Scope) -> Self {
        CircuitBreakerMiddleware { guard: Guard { scope, judgement: Judgement::default(), outcome_at_head: false } }
    }

    /// A breaker for each key that `key` makes of a request, such as its tenant. No effect on one that
    /// was made by [`named`](Self::named).
    ///
    /// ```
    /// # use breakerbox::{Config, Registry, reqwest::CircuitBreakerMiddleware};
    /// # let family = Registry::new().keyed("http", Config::default())?;
    /// let by_tenant = CircuitBreakerMiddleware::keyed(family).keyed_by(|request| {
    ///     let tenant = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
    ///     tenant.unwrap_or("-").to_owned()
    /// });
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    #[must_use]
    pub fn keyed_by(mut self, key: impl Fn(&Request) -> String + Send + Sync + 'static) -> Self {
        self.guard.scope = self.guard.scope.keyed_by(Arc::new(key));
        self
    }

    /// Judges answers and errors by `judge` alone. For what it does not want to decide there is
    /// [`default_outcome`](super::default_outcome). An answer whose head was a success is judged again if its body
    /// breaks off: as a `reqwest::Error` for which `is_body` holds.
    ///
    /// ```
    /// # use breakerbox::{Config, Registry};
    /// use breakerbox::Outcome;
    /// use breakerbox::reqwest::{CircuitBreakerMiddleware, default_outcome};
    ///
    /// # let family = Registry::new().keyed("http", Config::default())?;
    /// let middleware = CircuitBreakerMiddleware::keyed(family).classify(|result| match result {
    ///     Ok(response) if response.headers().contains_key("x-maintenance") => Outcome::Failure,
    ///     other => default_outcome(other),
    /// });
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    #[must_use]
    pub fn classify(
        mut self,
        judge: impl Fn(std::result::Result<&Response, &Error>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        self.guard.judgement = self.guard.judgement.by(judge);
        self
    }

    /// Judges answers by their status alone, and errors as by default. By default 5xx but 501 and 505, and
    /// 429 are failures.
    ///
    /// ```
    /// # use breakerbox::{Config, Registry, reqwest::CircuitBreakerMiddleware};
    /// # let family = Registry::new().keyed("http", Config::default())?;
    /// let without_429 = CircuitBreakerMiddleware::keyed(family).failure_status(|status| status.is_server_error());
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    #[must_use]
    pub fn failure_status(mut self, fails: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.guard.judgement = self.guard.judgement.by_status(fails);
        self
    }

    /// The longest open time that a `Retry-After` can ask for; that of the settings may be longer. Default: 5 min; `Duration::ZERO` takes no notice of the header.
    #[must_use]
    pub fn max_retry_after(mut self, limit: Duration) -> Self {
        self.guard.judgement.max_retry_after = limit;
        self
    }

    /// Tells every outcome when the head of the answer is there: for streams that last, such as server-sent events.
    /// Default: the outcome of an answer is told when its body ends, so that one that breaks off is a failure. Until then it
    /// counts as under way. A trial is a success at its head always; then a body that breaks off is another failure.
    ///
    /// ```
    /// # use breakerbox::{Config, Registry, reqwest::CircuitBreakerMiddleware};
    /// # let family = Registry::new().keyed("http", Config::default())?;
    /// let for_streams = CircuitBreakerMiddleware::keyed(family).outcome_at_head();
    /// # Ok::<(), breakerbox::ConfigError>(())
    /// ```
    #[must_use]
    pub fn outcome_at_head(mut self) -> Self {
        self.guard.outcome_at_head = true;
        self
    }
}

#[async_trait]
impl Middleware for CircuitBreakerMiddleware {
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        self.guard.send(request, None, |request| next.run(request, extensions)).await.into_result()
    }
}
