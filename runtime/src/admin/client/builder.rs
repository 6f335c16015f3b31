//! How a client is made.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;

use super::exchange::Exchange;
use super::{Client, ClientError, ClientErrorKind};

/// States what a client needs; [`build`](ClientBuilder::build) makes it.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    url: String,
    token: Option<String>,
    timeout: Duration,
    user_agent: String,
}

impl ClientBuilder {
    pub(super) fn new(url: &str) -> Self {
        ClientBuilder {
            url: url.to_owned(),
            token: None,
            timeout: Duration::from_secs(10),
            user_agent: concat!("breakerbox/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// The token of the admin API. Without one nothing can be changed. An empty one is none.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into()).filter(|token| !token.is_empty());
        self
    }

    /// How long to wait for a whole answer; for the stream of events, for its beginning. Default 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Who asks, as the server's log names it. Default `breakerbox/` and the version.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    /// An address, token or user agent that HTTP cannot carry.
    pub fn build(self) -> Result<Client, ClientError> {
        let url = read_url(&self.url)?;
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                setup("token", "the token holds characters that a header cannot carry, such as a line break")
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(self.user_agent)
            .connect_timeout(self.timeout)
            // A connection that is kept may be closed over there just when a command is sent, and none is sent twice.
            .pool_max_idle_per_host(0)
            .redirect(Policy::none());
        if is_loopback(&url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| setup("user_agent", format!("cannot make a client: {error}")))?;
        Ok(Client { exchange: Exchange::new(http, url, self.timeout, self.token.is_some()) })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("has_token", &self.token.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// `what` of the builder cannot be used.
fn setup(what: &str, message: impl Into<String>) -> ClientError {
    ClientError::new(ClientErrorKind::Setup, message).with_problem(None, Some(what.to_owned()))
}

/// An address may hold a password, so no error repeats one before it is known to hold none.
fn read_url(text: &str) -> Result<Url, ClientError> {
    let text = text.trim();
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| {
        setup("url", format!("the address is none ({error}): write http://HOST:PORT, or http://[::1]:8080 for IPv6"))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(setup("url", "the address must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(setup("url", "the address must not hold a user or a password: the admin API takes a token"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(setup("url", "the address must end with the prefix of the admin API, without `?` and `#`"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (text, at) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://localhost:8080"),
            (" http://[::1]:8080/ ", "http://[::1]:8080"),
            ("http://example.test/ops/breakers/", "http://example.test/ops/breakers"),
            ("https://example.test", "https://example.test"),
        ] {
            assert_eq!(Client::new(text).map(|client| client.url().to_owned()).as_deref(), Ok(at));
        }
    }

    #[test]
    fn an_unusable_address_is_refused_and_shows_no_password() {
        for text in ["", "http://", "::1", "ftp://example.test", "http://u:hunter2@h", "hunter2:x@h:y", "h?a=hunter2"] {
            let error = Client::new(text).expect_err(text);
            assert_eq!(error.kind(), ClientErrorKind::Setup, "{text}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let builder = Client::builder("http://h").token("hunter2");
        let client = builder.clone().build().expect("a client");
        assert!(!format!("{builder:?} {client:?} {client:#?}").contains("hunter2"));
        let error = Client::builder("http://h").token("hunter2\n").build().expect_err("a line break");
        assert!(error.to_string().contains("line break"));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn loopback_is_asked_without_a_proxy() {
        let is_loopback = |text: &str| is_loopback(&Url::parse(text).expect(text));
        for text in ["http://localhost", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:8080/x"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in ["http://localhost.example.test", "http://10.0.0.1", "http://[::2]"] {
            assert!(!is_loopback(text), "{text}");
        }
    }
}
