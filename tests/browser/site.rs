//! A registry behind a real admin server, on threads of its own. It can die and come back on the same port.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use breakerbox::admin::{self, AdminConfig};
use breakerbox::{CircuitBreaker, Config, Registry};
use tokio::runtime::{Builder, Runtime};

/// The token of `alice`.
pub(crate) const TOKEN: &str = "correct-horse";

pub(crate) struct Site {
    pub(crate) registry: Registry,
    pub(crate) address: SocketAddr,
    prefix: &'static str,
    runtime: Option<Runtime>,
}

/// A config that no variable of the machine reaches: it has a token.
pub(crate) fn with_token() -> AdminConfig {
    AdminConfig::new().token_for("alice", TOKEN)
}

impl Site {
    pub(crate) fn new() -> Self {
        Site::with(with_token())
    }

    pub(crate) fn with(config: AdminConfig) -> Self {
        Site::of(Registry::new(), config)
    }

    pub(crate) fn of(registry: Registry, config: AdminConfig) -> Self {
        let router = admin::router(&registry, config);
        Site::serve(registry, router, 0, "")
    }

    /// Serves a router, in which that of the registry is nested under a prefix.
    pub(crate) fn serve(registry: Registry, router: Router, port: u16, prefix: &'static str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
        });
        Site { registry, address, prefix, runtime: Some(runtime) }
    }

    /// Something else that goes on for as long as the server lives.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.as_ref().expect("it lives").spawn(task);
    }

    /// Where the page is.
    pub(crate) fn page(&self) -> String {
        format!("http://{}{}/dashboard", self.address, self.prefix)
    }

    /// A breaker that opens with the second failure in a row, for so long.
    pub(crate) fn breaker(&self, name: &str, recovery_timeout: Duration) -> CircuitBreaker {
        let config = Config::builder().failure_threshold(2).recovery_timeout(recovery_timeout).half_open_max_calls(1);
        self.registry.get_or_insert(name, config).unwrap()
    }
}

/// The server dies: its connections are cut, and nothing of it is left.
impl Drop for Site {
    fn drop(&mut self) {
        let runtime = self.runtime.take();
        // A runtime may not be ended on a thread of another one.
        thread::spawn(move || drop(runtime)).join().unwrap();
    }
}

/// Fails a breaker until it is open.
pub(crate) fn open(breaker: &CircuitBreaker) {
    while !breaker.is_open() {
        breaker.record_failure();
    }
}

/// Waits until something is so in this process.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "not so within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
