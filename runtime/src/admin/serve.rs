//! The admin API on a port of its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Redirect;
use axum::routing::get;
use axum::serve::Listener;
use futures_util::future::{pending, select};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::config::AdminConfig;
use super::routes::{self, Admin};
use crate::registry::Registry;

/// How long readers who do not read are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections there are at most, so that they do not use up what the service may open.
const CONNECTIONS: usize = 512;

/// How long a connection may take to send the head of its next request.
const HEAD: Duration = Duration::from_secs(10);

/// Where a [`Server`] listens. A port alone means loopback, so that nobody outside the machine reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(SocketAddr);

impl From<u16> for Address {
    fn from(port: u16) -> Self {
        Address((Ipv4Addr::LOCALHOST, port).into())
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Address(address)
    }
}

impl<A: Into<IpAddr>> From<(A, u16)> for Address {
    fn from(address: (A, u16)) -> Self {
        Address(address.into())
    }
}

/// The admin API of a registry, listening on a port of its own.
///
/// There are 512 connections at most; more wait until one ends. One that has not sent the head of its next
/// request within ten seconds is closed.
///
/// ```no_run
/// use breakerbox::admin::{AdminConfig, Server};
///
/// # async fn run() -> std::io::Result<()> {
/// let server = Server::bind(0, breakerbox::registry(), AdminConfig::new()).await?;
/// println!("http://{}/dashboard", server.local_addr());
/// server.run_until(async { /* a signal */ }).await
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    admin: Arc<Admin>,
}

impl Server {
    /// Listens. It answers to the address that it is bound to, besides what `config` allows; port 0 is a free one.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn bind(address: impl Into<Address>, registry: &Registry, config: AdminConfig) -> io::Result<Self> {
        let Address(address) = address.into();
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let mut admin = Admin::new(registry, config);
        if !address.ip().is_unspecified() {
            admin.access.allow(&address.ip().to_string());
        }
        tracing::info!(target: "breakerbox::admin", %address, "the admin API listens");
        if !address.ip().is_loopback() {
            tracing::warn!(target: "breakerbox::admin", %address, "the admin API can be reached from other machines");
        }
        Ok(Server { listener, address, admin: Arc::new(admin) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves for as long as the program runs.
    ///
    /// # Errors
    /// None that is known: what happens on one connection ends that connection alone.
    pub async fn run(self) -> io::Result<()> {
        self.run_until(pending()).await
    }

    /// Serves until `stop` is over. Streams end then, and requests under way are answered; who has not read to
    /// the end after five seconds is left behind.
    ///
    /// # Errors
    /// As for [`run`](Server::run).
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let Server { listener, admin, .. } = self;
        let root = Router::new().route("/", get(|| async { Redirect::temporary("dashboard") }));
        let app = routes::build(Arc::clone(&admin), root);
        let connections = GracefulShutdown::new();
        // The listener ends with this statement.
        select(pin!(stop), pin!(accept(listener, TowerToHyperService::new(app), &connections))).await;
        admin.feed.close();
        // Who does not read to the end is left behind.
        let _ = tokio::time::timeout(PATIENCE, connections.shutdown()).await;
        Ok(())
    }
}

/// Serves each connection in a task of its own, for ever.
async fn accept(mut listener: TcpListener, app: TowerToHyperService<Router>, connections: &GracefulShutdown) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Taken before the connection is: what comes beyond waits in the backlog and costs no descriptor.
        let place = Arc::clone(&places).acquire_owned().await;
        let (stream, peer) = Listener::accept(&mut listener).await;
        let app = app.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            app.call(request)
        });
        let served = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // What goes wrong on a connection ends it.
            let _ = served.await;
            drop(place);
        });
    }
}

/// Serves the admin API of a registry for as long as the program runs: [`Server::bind`] and [`Server::run`].
///
/// A port alone means loopback.
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// breakerbox::admin::serve(9000, breakerbox::registry(), breakerbox::admin::AdminConfig::new()).await
/// # }
/// ```
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve(address: impl Into<Address>, registry: &Registry, config: AdminConfig) -> io::Result<()> {
    Server::bind(address, registry, config).await?.run().await
}
