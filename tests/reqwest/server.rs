//! A server on a free port of this machine that answers as a test wants, down to bytes that are no HTTP, and counts
//! what reaches it. It is none of a framework, which would not let it misbehave.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time;

/// What the server does when the head of a request is there.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole answer with a small body.
    Answer(u16, Vec<(&'static str, String)>),
    /// Another reply, later.
    Late(Duration, Box<Reply>),
    /// None, and the connection stays open.
    Hang,
    /// These bytes as they are, and the end of the connection.
    Cut(&'static str),
    /// The same, but the connection stays open.
    Part(&'static str),
    /// Some bytes, and the others when somebody says so.
    Parts(&'static str, Arc<Notify>, &'static str),
}

impl Reply {
    pub(crate) fn status(status: u16) -> Reply {
        Reply::Answer(status, Vec::new())
    }

    pub(crate) fn retry_after(status: u16, value: &str) -> Reply {
        Reply::Answer(status, vec![("Retry-After", value.to_owned())])
    }

    pub(crate) fn after(self, time: Duration) -> Reply {
        Reply::Late(time, Box::new(self))
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Reply {
        Reply::Answer(status, vec![("Location", to.to_owned())])
    }
}

type Script = Box<dyn FnMut(usize, &str) -> Reply + Send>;

struct Shared {
    script: Mutex<Script>,
    /// Heads that have arrived, each as it came.
    heads: Mutex<Vec<String>>,
    aborted: AtomicUsize,
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Holds the port; `None` while it is closed.
    listening: Option<JoinHandle<()>>,
}

impl Server {
    /// A server that answers 200.
    pub(crate) async fn start() -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(|_, _| Reply::status(200))),
            heads: Mutex::default(),
            aborted: AtomicUsize::new(0),
        });
        let address = listener.local_addr().unwrap();
        Server { address, listening: Some(tokio::spawn(serve(listener, Arc::clone(&shared)))), shared }
    }

    pub(crate) fn always(&self, reply: Reply) {
        self.script(move |_, _| reply.clone());
    }

    /// What the `n`th request from now on is answered, counted from 0, by its head too.
    pub(crate) fn script(&self, mut script: impl FnMut(usize, &str) -> Reply + Send + 'static) {
        let mut begun = None;
        *self.shared.script.lock().unwrap() = Box::new(move |n, head| {
            let begun = *begun.get_or_insert(n);
            script(n - begun, head)
        });
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The key of its breaker.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many requests have reached it.
    pub(crate) fn requests(&self) -> usize {
        self.shared.heads.lock().unwrap().len()
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// How many clients went away while it kept them waiting.
    pub(crate) fn abandoned(&self) -> usize {
        self.shared.aborted.load(Ordering::SeqCst)
    }

    /// Closes the port and every connection: who calls now is refused by the system.
    pub(crate) async fn close(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            let _ = listening.await;
        }
    }

    /// Takes the port again.
    pub(crate) async fn reopen(&mut self) {
        for _ in 0..200 {
            match TcpListener::bind(self.address).await {
                Ok(listener) => {
                    self.listening = Some(tokio::spawn(serve(listener, Arc::clone(&self.shared))));
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => time::sleep(Duration::from_millis(50)).await,
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the port is taken");
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(talk(stream, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers one request after the other, until the connection ends.
async fn talk(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let number = {
            let mut heads = shared.heads.lock().unwrap();
            heads.push(head.clone());
            heads.len() - 1
        };
        let mut reply = (shared.script.lock().unwrap())(number, &head);
        read_body(&mut stream, &head).await?;
        while let Reply::Late(time, later) = reply {
            if wait(&mut stream, time, &shared).await {
                return Ok(());
            }
            reply = *later;
        }
        match reply {
            Reply::Late(..) => {}
            Reply::Cut(bytes) => {
                stream.write_all(bytes.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Reply::Part(bytes) => {
                stream.write_all(bytes.as_bytes()).await?;
                wait(&mut stream, Duration::from_secs(600), &shared).await;
                return Ok(());
            }
            Reply::Parts(first, go_on, rest) => {
                stream.write_all(first.as_bytes()).await?;
                go_on.notified().await;
                stream.write_all(rest.as_bytes()).await?;
            }
            Reply::Hang => {
                wait(&mut stream, Duration::from_secs(600), &shared).await;
                return Ok(());
            }
            Reply::Answer(status, headers) => answer(&mut stream, status, &headers, &head).await?,
        }
    }
}

/// Waits, and tells whether the client went away meanwhile.
async fn wait(stream: &mut BufReader<TcpStream>, time: Duration, shared: &Shared) -> bool {
    let is_gone = matches!(time::timeout(time, stream.read(&mut [0])).await, Ok(Ok(0) | Err(_)));
    shared.aborted.fetch_add(usize::from(is_gone), Ordering::SeqCst);
    is_gone
}

async fn read_body(stream: &mut BufReader<TcpStream>, head: &str) -> io::Result<()> {
    let lower = head.to_lowercase();
    if let Some((_, rest)) = lower.split_once("content-length: ") {
        let length: usize = rest.lines().next().unwrap_or_default().trim().parse().unwrap_or(0);
        stream.read_exact(&mut vec![0; length]).await?;
    } else if lower.contains("transfer-encoding: chunked") {
        let mut body = String::new();
        while !body.ends_with("0\r\n\r\n") {
            if stream.read_line(&mut body).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
    Ok(())
}

async fn answer(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    headers: &[(&str, String)],
    head: &str,
) -> io::Result<()> {
    let body = if head.starts_with("HEAD ") || matches!(status, 204 | 304) { "" } else { "fine" };
    let mut text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.extend([*name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).await
}
