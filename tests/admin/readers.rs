//! Readers who are slow, many, or gone: nobody waits for them, and nothing is left of them.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use breakerbox::{Clock, Registry, SystemClock, admin};

use crate::stream::SseEvent;
use crate::support::{PATIENCE, Rig, with_token};

/// A reader that has asked, has got its snapshot, and does not read.
pub(crate) async fn stalled(address: SocketAddr) -> std::net::TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(32_768).unwrap();
    let stream = socket.connect(address).await.unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    (&stream).write_all(b"GET /circuit-breakers/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    tokio::task::spawn_blocking(move || {
        let mut come = [0; 8_192];
        let begun = Instant::now();
        loop {
            let length = stream.peek(&mut come).unwrap();
            if String::from_utf8_lossy(&come[..length]).contains("event: snapshot") {
                break;
            }
            assert!(length > 0 && begun.elapsed() < PATIENCE, "there is no snapshot");
            std::thread::sleep(Duration::from_millis(1));
        }
        stream
    })
    .await
    .unwrap()
}

/// The memory of this process, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_do_not_read_slow_nothing_down_and_cost_no_memory() {
    const READERS: usize = 50;
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker(&"a name of a hundred and twenty-eight letters ".repeat(3)[..128]);
    let mut attentive = rig.events(None).await;
    attentive.find("snapshot").await;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(stalled(rig.address).await);
    }
    let before = resident();
    let begun = Instant::now();
    for _ in 0..5_000 {
        breaker.open();
        breaker.close();
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "10,000 transitions took {took:?}");
    // Queued for each of them, the events would be 250 MB.
    let grown = resident().saturating_sub(before);
    assert!(grown < 120_000_000, "{grown} bytes");
    // Who reads sees how it ended, by the event or, if it fell behind too, by the snapshot.
    breaker.force_open();
    loop {
        let event = attentive.next().await.unwrap();
        let shown = &event.data["circuit_breakers"][0]["mode"];
        if event.name == "mode" || shown == "forced_open" {
            break;
        }
    }

    // Who reads on is told what it missed, and how everything is.
    let reader = readers.pop().unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut reader = reader;
        let (mut seen, mut part) = (Vec::new(), vec![0; 65_536]);
        loop {
            let length = reader.read(&mut part).unwrap();
            assert!(length > 0, "the stream goes on");
            seen.extend_from_slice(&part[..length]);
            let text = String::from_utf8_lossy(&seen);
            let told = text.split("event: lagged\n").nth(1).and_then(|rest| rest.split_once("event: snapshot\n"));
            if let Some((missed, _)) = told {
                return missed.to_owned();
            }
        }
    });
    let missed = tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(missed.starts_with("data: {\"missed\":"), "{missed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_readers_hear_of_an_event_at_once() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("quotes");
    let mut readers = Vec::new();
    for _ in 0..3 {
        let mut reader = rig.events(None).await;
        reader.find("snapshot").await;
        readers.push(reader);
    }
    let mut slowest = Vec::new();
    for _ in 0..5 {
        breaker.record_success();
        // The next sample, which would wake them all, is a second away.
        for reader in &mut readers {
            reader.find("stats").await;
        }
        let begun = Instant::now();
        breaker.force_open();
        for reader in &mut readers {
            reader.find("mode").await;
        }
        slowest.push(begun.elapsed());
        breaker.auto();
        for reader in &mut readers {
            reader.find("stats").await;
        }
    }
    // Of a busy machine the best round counts.
    assert!(slowest.iter().min().unwrap() < &Duration::from_millis(400), "{slowest:?}");
}

