//! A server that answers with whatever bytes a test wants, or does not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a connection gets, in order. Then it is closed.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Keeps it open and says nothing until the client has gone.
    Hang,
    /// Sends the same for as long as the client takes it.
    Flood(Vec<u8>),
}

/// Serves one request a connection, on a free port of loopback, until it is dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Fake {
    /// The same for every request.
    pub(crate) fn always(acts: Vec<Act>) -> Fake {
        Fake::by_turn(move |_| acts.clone())
    }

    /// By the number of the connection, from 0.
    pub(crate) fn by_turn(answer: impl Fn(usize) -> Vec<Act> + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (heard, over) = (Arc::clone(&requests), Arc::clone(&is_over));
        let acceptor = thread::spawn(move || {
            for (turn, connection) in listener.incoming().flatten().enumerate() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (acts, heard) = (answer(turn), Arc::clone(&heard));
                thread::spawn(move || serve(connection, &acts, &heard));
            }
        });
        Fake { address, requests, is_over, acceptor: Some(acceptor) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no test panics with it").clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(mut connection: TcpStream, acts: &[Act], heard: &Mutex<Vec<String>>) {
    let _ = connection.set_read_timeout(Some(Duration::from_secs(60)));
    let Some(request) = request(&mut connection) else { return };
    heard.lock().expect("no test panics with it").push(request);
    for act in acts {
        match act {
            Act::Send(bytes) => drop(connection.write_all(bytes)),
            Act::Hang => while connection.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {},
            Act::Flood(bytes) => while connection.write_all(bytes).is_ok() {},
        }
    }
    // The client reads what was sent before it hears of the end.
    let _ = connection.shutdown(std::net::Shutdown::Write);
    while connection.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
}

fn request(connection: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match connection.read(&mut chunk) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
}

/// An answer with its head.
pub(crate) fn http(status: &str, kind: &str, body: &str) -> Vec<Act> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    vec![Act::Send((head + body).into_bytes())]
}

pub(crate) fn json(body: &str) -> Vec<Act> {
    http("200 OK", "application/json", body)
}

pub(crate) fn problem(status: &str, body: &str) -> Vec<Act> {
    http(status, "application/problem+json", body)
}

/// The beginning of a stream of events, and its first bytes.
pub(crate) fn stream(body: &str) -> Act {
    Act::Send(format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{body}").into_bytes())
}
