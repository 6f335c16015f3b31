//! A network that can be broken: a proxy between a store and its server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of what a server answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Line {
    /// It arrives.
    Good,
    /// It arrives that much later.
    Slow(Duration),
    /// It arrives a hundred bytes at a time, with that much between.
    Drip(Duration),
    /// It never arrives, and nobody hangs up. Also what is sent to the server is lost.
    Silent,
    /// So many bytes arrive, then the connection is closed.
    Torn(usize),
    /// Whoever connects is hung up on.
    Cut,
}

struct Shared {
    line: Mutex<Line>,
    server: AtomicU16,
    ended: AtomicBool,
    connections: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            line: Mutex::new(Line::Good),
            server: AtomicU16::new(server),
            ended: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let state = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if state.ended.load(Ordering::Relaxed) {
                    return;
                }
                state.connections.fetch_add(1, Ordering::Relaxed);
                if state.line() == Line::Cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", state.server.load(Ordering::Relaxed))) else {
                    continue;
                };
                let pairs = [(client.try_clone(), server.try_clone()), (server.try_clone(), client.try_clone())];
                for (number, (from, to)) in pairs.into_iter().enumerate() {
                    let (Ok(from), Ok(to), state) = (from, to, state.clone()) else { continue };
                    std::thread::spawn(move || state.carry(from, to, number == 1));
                }
                state.open.lock().expect("nobody panics").extend([client, server]);
            }
        });
        Proxy { port, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, line: Line) {
        *self.shared.line.lock().expect("nobody panics") = line;
        if line == Line::Cut {
            self.hang_up();
        }
    }

    /// Who connects from now on comes to another server.
    pub(crate) fn lead_to(&self, server: u16) {
        self.shared.server.store(server, Ordering::Relaxed);
    }

    fn hang_up(&self) {
        for stream in self.shared.open.lock().expect("nobody panics").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How often somebody has connected.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.hang_up();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn line(&self) -> Line {
        *self.line.lock().expect("nobody panics")
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, is_answer: bool) {
        let mut buffer = [0; 4096];
        while let Ok(mut length @ 1..) = from.read(&mut buffer) {
            // What arrives is of the line as it is now, not as it will be when it has gone.
            let line = self.line();
            match line {
                Line::Silent => continue,
                Line::Slow(time) if is_answer => std::thread::sleep(time),
                Line::Drip(time) if is_answer => {
                    for part in buffer[..length].chunks(100) {
                        std::thread::sleep(time);
                        if to.write_all(part).is_err() {
                            break;
                        }
                    }
                    continue;
                }
                Line::Torn(most) if is_answer => length = length.min(most),
                _ => {}
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
            if is_answer && matches!(line, Line::Torn(_)) {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}
