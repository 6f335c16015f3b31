//! Which breaker a request goes through: by its host, by a key of the user's, or one for all. What is
//! made of the answer is `judgement`.

use std::fmt;
use std::sync::Arc;

use reqwest::{Request, Url};

use crate::handle::CircuitBreaker;
use crate::registry::KeyedCircuitBreaker;

type KeyOf = Arc<dyn Fn(&Request) -> String + Send + Sync>;

/// One breaker for all requests, or one of a family by a key.
#[derive(Clone)]
pub(super) enum Scope {
    One(CircuitBreaker),
    Host(KeyedCircuitBreaker),
    Key(KeyedCircuitBreaker, KeyOf),
}

impl Scope {
    /// The breaker that a request asks.
    pub(super) fn of(&self, request: &Request) -> CircuitBreaker {
        match self {
            Scope::One(breaker) => breaker.clone(),
            Scope::Host(family) => family.get_display(&Host(request.url())),
            Scope::Key(family, key) => family.get(&key(request)),
        }
    }

    /// Whether redirects have led away from the host that was asked, so that its breaker is not meant.
    pub(super) fn is_elsewhere(&self, asked: &Url, came_to: &Url) -> bool {
        matches!(self, Scope::Host(_)) && Host(asked) != Host(came_to)
    }

    /// The same family, with keys of the user's.
    pub(super) fn keyed_by(self, key: KeyOf) -> Self {
        match self {
            Scope::One(breaker) => Scope::One(breaker),
            Scope::Host(family) | Scope::Key(family, _) => Scope::Key(family, key),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::One(breaker) => f.debug_tuple("One").field(&breaker.name()).finish(),
            Scope::Host(family) => f.debug_tuple("Host").field(&family.name()).finish(),
            Scope::Key(family, _) => f.debug_tuple("Key").field(&family.name()).finish_non_exhaustive(),
        }
    }
}

/// A host as the key of its breaker: with its port, if that is not 443. So `http` and `https` are two hosts, for they are
/// two servers.
#[derive(Clone, Copy)]
pub(super) struct Host<'a>(pub(super) &'a Url);

impl Host<'_> {
    fn parts(&self) -> (&str, Option<u16>) {
        // In lower case already. A dot at the end makes no other host of it.
        let host = self.0.host_str().map(|host| host.strip_suffix('.').unwrap_or(host));
        let port = self.0.port().or_else(|| (self.0.scheme() == "http").then_some(80));
        (host.filter(|host| !host.is_empty()).unwrap_or("-"), port.filter(|&port| port != 443))
    }
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = self.parts();
        f.write_str(host)?;
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> String {
        Host(&Url::parse(url).unwrap()).to_string()
    }

    #[test]
    fn a_host_is_known_by_its_name_and_a_port_of_its_own() {
        assert_eq!(key("https://user:secret@API.example.com/a?b#c"), "api.example.com");
        assert_eq!(key("https://api.example.com:443/"), "api.example.com");
        assert_eq!(key("http://api.example.com:8080/"), "api.example.com:8080");
        assert_eq!(key("http://[::1]:8080/"), "[::1]:8080");
        assert_eq!(key("https://bücher.example/"), "xn--bcher-kva.example");
        assert_eq!(key("https://api.example.com./"), "api.example.com");
        assert_eq!(key("data:text/plain,x"), "-");
        assert_eq!(key("http://./"), "-:80");
    }

    #[test]
    fn two_servers_of_one_host_are_two_hosts() {
        assert_eq!(key("http://api.example.com/"), "api.example.com:80");
        assert_eq!(key("http://api.example.com:80/"), "api.example.com:80");
        assert_eq!(key("https://api.example.com:80/"), "api.example.com:80");
        assert_eq!(key("http://api.example.com:443/"), "api.example.com");
    }
}
