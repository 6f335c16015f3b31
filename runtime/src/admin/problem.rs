//! Errors as RFC 9457 wants them: every one that a route answers is a [`Problem`].

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answers::{KeyProblem, Problem};

/// Why a request is not answered as it was meant to be.
#[derive(Debug)]
pub(super) struct Refused(Box<Problem>);

impl Refused {
    pub(super) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Refused(Box::new(Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: detail.into(),
            key: None,
            errors: Vec::new(),
        }))
    }

    pub(super) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Refused::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Settings that were refused; there is at least one.
    pub(super) fn settings(errors: Vec<KeyProblem>) -> Self {
        let details: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
        let Refused(mut problem) = Refused::new(StatusCode::UNPROCESSABLE_ENTITY, details.join("; "));
        problem.key = errors.first().map(|error| error.key.clone());
        problem.errors = errors;
        Refused(problem)
    }

    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.status();
        // Texts and numbers alone: they can be written.
        let body = serde_json::to_string(&self.0).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "5")),
            // What is left of the body is not read, so the connection cannot go on.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => Some((header::CONNECTION, "close")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