/// The number of an event.
fn number(event: &SseEvent) -> u64 {
    event.id.as_ref().unwrap().split_once('-').unwrap().1.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_each_event_is_told_or_counted_as_missed() {
    let rig = Rig::new(with_token()).await;
    let breaker = rig.breaker("quotes");
    let mut reader = rig.events(None).await;
    let first = number(&reader.find("snapshot").await);
    let stormy = breaker.clone();
    let storm = tokio::task::spawn_blocking(move || {
        let (breaker, begun) = (stormy, Instant::now());
        while begun.elapsed() < Duration::from_secs(3) {
            breaker.open();
            breaker.close();
        }
        let transitions = breaker.status().totals.transitions;
        transitions.closed_to_open + transitions.open_to_closed
    });
    let (mut seen, mut told, mut missed) = (first, 0, 0);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(3_500) || !storm.is_finished() {
        let Ok(event) = tokio::time::timeout(Duration::from_secs(2), reader.next()).await else { break };
        let event = event.unwrap();
        match event.name.as_str() {
            "transition" => {
                assert_eq!(number(&event), seen + 1);
                (seen, told) = (seen + 1, told + 1);
            }
            "lagged" => {
                let count = event.data["missed"].as_u64().unwrap();
                let snapshot = reader.next().await.unwrap();
                assert_eq!((snapshot.name.as_str(), number(&snapshot)), ("snapshot", seen + count));
                (seen, missed) = (seen + count, missed + count);
            }
            other => assert_eq!(other, "stats"),
        }
    }
    let happened = storm.await.unwrap();
    // What is still on its way.
    while seen < first + happened {
        let event = reader.next().await.unwrap();
        match event.name.as_str() {
            "transition" => (seen, told) = (number(&event), told + 1),
            "lagged" => missed += event.data["missed"].as_u64().unwrap(),
            "snapshot" => seen = number(&event),
            other => assert_eq!(other, "stats"),
        }
    }
    assert_eq!((seen, told + missed), (first + happened, happened), "{told} told, {missed} missed");
    // After the storm all is told.
    for number_of_it in 1..=10 {
        breaker.open_for(Duration::from_secs(60));
        let event = reader.find("transition").await;
        assert_eq!(number(&event), seen + number_of_it);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_leave_leave_nothing_behind() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes");
    // As many as there may be, again and again.
    for _ in 0..3 {
        let mut readers = Vec::new();
        for _ in 0..256 {
            readers.push(stalled(rig.address).await);
        }
        let refused = rig.get("/circuit-breakers/events").await;
        assert!(refused.problem(503).contains("256 streams"));
        assert_eq!(refused.header("retry-after"), "5");
        drop(readers);
        let begun = Instant::now();
        while rig.request(reqwest::Method::GET, "/circuit-breakers/events").send().await.unwrap().status() != 200 {
            assert!(begun.elapsed() < PATIENCE, "those who left are still counted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A clock that counts how often it is read.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<AtomicUsize>);

impl Clock for Counting {
    fn now(&self) -> Duration {
        self.0.fetch_add(1, Ordering::Relaxed);
        SystemClock.now()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn breakers_are_looked_at_once_a_second_for_all_readers_and_never_for_none() {
    let clock = Counting::default();
    let registry = Registry::with_clock(clock.clone());
    let rig = Rig::serve(registry.clone(), admin::router(&registry, with_token()), "").await;
    let breaker = rig.open("quotes");
    breaker.force_open();
    let reads = |clock: &Counting| clock.0.load(Ordering::Relaxed);
    let idle = reads(&clock);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(reads(&clock), idle, "nobody listens");

    let one_look = {
        let before = reads(&clock);
        let mut reader = rig.events(None).await;
        reader.find("snapshot").await;
        reads(&clock) - before
    };
    assert!(one_look > 0);
    let mut readers = Vec::new();
    for _ in 0..30 {
        let mut reader = rig.events(None).await;
        reader.find("snapshot").await;
        readers.push(reader);
    }
    let (before, begun) = (reads(&clock), Instant::now());
    tokio::time::sleep(Duration::from_secs(4)).await;
    let looks = (reads(&clock) - before) / one_look;
    let most = begun.elapsed().as_secs() as usize + 2;
    assert!((2..=most).contains(&looks), "{looks} looks, {most} at most");
    drop(readers);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let idle = reads(&clock);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(reads(&clock), idle, "nobody listens any more");
}
