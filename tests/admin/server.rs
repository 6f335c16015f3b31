//! The admin API on a port of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use breakerbox::admin::Server;
use breakerbox::{Config, Registry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::stream::Sse;
use crate::support::{PATIENCE, raw, status, with_token};

fn registry() -> Registry {
    let registry = Registry::new();
    registry.get_or_insert("quotes", Config::default()).unwrap();
    registry
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_alone_means_loopback() {
    let server = Server::bind(0, &registry(), with_token()).await.unwrap();
    let address = server.local_addr();
    assert!(address.ip().is_loopback() && address.port() != 0);
    tokio::spawn(server.run());
    let root = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = raw(address, root).await.to_lowercase();
    assert!(answer.contains("307") && answer.contains("location: dashboard\r\n"), "{answer}");
    assert!(answer.contains("content-security-policy: default-src 'none'"), "{answer}");
    let other = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&raw(address, other).await), 421);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_to_the_address_that_it_is_bound_to() {
    let server = Server::bind((IpAddr::from(Ipv4Addr::new(127, 0, 0, 5)), 0), &registry(), with_token()).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run());
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&raw(address, request).await), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_an_error() {
    let server = Server::bind(0, &registry(), with_token()).await.unwrap();
    let error = Server::bind(server.local_addr(), &registry(), with_token()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_the_streams_and_frees_the_port() {
    let server = Server::bind(0, &registry(), with_token()).await.unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));
    let mut reader = Sse::open(&format!("http://{address}/circuit-breakers/events"), None).await;
    assert_eq!(reader.next().await.unwrap().name, "snapshot");
    let begun = Instant::now();
    stop.send(()).unwrap();
    assert!(reader.next().await.is_none());
    tokio::time::timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_ever_for_who_does_not_read() {
    let registry = registry();
    // A snapshot that no buffer on the way holds.
    for number in 0..10_000 {
        registry.get_or_insert(&format!("breaker {number}"), Config::default()).unwrap();
    }
    let server = Server::bind(0, &registry, with_token()).await.unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));
    let _stalled = crate::readers::stalled(address).await;
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
}

/// Both ends of each connection are of this process: more than it may open by default.
fn allow_many_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(maximum.unwrap_or(4096).min(4096)), maximum }).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_are_limited_and_end() {
    allow_many_descriptors();
    let registry = registry();
    let server = Server::bind(0, &registry, with_token()).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run());
    let mut reader = Sse::open(&format!("http://{address}/circuit-breakers/events"), None).await;
    assert_eq!(reader.next().await.unwrap().name, "snapshot");
    let begun = Instant::now();
    let mut idle = Vec::new();
    for _ in 0..600 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: loc").await.unwrap();
        idle.push(stream);
    }
    let request = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&raw(address, request).await), 200);
    // It has waited for a place, which the first ones have given up after ten seconds.
    assert!(begun.elapsed() > Duration::from_secs(9), "{:?}", begun.elapsed());
    for stream in &mut idle[..500] {
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        ended.expect("an idle connection is closed").ok();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    }
    // What is answered may last longer than a head.
    registry.get_or_insert("late", Config::default()).unwrap();
    assert_eq!(reader.next().await.unwrap().name, "registered");
}
