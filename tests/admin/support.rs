//! A registry behind a real server, and clients of it. Each answer is held against the description
//! of the API.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use breakerbox::admin::{self, AdminConfig};
use breakerbox::{CircuitBreaker, Config, ManualClock, Registry};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::schema;

/// How long anything may take on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const TOKEN: &str = "correct horse";

pub(crate) struct Rig {
    pub(crate) registry: Registry,
    pub(crate) clock: ManualClock,
    pub(crate) address: SocketAddr,
    /// What comes between the address and the routes.
    pub(crate) prefix: &'static str,
    client: reqwest::Client,
}

/// A config that no variable of the machine reaches: it has a token.
pub(crate) fn with_token() -> AdminConfig {
    AdminConfig::new().token(TOKEN)
}

impl Rig {
    pub(crate) async fn new(config: AdminConfig) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::with_clock(clock.clone());
        let router = admin::router(&registry, config);
        Rig { clock, ..Rig::serve(registry, router, "").await }
    }

    pub(crate) async fn serve(registry: Registry, router: axum::Router, prefix: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = router.into_make_service_with_connect_info::<SocketAddr>();
        // Ends with the runtime of the test.
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        Rig { registry, clock: ManualClock::new(), address, prefix, client: client.build().unwrap() }
    }

    pub(crate) fn breaker(&self, name: &str) -> CircuitBreaker {
        self.registry.get_or_insert(name, Config::default()).unwrap()
    }

    pub(crate) fn open(&self, name: &str) -> CircuitBreaker {
        let breaker = self.breaker(name);
        while !breaker.is_open() {
            breaker.record_failure();
        }
        breaker
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{}{path}", self.address, self.prefix)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// With the token.
    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path).bearer_auth(TOKEN)).await
    }

    /// With the token.
    pub(crate) async fn put(&self, path: &str, body: impl Into<String>) -> Answer {
        let request = self.request(Method::PUT, path).bearer_auth(TOKEN);
        self.send(request.header("content-type", "application/json").body(body.into())).await
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, text: response.text().await.unwrap() };
        let path = path.strip_prefix(self.prefix).unwrap_or(&path);
        schema::check_answer(&method, path, &answer);
        answer
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The detail of a problem of this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], status);
        problem["detail"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
}

/// Sends these bytes and reads until the server closes the connection.
pub(crate) async fn raw(address: SocketAddr, bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A server that has seen enough may have closed the connection.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}

/// The status of a raw answer.
#[track_caller]
pub(crate) fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status in {answer:?}"))
}
