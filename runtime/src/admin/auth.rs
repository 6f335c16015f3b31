//! Who may do what: tokens for people, host names against pages of other sites.

use std::fmt;
use std::sync::Arc;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use subtle::{Choice, ConstantTimeEq};

use super::config::{AdminConfig, TOKEN_VARIABLE};
use super::problem::Refused;

/// Who writes without a token.
const ANONYMOUS: &str = "anonymous";

/// The names under which a server on loopback is reached.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// A token, and whose it is.
#[derive(Clone)]
pub(super) struct Token {
    who: Arc<str>,
    length: usize,
    /// The secret, again and again, so that the end of a comparison does not tell where it ends.
    repeated: Arc<[u8]>,
}

/// To how many bytes a secret is repeated, at least.
const REPEATED: usize = 1024;

impl Token {
    /// `None` if there is no token in it.
    pub(super) fn new(who: &str, secret: &str) -> Option<Self> {
        let secret = secret.trim();
        // A name goes into lines of logs.
        let who: String = who.chars().filter(|c| !c.is_control()).collect();
        let length = secret.len();
        let repeated = || secret.bytes().cycle().take(length.max(REPEATED)).collect();
        (length > 0).then(|| Token { who: who.into(), length, repeated: repeated() })
    }

    /// Compares in a time that depends on the text presented alone, and so tells nothing about the
    /// token, its length included.
    fn is(&self, presented: &[u8]) -> Choice {
        let same_length = (self.length as u64).ct_eq(&(presented.len() as u64));
        presented.iter().zip(self.repeated.iter()).fold(same_length, |same, (byte, known)| same & byte.ct_eq(known))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<token of {}>", self.who)
    }
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Read,
    Write,
}

/// Whom the API lets in.
#[derive(Debug)]
pub(super) struct Access {
    tokens: Vec<Token>,
    writes_are_open: bool,
    reads_are_protected: bool,
    hosts: Vec<String>,
    any_host: bool,
}

impl Access {
    pub(super) fn new(config: &mut AdminConfig) -> Self {
        Access {
            tokens: config.take_tokens(),
            writes_are_open: config.writes_are_open,
            reads_are_protected: config.reads_are_protected,
            hosts: config.hosts.iter().map(|host| name_of(host)).collect(),
            any_host: config.any_host,
        }
    }

    /// Who asks.
    ///
    /// # Errors
    /// They may not: 401 if a token would help, 403 if there is none.
    pub(super) fn check(&self, headers: &HeaderMap, need: Need) -> Result<Arc<str>, Refused> {
        let is_open = match need {
            Need::Read => !self.reads_are_protected,
            Need::Write => self.writes_are_open,
        };
        if is_open && (need == Need::Read || self.tokens.is_empty()) {
            return Ok(ANONYMOUS.into());
        }
        if self.tokens.is_empty() {
            let (what, or_else) = match need {
                Need::Read => ("reads are protected", ""),
                Need::Write => (
                    "writes are switched off",
                    ", or allow unauthenticated writes by `AdminConfig::allow_unauthenticated_writes`",
                ),
            };
            let detail = format!("{what} and no token is set: set {TOKEN_VARIABLE} or `AdminConfig::token`{or_else}");
            return Err(Refused::new(StatusCode::FORBIDDEN, detail));
        }
        match bearer(headers) {
            Bearer::None if is_open => Ok(ANONYMOUS.into()),
            Bearer::None => Err(unauthorized("a token is needed: send `Authorization: Bearer <token>`")),
            Bearer::Malformed => Err(unauthorized("the header `Authorization` must be `Bearer <token>`")),
            Bearer::Token(presented) => {
                // All of them are compared, so that the time does not tell which one it is.
                let mut known = None;
                for token in &self.tokens {
                    known = if token.is(presented).into() { Some(token) } else { known };
                }
                known.map(|token| Arc::clone(&token.who)).ok_or_else(|| unauthorized("the token is not known"))
            }
        }
    }

    /// Whether the request names this server, by the header `Host`, its target, or both.
    ///
    /// # Errors
    /// It names none, several or another one.
    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let malformed = || Refused::bad_request("the header `Host` is malformed");
        let mut stated = headers.get_all(header::HOST).iter();
        let host = match (stated.next(), stated.next()) {
            (Some(host), None) => {
                let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
                Some(host.ok_or_else(malformed)?)
            }
            // HTTP/2 names the server in the target alone.
            (None, _) if uri.authority().is_some() => None,
            _ => return Err(Refused::bad_request("a request needs one `Host` header")),
        };
        // A target with an authority of its own has to name this server too.
        for named in [host.as_ref(), uri.authority()].into_iter().flatten() {
            let named = host_of(named).ok_or_else(malformed)?;
            if !self.answers_to(named) {
                let detail = format!(
                    "this server does not answer to '{}': name it by `AdminConfig::allow_host`",
                    named.escape_debug()
                );
                return Err(Refused::new(StatusCode::MISDIRECTED_REQUEST, detail));
            }
        }
        Ok(())
    }

    fn answers_to(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.any_host
            || LOOPBACK.iter().any(|known| known.eq_ignore_ascii_case(host))
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Answers to the address that it is bound to, which is no name that could be made to point elsewhere.
    pub(super) fn allow(&mut self, host: &str) {
        self.hosts.push(name_of(host));
    }
}

/// The host of an authority that is a host and perhaps a port, and nothing else: no user before it, and nothing
/// after the bracket of an IPv6 address.
fn host_of(authority: &Authority) -> Option<&str> {
    let host = authority.host();
    let rest = authority.as_str().strip_prefix(host)?;
    let is_port = |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    (rest.is_empty() || is_port(rest)).then_some(host)
}

/// A host as an authority names it: without a port, an IPv6 address in brackets.
fn name_of(host: &str) -> String {
    let host = host.trim();
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.parse::<Authority>().map_or_else(|_| host.to_owned(), |authority| authority.host().to_owned()),
    }
}

enum Bearer<'a> {
    None,
    Malformed,
    Token(&'a [u8]),
}

fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut stated = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (stated.next(), stated.next()) {
        (None, _) => return Bearer::None,
        (Some(value), None) => value.as_bytes(),
        (Some(_), Some(_)) => return Bearer::Malformed,
    };
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => Bearer::Token(token.trim_ascii()),
        _ => Bearer::Malformed,
    }
}

fn unauthorized(detail: &'static str) -> Refused {
    Refused::new(StatusCode::UNAUTHORIZED, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_alone() {
        let token = Token::new("alice", " s3cret\n").unwrap();
        let is = |presented: &str| bool::from(token.is(presented.as_bytes()));
        assert!(is("s3cret"));
        for other in ["", "s", "s3cre", "s3cres", "S3cret", "s3crets3cret", "s3crets", "xs3cret"] {
            assert!(!is(other), "{other}");
        }
    }

    #[test]
    fn an_empty_token_is_none() {
        assert!(Token::new("alice", " \n").is_none());
    }

    #[test]
    fn a_host_is_named_without_its_port() {
        assert_eq!(name_of("admin.example.com:8443"), "admin.example.com");
        assert_eq!(name_of("::1"), "[::1]");
        assert_eq!(name_of("[::1]:80"), "[::1]");
        assert_eq!(name_of("10.0.0.7"), "10.0.0.7");
    }
}
