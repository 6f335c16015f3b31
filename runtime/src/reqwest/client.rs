//! An HTTP client with breakers, retries and limits of time. How it is built is `builder`; which requests are tried
//! again is `retries`.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{IntoUrl, Method, Request, Response};
use reqwest_middleware::{ClientWithMiddleware, Error};

use super::budget::Budget;
use super::builder::HttpClientBuilder;
use super::error::HttpError;
use super::failed::{TryTimedOut, refusal};
use super::guard::{Ended, Guard};
use super::patience::Patience;
use super::request::HttpRequest;
use super::retries::Retries;
use crate::clock::{nanos, precise};
use crate::error::CircuitBreakerError;
use crate::handle::CircuitBreaker;

/// An HTTP client for services that fail: a circuit breaker for each host, retries with a budget, and limits of time.
/// Cheap to clone.
///
/// It is used as `reqwest::Client` is. Every try passes through the breaker of its host, so a circuit that opens ends
/// the retries too. What it retries, and what it does not do, is in `docs/http.md`.
///
/// ```no_run
/// use breakerbox::reqwest::{HttpClient, HttpError};
///
/// # async fn f() -> Result<(), HttpError> {
/// let client = HttpClient::new()?;
/// match client.get("http://api.example.com/quotes").query(&[("symbol", "ACME")]).send().await {
///     Ok(answer) => println!("{}", answer.error_for_status()?.text().await?),
///     Err(error) if error.is_rejected() => println!("down, again in {:?}", error.retry_after()),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) client: reqwest::Client,
    /// The client and the middlewares of the user.
    pub(super) stack: ClientWithMiddleware,
    pub(super) guard: Guard,
    pub(super) retries: Retries,
    pub(super) budget: Budget,
    pub(super) timeout: Option<Duration>,
    pub(super) try_timeout: Option<Duration>,
}

impl HttpClient {
    /// A client with the defaults of [`HttpClientBuilder`].
    ///
    /// # Errors
    /// The TLS of reqwest cannot be initialised, if the program has switched it on.
    #[track_caller]
    pub fn new() -> Result<HttpClient, HttpError> {
        HttpClient::builder().build()
    }

    /// A client with other settings.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder::default()
    }

    /// Begins a GET request.
    pub fn get(&self, url: impl IntoUrl) -> HttpRequest {
        self.request(Method::GET, url)
    }

    /// Begins a POST request.
    pub fn post(&self, url: impl IntoUrl) -> HttpRequest {
        self.request(Method::POST, url)
    }

    /// Begins a PUT request.
    pub fn put(&self, url: impl IntoUrl) -> HttpRequest {
        self.request(Method::PUT, url)
    }

    /// Begins a PATCH request.
    pub fn patch(&self, url: impl IntoUrl) -> HttpRequest {
        self.request(Method::PATCH, url)
    }

    /// Begins a DELETE request.
    pub fn delete(&self, url: impl IntoUrl) -> HttpRequest {
        self.request(Method::DELETE, url)
    }

    /// Begins a HEAD request.
    pub fn head(&self, url: impl IntoUrl) -> HttpRequest {
        self.request(Method::HEAD, url)
    }

    /// Begins a request of any method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> HttpRequest {
        HttpRequest::new(self.clone(), self.inner.client.request(method, url))
    }

    /// Sends a request that was built elsewhere.
    ///
    /// # Errors
    /// The circuit is open, or none of the tries has an answer.
    pub async fn execute(&self, request: Request) -> Result<Response, HttpError> {
        self.run(request, None).await
    }

    pub(super) async fn run(&self, mut request: Request, idempotent: Option<bool>) -> Result<Response, HttpError> {
        let Inner { retries, budget, timeout, try_timeout, .. } = &*self.inner;
        let limit = request.timeout().copied().or(*timeout);
        let patience = Patience::new(limit, [*timeout, *try_timeout], precise());
        let repeatable = idempotent.unwrap_or_else(|| retries.repeats(request.method()));
        let mut tried = 0;
        loop {
            // Without a copy, it is the last try: a stream can be sent once only.
            let copy = if tried + 1 < retries.attempts { request.try_clone() } else { None };
            let begun = precise();
            *request.timeout_mut() = patience.left(begun);
            let mut ended = self.try_once(request, patience.gives_up(tried, begun)).await;
            let is_refused =
                ended.result.as_ref().err().and_then(refusal).is_some_and(CircuitBreakerError::is_rejected);
            let now = precise();
            if !is_refused {
                tried += 1;
                if tried == 1 {
                    budget.deposit(now);
                }
            }
            let delay = retries.delay(repeatable, &ended, tried);
            let (Some(next), Some(delay)) = (copy, delay) else { break end(ended, tried) };
            if !patience.allows(&ended, now.saturating_sub(begun), now.saturating_add(nanos(delay))) {
                break end(ended, tried);
            }
            ended.tell_head();
            let breaker = self.inner.guard.breaker(&next);
            if !breaker.can_execute() || !budget.withdraw(now) || !sleep_until_refused(&breaker, delay).await {
                break end(ended, tried);
            }
            // Gives the connection back.
            drop(ended);
            request = next;
        }
    }

    /// One try, through the breaker. Its own limit is for the head, that of the call for the body too.
    async fn try_once(&self, request: Request, gives_up: Option<u64>) -> Ended {
        let Inner { stack, guard, try_timeout, .. } = &*self.inner;
        guard
            .send(request, gives_up, |request| async move {
                let sent = stack.execute(request);
                let Some(limit) = *try_timeout else { return sent.await };
                tokio::time::timeout(limit, sent).await.unwrap_or_else(|_| Err(Error::middleware(TryTimedOut(limit))))
            })
            .await
    }
}

fn end(ended: Ended, tried: u32) -> Result<Response, HttpError> {
    ended.into_result().map_err(|error| HttpError::of_request(error, tried))
}

/// How long the end of a wait may come after the circuit has opened.
const LOOK: Duration = Duration::from_millis(50);

/// Waits, and tells whether the breaker would let a try through. If it would not any more, the wait ends soon.
async fn sleep_until_refused(breaker: &CircuitBreaker, time: Duration) -> bool {
    let mut sleep = pin!(tokio::time::sleep(time));
    loop {
        let is_over = tokio::time::timeout(LOOK, sleep.as_mut()).await.is_ok();
        if is_over || !breaker.can_execute() {
            return breaker.can_execute();
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { guard, retries, timeout, try_timeout, .. } = &*self.inner;
        f.debug_struct("HttpClient")
            .field("guard", guard)
            .field("retries", retries)
            .field("timeout", timeout)
            .field("try_timeout", try_timeout)
            .finish_non_exhaustive()
    }
}
