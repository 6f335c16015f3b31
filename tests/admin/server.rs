//! The admin API on a port of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use breakerbox::admin::Server;
use breakerbox::{Config, Registry};
use tokio::sync::oneshot;

use crate::stream::Sse;
use crate::support::{raw, status, with_token};

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
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
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
