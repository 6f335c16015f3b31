//! The admin API on a port of its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use futures_util::future::{Either, pending, select};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::config::AdminConfig;
use super::routes::{self, Admin};
use crate::registry::Registry;

/// How long readers who do not read are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

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
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let (stopped, stops) = oneshot::channel();
        let served = axum::serve(listener, app).with_graceful_shutdown(async move {
            stop.await;
            admin.feed.close();
            // Nobody waits for it if the server has ended already.
            let _ = stopped.send(());
        });
        let patience = async {
            if stops.await.is_err() {
                pending::<()>().await;
            }
            tokio::time::sleep(PATIENCE).await;
        };
        match select(pin!(served.into_future()), pin!(patience)).await {
            Either::Left((result, _)) => result,
            Either::Right(((), _)) => Ok(()),
        }
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
