//! One request and its answer: what is sent, and what an answer has to be like to be one.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ClientError, ClientErrorKind};

/// The longest answer that is read.
const LARGEST: usize = 64 << 20;
/// Of what another server says, so many characters are repeated.
const LONGEST_DETAIL: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
}

#[derive(Clone, Debug)]
pub(super) struct Exchange {
    http: reqwest::Client,
    base: Url,
    /// The address as it is told to people.
    at: String,
    timeout: Duration,
    has_token: bool,
}

/// What is read of a problem: as little as a server may send.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    detail: Option<String>,
    key: Option<String>,
    errors: Vec<ToldOfKey>,
}

#[derive(Deserialize)]
struct ToldOfKey {
    detail: String,
}

impl Exchange {
    pub(super) fn new(http: reqwest::Client, base: Url, timeout: Duration, has_token: bool) -> Self {
        let at = base.as_str().trim_end_matches('/').to_owned();
        Exchange { http, base, at, timeout, has_token }
    }

    pub(super) fn at(&self) -> &str {
        &self.at
    }

    /// Asks for JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: Option<&str>,
        body: Option<Value>,
    ) -> Result<T, ClientError> {
        let mut request = self.request(method, path, query).header(ACCEPT, "application/json").timeout(self.timeout);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = self.accepted(self.send(request).await?, path, "application/json").await?;
        let bytes = self.bytes(response, LARGEST).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.unexpected(&format!("answered JSON that the admin API does not send: {error}")))
    }

    /// Asks for text.
    pub(super) async fn text(&self, path: &str) -> Result<String, ClientError> {
        let request = self.request(Method::Get, path, None).header(ACCEPT, "text/plain").timeout(self.timeout);
        let response = self.accepted(self.send(request).await?, path, "text/plain").await?;
        let bytes = self.bytes(response, LARGEST).await?;
        String::from_utf8(bytes).map_err(|_| self.unexpected("answered text that is no UTF-8"))
    }

    /// Asks for a stream of events. Only its beginning has a time limit.
    pub(super) async fn stream(&self, path: &str, last_id: Option<&str>) -> Result<Response, ClientError> {
        let mut request = self.request(Method::Get, path, None).header(ACCEPT, "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let begin = async { self.accepted(self.send(request).await?, path, "text/event-stream").await };
        match tokio::time::timeout(self.timeout, begin).await {
            Ok(begun) => begun,
            Err(_) => Err(ClientError::timed_out(&self.at, self.timeout)),
        }
    }

    pub(super) fn transport(&self, error: &reqwest::Error) -> ClientError {
        ClientError::transport(error, &self.at, self.timeout)
    }

    pub(super) fn unexpected(&self, what: &str) -> ClientError {
        ClientError::new(ClientErrorKind::Unexpected, format!("{} {what}", self.at))
    }

    fn request(&self, method: Method, path: &str, query: Option<&str>) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        match method {
            Method::Get => self.http.get(url),
            Method::Post => self.http.post(url),
            Method::Put => self.http.put(url),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        request.send().await.map_err(|error| self.transport(&error))
    }

    /// The answer, if it is a good one of the type that was asked for.
    async fn accepted(&self, response: Response, path: &str, kind: &str) -> Result<Response, ClientError> {
        if !response.status().is_success() {
            return Err(self.refused(response, path).await);
        }
        let sent = header(response.headers(), &CONTENT_TYPE);
        if sent.split(';').next().is_some_and(|sent| sent.trim().eq_ignore_ascii_case(kind)) {
            return Ok(response);
        }
        let sent = if sent.is_empty() { "something without a type" } else { sent };
        let what = format!("answered {sent}, not {kind}: is this where the admin API is, prefix included?");
        Err(self.unexpected(&what))
    }

    /// What an answer that is an error says.
    async fn refused(&self, response: Response, path: &str) -> ClientError {
        let status = response.status();
        let is_problem = header(response.headers(), &CONTENT_TYPE).starts_with("application/problem+json");
        let location = header(response.headers(), &LOCATION).to_owned();
        let told = if is_problem {
            let bytes = self.bytes(response, LARGEST).await.unwrap_or_default();
            serde_json::from_slice::<Told>(&bytes).unwrap_or_default()
        } else {
            Told::default()
        };
        let detail = told.detail.map(shortened);
        let said = detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
        let at = &self.at;
        let (kind, mut message) = match status {
            StatusCode::UNAUTHORIZED => {
                let what = if self.has_token { "does not take this token" } else { "wants a token, and none was sent" };
                (ClientErrorKind::Unauthorized, format!("{at} {what}{said}"))
            }
            StatusCode::FORBIDDEN => (ClientErrorKind::Forbidden, format!("{at} does not allow this{said}")),
            // Elsewhere there is a route or none; a breaker can be missing.
            StatusCode::NOT_FOUND if detail.is_some() && names_a_breaker(path) => {
                (ClientErrorKind::NotFound, detail.clone().unwrap_or_default())
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                let message = format!("{at} answered {status}{said}: is this where the admin API is, prefix included?");
                (ClientErrorKind::Unexpected, message)
            }
            _ if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && detail.is_some() => {
                (ClientErrorKind::Refused, detail.clone().unwrap_or_default())
            }
            _ if status.is_redirection() => {
                let message = format!("{at} answered {status} and points to {}: ask there", shortened(location));
                (ClientErrorKind::Unexpected, message)
            }
            _ => (ClientErrorKind::Unexpected, format!("{at} answered {status}{said}")),
        };
        // Of several bad settings the detail tells the first, or how many.
        for other in told.errors.into_iter().map(|other| shortened(other.detail)) {
            if !message.contains(&other) {
                message = format!("{message}; {other}");
            }
        }
        ClientError::new(kind, shortened(message)).with_status(status.as_u16()).with_problem(detail, told.key)
    }

    async fn bytes(&self, mut response: Response, largest: usize) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
            if bytes.len() + chunk.len() > largest {
                return Err(self.unexpected(&format!("answered more than {largest} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn names_a_breaker(path: &str) -> bool {
    path.strip_prefix("/circuit-breakers/").is_some_and(|rest| !matches!(rest, "events" | "reset-all"))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
