//! A client of the admin API: the same views that the server writes, errors that say what to do.

mod builder;
mod changes;
mod error;
mod events;
mod exchange;
mod sse;

use std::fmt::{self, Write};

use serde_json::Value;

use super::{AlertView, AlertsView, BreakerView, HealthView, ListView, ResetView, StateView};
use crate::state::State;
use exchange::{Exchange, Method};

pub use builder::ClientBuilder;
pub use changes::Changes;
pub use error::ClientError;
pub use error::ClientErrorKind;
pub use events::Events;
pub use events::Happening;
pub use events::LiveEvent;

/// Talks to the admin API of a running service. Cheap to clone.
///
/// Every method asks once, on a connection of its own, and waits for at most the
/// [`timeout`](ClientBuilder::timeout). It needs a running tokio runtime. Redirects are not
/// followed, and proxies of the environment (`HTTP_PROXY`) are asked for addresses elsewhere only.
///
/// ```no_run
/// # async fn f() -> Result<(), breakerbox::admin::ClientError> {
/// use breakerbox::admin::Client;
///
/// let client = Client::builder("http://127.0.0.1:8080").token("secret").build()?;
/// for breaker in client.list().await? {
///     println!("{} is {}", breaker.name, breaker.state);
/// }
/// if client.is_open("payments").await? {
///     client.reset("payments").await?;
/// }
/// client.config("payments", [("failure_threshold", "3"), ("recovery_timeout", "1m30s")]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    exchange: Exchange,
}

impl Client {
    /// A client without a token, which may look where reading is open, and change nothing.
    ///
    /// `url` is where the router is mounted, prefix included: `http://127.0.0.1:8080`,
    /// `http://[::1]:8080/admin`. Without a scheme it is `http`.
    ///
    /// # Errors
    /// An address that cannot be used; it must hold no user, password, query or fragment.
    pub fn new(url: &str) -> Result<Client, ClientError> {
        Client::builder(url).build()
    }

    /// A client with a token, another timeout, another user agent.
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    /// Where the client sends its requests.
    pub fn url(&self) -> &str {
        self.exchange.at()
    }

    /// All breakers, by name.
    pub async fn list(&self) -> Result<Vec<BreakerView>, ClientError> {
        let list: ListView = self.exchange.json(Method::Get, "/circuit-breakers", None, None).await?;
        Ok(list.circuit_breakers)
    }

    /// The breakers that are in a state, by name. Forced ones count as what callers meet.
    pub async fn list_in(&self, state: State) -> Result<Vec<BreakerView>, ClientError> {
        let query = format!("state={state}");
        let list: ListView = self.exchange.json(Method::Get, "/circuit-breakers", Some(&query), None).await?;
        Ok(list.circuit_breakers)
    }

    /// One breaker.
    pub async fn get(&self, name: &str) -> Result<BreakerView, ClientError> {
        self.exchange.json(Method::Get, &path(name, "")?, None, None).await
    }

    /// The state and the mode of one breaker.
    pub async fn state(&self, name: &str) -> Result<StateView, ClientError> {
        self.exchange.json(Method::Get, &path(name, "/state")?, None, None).await
    }

    /// Whether a breaker refuses its callers: open, or forced open.
    pub async fn is_open(&self, name: &str) -> Result<bool, ClientError> {
        Ok(self.state(name).await?.state == State::Open)
    }

    /// Closes a breaker, empties its window and ends its mode; its counters stay. Answers what it is then.
    pub async fn reset(&self, name: &str) -> Result<BreakerView, ClientError> {
        self.command(name, "/reset").await
    }

    /// Resets all breakers, and tells how many.
    pub async fn reset_all(&self) -> Result<usize, ClientError> {
        let done: ResetView = self.exchange.json(Method::Post, "/circuit-breakers/reset-all", None, None).await?;
        Ok(done.reset)
    }

    /// Refuses every call until told otherwise.
    pub async fn force_open(&self, name: &str) -> Result<BreakerView, ClientError> {
        self.command(name, "/force-open").await
    }

    /// Admits every call and records nothing until told otherwise.
    pub async fn disable(&self, name: &str) -> Result<BreakerView, ClientError> {
        self.command(name, "/disable").await
    }

    /// Admits and records every call and opens on nothing until told otherwise.
    pub async fn metrics_only(&self, name: &str) -> Result<BreakerView, ClientError> {
        self.command(name, "/metrics-only").await
    }

    /// Ends a mode; the state underneath goes on.
    pub async fn auto(&self, name: &str) -> Result<BreakerView, ClientError> {
        self.command(name, "/auto").await
    }

    /// Changes the settings that are named, and keeps the others: from keys and values, or a
    /// [`ConfigBuilder`](crate::ConfigBuilder).
    ///
    /// # Errors
    /// [`Refused`](ClientErrorKind::Refused) if the server does not accept one of them; then nothing has changed,
    /// and [`key`](ClientError::key) tells which.
    pub async fn config(&self, name: &str, changes: impl Into<Changes>) -> Result<BreakerView, ClientError> {
        let body = changes.into().into_json();
        self.exchange.json(Method::Put, &path(name, "/config")?, None, Some(body)).await
    }

    /// The active alerts.
    pub async fn alerts(&self) -> Result<Vec<AlertView>, ClientError> {
        let alerts: AlertsView = self.exchange.json(Method::Get, "/alerts", None, None).await?;
        Ok(alerts.alerts)
    }

    /// How many breakers are in which state, and whether one is open.
    pub async fn health(&self) -> Result<HealthView, ClientError> {
        self.exchange.json(Method::Get, "/health", None, None).await
    }

    /// The metrics in the text format of Prometheus.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        self.exchange.text("/metrics").await
    }

    /// The description of the API.
    pub async fn openapi(&self) -> Result<Value, ClientError> {
        self.exchange.json(Method::Get, "/openapi.json", None, None).await
    }

    /// What happens to all breakers, from now on. Connects when it is first asked.
    pub fn events(&self) -> Events {
        Events::new(self.exchange.clone(), "/circuit-breakers/events".to_owned())
    }

    /// What happens to one breaker, from now on.
    pub fn events_of(&self, name: &str) -> Result<Events, ClientError> {
        Ok(Events::new(self.exchange.clone(), path(name, "/events")?))
    }

    async fn command(&self, name: &str, action: &str) -> Result<BreakerView, ClientError> {
        self.exchange.json(Method::Post, &path(name, action)?, None, None).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url()).finish_non_exhaustive()
    }
}

/// The path of a breaker. No breaker has a name that an address cannot hold, or that is another route.
fn path(name: &str, action: &str) -> Result<String, ClientError> {
    if ["", ".", "..", "events", "reset-all"].contains(&name) {
        let message = format!("no circuit breaker can be named '{name}'");
        return Err(ClientError::new(ClientErrorKind::NotFound, message));
    }
    let mut path = "/circuit-breakers/".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    Ok(path + action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path_whatever_it_holds() {
        assert_eq!(
            path("a/b?c#d%2F \t\u{fc}", "/reset").unwrap(),
            "/circuit-breakers/a%2Fb%3Fc%23d%252F%20%09%C3%BC/reset"
        );
        for name in ["", ".", "..", "events"] {
            assert_eq!(path(name, "").unwrap_err().kind(), ClientErrorKind::NotFound);
        }
        assert_eq!(path("...", "").unwrap(), "/circuit-breakers/...");
    }
}
