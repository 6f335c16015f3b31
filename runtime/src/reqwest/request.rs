//! A request of an `HttpClient` that is being put together, as with plain reqwest.

use std::fmt::Display;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Request, Response, Version};
use serde::Serialize;

use super::client::HttpClient;
use super::error::HttpError;

/// A request that is being put together. The methods are those of `reqwest::RequestBuilder`.
#[derive(Debug)]
#[must_use = "a request does nothing until `send`"]
pub struct HttpRequest {
    client: HttpClient,
    inner: reqwest::RequestBuilder,
    idempotent: Option<bool>,
}

impl HttpRequest {
    pub(super) fn new(client: HttpClient, inner: reqwest::RequestBuilder) -> Self {
        HttpRequest { client, inner, idempotent: None }
    }

    fn with(self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        HttpRequest { inner: change(self.inner), ..self }
    }

    /// Adds a header.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        self.with(|inner| inner.header(name, value))
    }

    /// Adds headers, in the place of those that have the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|inner| inner.headers(headers))
    }

    /// Adds parameters to the address.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.with(|inner| inner.query(query))
    }

    /// Sets the body to JSON.
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> Self {
        self.with(|inner| inner.json(json))
    }

    /// Sets the body to a form.
    pub fn form<T: Serialize + ?Sized>(self, form: &T) -> Self {
        self.with(|inner| inner.form(form))
    }

    /// Sets the body. One that is a stream can be sent once only, so the request is not retried.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|inner| inner.body(body))
    }

    /// Adds the header of HTTP bearer authentication.
    pub fn bearer_auth(self, token: impl Display) -> Self {
        self.with(|inner| inner.bearer_auth(token))
    }

    /// Adds the header of HTTP basic authentication.
    pub fn basic_auth(self, user: impl Display, password: Option<impl Display>) -> Self {
        self.with(|inner| inner.basic_auth(user, password))
    }

    /// The limit of the whole call, tries, delays and body included, in the place of the client's
    /// [`timeout`](super::HttpClientBuilder::timeout).
    pub fn timeout(self, limit: Duration) -> Self {
        self.with(|inner| inner.timeout(limit))
    }

    /// Sets the version of HTTP.
    pub fn version(self, version: Version) -> Self {
        self.with(|inner| inner.version(version))
    }

    /// Whether the request may reach its server twice, whatever its method: `true` for a POST with an idempotency key.
    pub fn idempotent(self, idempotent: bool) -> Self {
        HttpRequest { idempotent: Some(idempotent), ..self }
    }

    /// A copy of the request; `None` if its body is a stream.
    pub fn try_clone(&self) -> Option<HttpRequest> {
        let inner = self.inner.try_clone()?;
        Some(HttpRequest { client: self.client.clone(), inner, idempotent: self.idempotent })
    }

    /// The request as it would be sent.
    ///
    /// # Errors
    /// The address, a header or the body is invalid.
    pub fn build(self) -> Result<Request, HttpError> {
        Ok(self.inner.build()?)
    }

    /// Sends the request, and waits for the head of the answer.
    ///
    /// # Errors
    /// The request cannot be built, the circuit is open, or none of the tries has an answer.
    pub async fn send(self) -> Result<Response, HttpError> {
        let request = self.inner.build()?;
        self.client.run(request, self.idempotent).await
    }
}
