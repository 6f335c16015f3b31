//! A real HTTP/1.1 server on a free port of this machine, sick on command. Written by hand, for it has to do what no
//! server wants to do: hang, and close half-way.

use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::script::{Behaviour, LATE, Phase, SLOW};

/// What reached a server in each phase.
#[derive(Debug, Default)]
pub struct Seen {
    /// Requests whose head has been read.
    requests: [AtomicU64; 3],
    /// Connections that were accepted.
    connections: [AtomicU64; 3],
    /// Connections that the closed port refused. Only the client can know of them.
    refused: [AtomicU64; 3],
    /// What chance is drawn from: one for each trial, the same for all clients.
    chance: u64,
}

impl Seen {
    /// What the server, or its closed port, had to do with in a phase: requests, and connections that came to nothing.
    pub fn reached(&self, phase: Phase) -> u64 {
        self.requests[phase as usize].load(Ordering::Relaxed) + self.refused[phase as usize].load(Ordering::Relaxed)
    }

    pub fn connections(&self, phase: Phase) -> u64 {
        self.connections[phase as usize].load(Ordering::Relaxed) + self.refused[phase as usize].load(Ordering::Relaxed)
    }

    pub fn refused(&self, phase: Phase) {
        self.refused[phase as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// What a server does now, and in which phase of the trial that is.
pub type Order = (Phase, Behaviour);

pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    orders: mpsc::Sender<(Order, oneshot::Sender<io::Result<()>>)>,
    current: watch::Receiver<Order>,
}

impl Server {
    /// A server that works. It ends when it is dropped.
    pub async fn start(runtime: &Handle, retry_after: Duration, chance: u64) -> io::Result<Server> {
        let (orders, ordered) = mpsc::channel(1);
        let (telling, current) = watch::channel((Phase::Healthy, Behaviour::Works));
        let seen = Arc::new(Seen { chance, ..Seen::default() });
        let (bound, binding) = oneshot::channel();
        let task = Task {
            ordered,
            connection: Connection { current: current.clone(), seen: Arc::clone(&seen), retry_after },
            telling,
        };
        runtime.spawn(async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
                Ok((address, listener)) => {
                    let _ = bound.send(Ok(address));
                    task.run(address, listener).await;
                }
                Err(error) => drop(bound.send(Err(error))),
            }
        });
        let address = binding.await.map_err(io::Error::other)??;
        Ok(Server { address, seen, orders, current })
    }

    pub async fn behave(&self, phase: Phase, behaviour: Behaviour) -> io::Result<()> {
        let (done, doing) = oneshot::channel();
        self.orders.send(((phase, behaviour), done)).await.map_err(io::Error::other)?;
        doing.await.map_err(io::Error::other)?
    }

    /// The current phase, for what the client counts.
    pub fn phase(&self) -> impl Fn() -> Phase + Clone + Send + Sync + 'static {
        let current = self.current.clone();
        move || current.borrow().0
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

struct Task {
    ordered: mpsc::Receiver<(Order, oneshot::Sender<io::Result<()>>)>,
    telling: watch::Sender<Order>,
    connection: Connection,
}

impl Task {
    async fn run(mut self, address: SocketAddr, listener: TcpListener) {
        let mut listening = Some(listener);
        // Holds the port while nobody listens, so that no client of this machine gets it as its own.
        let mut held: Option<TcpSocket> = None;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                order = self.ordered.recv() => {
                    let Some((order, done)) = order else { return };
                    let mut result = Ok(());
                    self.telling.send_replace(order);
                    if order.1 == Behaviour::Refuses {
                        drop(listening.take());
                        connections.shutdown().await;
                        held = bind(address).ok();
                    } else if listening.is_none() {
                        drop(held.take());
                        match listen(address).await {
                            Ok(listener) => listening = Some(listener),
                            Err(error) => result = Err(error),
                        }
                    }
                    let _ = done.send(result);
                }
                accepted = accept(listening.as_ref()) => if let Ok((stream, _)) = accepted {
                    let connection = self.connection.clone();
                    connections.spawn(async move {
                        // An error is the client's going away.
                        let _ = connection.serve(stream).await;
                    });
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => future::pending().await,
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Listens on a port again.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    for _ in 0..50 {
        match bind(address).and_then(|socket| socket.listen(1024)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => sleep(Duration::from_millis(20)).await,
            listening => return listening,
        }
    }
    bind(address)?.listen(1024)
}

#[derive(Clone)]
struct Connection {
    current: watch::Receiver<Order>,
    seen: Arc<Seen>,
    retry_after: Duration,
}

impl Connection {
    async fn serve(self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let phase = self.current.borrow().0;
        self.seen.connections[phase as usize].fetch_add(1, Ordering::Relaxed);
        let mut buffer = [0; 4096];
        let mut filled = 0;
        loop {
            // The clients send no bodies and do not pipeline, so the end of a head is the end of what there is.
            while !buffer[..filled].ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer[filled..]).await? {
                    0 => return Ok(()),
                    read => filled += read,
                }
            }
            filled = 0;
            let (phase, behaviour) = *self.current.borrow();
            let number = self.seen.requests[phase as usize].fetch_add(1, Ordering::Relaxed);
            match behaviour {
                // A closed port: what is under way when it closes is cut off with the connection.
                Behaviour::Hangs | Behaviour::Abandoned | Behaviour::Refuses => return hang(&mut stream).await,
                Behaviour::Late => sleep(LATE).await,
                Behaviour::Slow => sleep(SLOW).await,
                _ => {}
            }
            match behaviour {
                Behaviour::HalfWay => {
                    let answer = answer("200 OK", "");
                    return stream.write_all(&answer.as_bytes()[..answer.len() - BODY.len() / 2]).await;
                }
                Behaviour::RetryAfter => {
                    let header = format!("Retry-After: {}\r\n", self.retry_after.as_secs());
                    stream.write_all(answer("503 Service Unavailable", &header).as_bytes()).await?;
                }
                Behaviour::Unavailable => stream.write_all(answer("503 Service Unavailable", "").as_bytes()).await?,
                Behaviour::Flaky if Rng::with_seed((self.seen.chance << 32) + number).bool() => {
                    stream.write_all(answer("503 Service Unavailable", "").as_bytes()).await?;
                }
                _ => stream.write_all(answer("200 OK", "").as_bytes()).await?,
            }
        }
    }
}

/// Waits for the client to give up.
async fn hang(stream: &mut TcpStream) -> io::Result<()> {
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

const BODY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn answer(status: &str, header: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{header}\r\n{BODY}", BODY.len())
}
