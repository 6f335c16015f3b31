//! What every request passes: the host and the path are looked at before anything else, who asks
//! and which breaker is meant before a handler runs.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::ProtectionError;

use super::auth::Need;
use super::problem::Refused;
use super::routes::Admin;
use crate::handle::CircuitBreaker;

/// What the page may do: load its own script and style, and talk to its own server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Headers of every response.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses requests for other hosts and with paths that cannot be read; sets the headers of every response.
pub(super) async fn watch_over(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    let peer = peer(request.extensions());
    let mut response = match check(&admin, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if response.extensions().get::<Forged>().is_some() {
        admin.audit.refused(peer, response.status());
    }
    response
}

fn check(admin: &Admin, request: &Request) -> Result<(), Refused> {
    admin.access.check_host(request.uri(), request.headers())?;
    if !is_encoded(request.uri().path()) {
        return Err(Refused::bad_request("the path is malformed: `%` begins two hexadecimal digits, `%25` is `%`"));
    }
    Ok(())
}

/// Whether each `%` begins the two digits of a byte.
fn is_encoded(path: &str) -> bool {
    let mut rest = path.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => rest = &rest[at + 3..],
            _ => return false,
        }
    }
    true
}

/// The address of who asks, where the server tells it.
fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// Marks the answer to a request from a page of another site.
#[derive(Clone, Copy)]
struct Forged;

/// What a request from a page of another site is told.
pub(super) fn forged(_: ProtectionError) -> Response {
    let detail = "the request comes from a page of another site: writes are for the page of this server, and for \
                  programs that send neither `Origin` nor `Sec-Fetch-Site`";
    (Extension(Forged), Refused::new(StatusCode::FORBIDDEN, detail)).into_response()
}

/// What a path that is no route is told.
pub(super) async fn no_such_route(request: Request) -> Refused {
    let detail = format!("there is no route `{}`: see `openapi.json`", request.uri().path().escape_debug());
    Refused::new(StatusCode::NOT_FOUND, detail)
}

/// What a method that a route does not have is told. The header `Allow` is the router's.
pub(super) async fn no_such_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "the header `Allow` tells the methods of this route").into_response()
}

/// Somebody who may read.
#[derive(Debug)]
pub(super) struct Reader;

impl FromRequestParts<Arc<Admin>> for Reader {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Refused> {
        admin.access.check(&parts.headers, Need::Read).map(|_| Reader)
    }
}

/// Somebody who may write.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) who: Arc<str>,
    /// The address, where the server tells it.
    pub(super) peer: Option<SocketAddr>,
}

impl FromRequestParts<Arc<Admin>> for Writer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Refused> {
        let peer = peer(&parts.extensions);
        let who = admin.access.check(&parts.headers, Need::Write);
        who.map(|who| Writer { who, peer }).inspect_err(|refused| admin.audit.refused(peer, refused.status()))
    }
}

/// The breaker that the path names.
#[derive(Debug)]
pub(super) struct Named(pub(super) CircuitBreaker);

impl FromRequestParts<Arc<Admin>> for Named {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Refused> {
        let params = RawPathParams::from_request_parts(parts, admin)
            .await
            .map_err(|error| Refused::bad_request(format!("the path is malformed: {error}")))?;
        // A router around this one may have parameters of its own.
        let name = params.iter().filter(|(key, _)| *key == "name").last().map_or("", |(_, name)| name);
        let unknown =
            || Refused::new(StatusCode::NOT_FOUND, format!("no circuit breaker named '{}'", name.escape_debug()));
        admin.registry.get(name).map(Named).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::is_encoded;

    #[test]
    fn a_percent_sign_begins_two_digits() {
        assert!(is_encoded("/a%2Fb%ff%25"));
        for path in ["/%", "/%2", "/%zz", "/a%2", "/%%25"] {
            assert!(!is_encoded(path), "{path}");
        }
    }
}
