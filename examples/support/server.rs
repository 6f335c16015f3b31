//! An HTTP/1.1 server on a free port of this machine, that goes down in several ways on command.

use std::convert::Infallible;
use std::fmt;
use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, server::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time;

/// What the server does with a request.
#[allow(dead_code, reason = "each example uses some of them")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Answers it.
    Works,
    /// Never sees it: the port is closed.
    Refuses,
    /// Answers 503.
    Unavailable,
    /// Takes it and never answers.
    Hangs,
    /// Answers two requests in three, and 503 to the third.
    Flaky,
    /// Answers after 400 ms.
    Slow,
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Behaviour::Works => "works",
            Behaviour::Refuses => "refuses",
            Behaviour::Unavailable => "503",
            Behaviour::Hangs => "hangs",
            Behaviour::Flaky => "flaky",
            Behaviour::Slow => "slow",
        })
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    behaviour: watch::Sender<Behaviour>,
    requests: Arc<AtomicU64>,
    /// Holds the port; `None` while it is closed.
    listening: Option<JoinHandle<()>>,
}

impl Server {
    /// A server that works.
    pub(crate) async fn start() -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (behaviour, watching) = watch::channel(Behaviour::Works);
        let requests = Arc::default();
        let listening = Some(tokio::spawn(serve(listener, watching, Arc::clone(&requests))));
        Ok(Server { address, behaviour, requests, listening })
    }

    /// How many requests it has got so far.
    #[allow(dead_code, reason = "not every example asks")]
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn behave(&mut self, behaviour: Behaviour) -> io::Result<()> {
        self.behaviour.send_replace(behaviour);
        if behaviour == Behaviour::Refuses {
            self.close().await;
        } else if self.listening.is_none() {
            let listener = self.reopen().await?;
            let requests = Arc::clone(&self.requests);
            self.listening = Some(tokio::spawn(serve(listener, self.behaviour.subscribe(), requests)));
        }
        Ok(())
    }

    /// Closes the port and every connection.
    pub(crate) async fn close(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            let _ = listening.await;
        }
    }

    /// Takes the same port again. It was free for a while, so somebody may hold it for a moment.
    async fn reopen(&self) -> io::Result<TcpListener> {
        for _ in 0..50 {
            match TcpListener::bind(self.address).await {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => time::sleep(Duration::from_millis(50)).await,
                bound => return bound,
            }
        }
        TcpListener::bind(self.address).await
    }
}

/// Serves until it is aborted, and all connections with it.
async fn serve(listener: TcpListener, behaviour: watch::Receiver<Behaviour>, requests: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let behaviour = behaviour.clone();
                    let requests = Arc::clone(&requests);
                    let service = service_fn(move |request| {
                        let behaviour = *behaviour.borrow();
                        let before = requests.fetch_add(1, Ordering::Relaxed);
                        answer(request, behaviour, before.is_multiple_of(3))
                    });
                    connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
                // Out of file descriptors, for one: it passes, and must not be a busy loop.
                Err(_) => time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    behaviour: Behaviour,
    is_third: bool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if behaviour == Behaviour::Slow {
        time::sleep(Duration::from_millis(400)).await;
    }
    let (status, body) = match (behaviour, request.uri().path()) {
        (Behaviour::Hangs, _) => future::pending().await,
        (Behaviour::Flaky, _) if is_third => (StatusCode::SERVICE_UNAVAILABLE, "try again"),
        (Behaviour::Unavailable, _) => (StatusCode::SERVICE_UNAVAILABLE, "down for maintenance"),
        (_, "/price/tea") => (StatusCode::OK, "420"),
        (_, "/stock/tea") => (StatusCode::OK, "17"),
        _ => (StatusCode::NOT_FOUND, "no such page"),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    Ok(response)
}
