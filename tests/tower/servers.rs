//! Backends on real sockets that are sick in one way or another, on command.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Works,
    /// Answers 503.
    Unavailable,
    /// Takes the request and says nothing.
    Hangs,
    /// Takes 300 ms.
    Slow,
    /// Closes within the head of the answer.
    HalfAHead,
    /// Closes within the body of the answer, whose head was fine.
    HalfABody,
}

/// An HTTP/1.1 server that answers one request a connection. Ended when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) mode: watch::Sender<Mode>,
    requests: Arc<AtomicU64>,
    listening: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(mode: Mode) -> Server {
        Self::start_at("127.0.0.1:0".parse().unwrap(), mode).await
    }

    /// At a port that was free a moment ago.
    pub(crate) async fn start_at(address: SocketAddr, mode: Mode) -> Server {
        let listener = bind(address).await;
        let address = listener.local_addr().unwrap();
        let (mode, watching) = watch::channel(mode);
        let requests = Arc::default();
        let listening = tokio::spawn(serve(listener, watching, Arc::clone(&requests)));
        Server { address, mode, requests, listening }
    }

    /// How many requests have come so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Closes the port and every connection.
    pub(crate) async fn stop(mut self) -> SocketAddr {
        self.listening.abort();
        let _ = (&mut self.listening).await;
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Takes a port, which somebody may hold for a moment.
pub(crate) async fn bind(address: SocketAddr) -> TcpListener {
    for _ in 0..100 {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{address} is taken");
}

async fn serve(listener: TcpListener, mode: watch::Receiver<Mode>, requests: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, mode.clone(), Arc::clone(&requests)));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(mut stream: TcpStream, mode: watch::Receiver<Mode>, requests: Arc<AtomicU64>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let mode = *mode.borrow();
    let answer = match mode {
        Mode::Works | Mode::Slow => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
        Mode::Unavailable => "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        Mode::Hangs => return std::future::pending().await,
        Mode::HalfAHead => "HTTP/1.1 200 OK\r\nconnec",
        Mode::HalfABody => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhe",
    };
    if mode == Mode::Slow {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let _ = stream.write_all(answer.as_bytes()).await;
}
