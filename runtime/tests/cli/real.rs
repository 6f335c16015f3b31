//! The real admin API, served for a test.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use breakerbox::admin::{AdminConfig, Server};
use breakerbox::{CircuitBreaker, Config, Registry};
use tokio::sync::oneshot;

/// A server on a port of loopback that ends with the test.
pub(crate) struct Real {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Real {
    pub(crate) fn start(registry: &Registry, config: AdminConfig) -> Real {
        Real::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), registry, config)
    }

    pub(crate) fn start_at(address: SocketAddr, registry: &Registry, config: AdminConfig) -> Real {
        let registry = registry.clone();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let (stop, stops) = oneshot::channel::<()>();
        let server = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let server = Server::bind(address, &registry, config).await.expect("the port is free");
                ready.send(server.local_addr()).expect("the test waits");
                let stopped = async { drop(stops.await) };
                server.run_until(stopped).await.expect("it serves");
            });
        });
        Real { address: is_ready.recv().expect("it listens"), stop: Some(stop), server: Some(server) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// A registry with breakers of these names; those that begin with `open` are open.
pub(crate) fn registry(names: &[&str]) -> Registry {
    let registry = Registry::new();
    for name in names {
        let breaker = registry.get_or_insert(name, Config::default()).expect("a good name");
        if name.starts_with("open") {
            trip(&breaker);
        }
    }
    registry
}

pub(crate) fn trip(breaker: &CircuitBreaker) {
    for _ in 0..5 {
        breaker.record_failure();
    }
}

/// An API that takes commands from whoever has this token.
pub(crate) const TOKEN: &str = "s3cret";

pub(crate) fn writable() -> AdminConfig {
    AdminConfig::new().token(TOKEN)
}
