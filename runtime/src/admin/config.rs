//! What the admin API is told about who may use it.

use std::fmt;
use std::sync::Arc;

use super::auth::Token;
use crate::observe::Prometheus;

/// The variable that holds the token, if the program states none.
pub(super) const TOKEN_VARIABLE: &str = "CIRCUIT_BREAKER_ADMIN_TOKEN";

/// Who may use the admin API, and under which names it is reached.
///
/// By default everybody who reaches it may read, and nobody may write until there is a token:
/// stated here, or by the variable `CIRCUIT_BREAKER_ADMIN_TOKEN`. It answers to the host names
/// `localhost`, `127.0.0.1` and `[::1]` alone.
///
/// ```
/// use breakerbox::admin::AdminConfig;
///
/// let config = AdminConfig::new().service("shop").token("s3cret").allow_host("admin.example.com");
/// assert!(!format!("{config:?}").contains("s3cret"));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct AdminConfig {
    pub(super) tokens: Vec<Token>,
    pub(super) writes_are_open: bool,
    pub(super) reads_are_protected: bool,
    pub(super) hosts: Vec<String>,
    pub(super) any_host: bool,
    pub(super) service: Option<Arc<str>>,
    pub(super) metrics: Option<Arc<Prometheus>>,
}

impl AdminConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that writes need, as `Authorization: Bearer <token>`. Events and logs name whoever uses it `admin`.
    ///
    /// It takes the place of the variable. Spaces around it are cut off; an empty one is none.
    pub fn token(self, token: impl AsRef<str>) -> Self {
        self.token_for("admin", token)
    }

    /// A token of somebody, whom events and logs then name. There may be several.
    pub fn token_for(mut self, who: impl AsRef<str>, token: impl AsRef<str>) -> Self {
        self.tokens.extend(Token::new(who.as_ref(), token.as_ref()));
        self
    }

    /// Lets everybody write who reaches the port, without a token. Events and logs name them `anonymous`.
    pub fn allow_unauthenticated_writes(mut self) -> Self {
        self.writes_are_open = true;
        self
    }

    /// Asks for a token for reading too. Health, metrics, the empty page and the description of the API stay open.
    pub fn protect_reads(mut self) -> Self {
        self.reads_are_protected = true;
        self
    }

    /// A name, or an address, under which the API is reached, besides `localhost`, `127.0.0.1` and `[::1]`;
    /// on any port.
    ///
    /// Other names are refused with the status 421, so that no page of another site can reach it by
    /// having its own name point here (DNS rebinding).
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Answers to every host name: for a server behind a proxy that checks the name itself, or whose addresses
    /// nobody knows beforehand.
    pub fn allow_any_host(mut self) -> Self {
        self.any_host = true;
        self
    }

    /// The name of the service, which `/health` and the page tell. Default none.
    pub fn service(mut self, name: impl AsRef<str>) -> Self {
        self.service = Some(name.as_ref().into());
        self
    }

    /// What `/metrics` renders. Default `Prometheus::new` of the registry.
    pub fn metrics(mut self, metrics: Prometheus) -> Self {
        self.metrics = Some(Arc::new(metrics));
        self
    }

    /// The tokens stated here, or that of the environment.
    pub(super) fn take_tokens(&mut self) -> Vec<Token> {
        let stated = std::mem::take(&mut self.tokens);
        if stated.is_empty() {
            let variable = std::env::var_os(TOKEN_VARIABLE).unwrap_or_default();
            return Token::new("admin", &variable.to_string_lossy()).into_iter().collect();
        }
        stated
    }
}

impl fmt::Debug for AdminConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminConfig")
            .field("tokens", &self.tokens)
            .field("writes_are_open", &self.writes_are_open)
            .field("reads_are_protected", &self.reads_are_protected)
            .field("hosts", &self.hosts)
            .field("any_host", &self.any_host)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
