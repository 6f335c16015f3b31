//! What a subscriber of tracing writes, as JSON lines.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use breakerbox::observe::trace;
use breakerbox::{CircuitBreaker, Config, Registry};
use serde_json::Value;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::{SECOND, fresh, live};

/// A log in memory.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Its lines, and forgets them.
    fn lines(&self) -> Vec<Value> {
        let text = std::mem::take(&mut *self.0.lock().unwrap());
        text.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

/// Runs something while a subscriber listens, and returns the lines that it wrote.
pub(crate) fn logged(level: Level, registry: &Registry, happens: impl FnOnce()) -> Vec<Value> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .without_time()
        .with_max_level(level)
        .with_writer(log.clone());
    tracing::subscriber::with_default(subscriber.finish(), || {
        let _subscription = trace(registry);
        happens();
    });
    log.lines()
}

pub(crate) fn field<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_default()
}

#[test]
fn transitions_are_lines_with_fields() {
    let (registry, clock, breaker) = fresh();
    let lines = logged(Level::INFO, &registry, || drop(live(&clock, &breaker)));
    let told: Vec<_> = lines.iter().map(|line| (field(line, "level"), field(line, "message"))).collect();
    assert_eq!(
        told,
        [
            ("WARN", "circuit 'quotes': closed -> open (3 consecutive failures)"),
            ("INFO", "circuit 'quotes': open -> half_open (open time over)"),
            ("WARN", "circuit 'quotes': half_open -> open (trial call failed)"),
            ("INFO", "circuit 'quotes': open -> half_open (open time over)"),
            ("INFO", "circuit 'quotes': half_open -> closed (3 trial calls succeeded)"),
        ]
    );
    let opened = &lines[0];
    for (name, value) in [
        ("breaker", "quotes"),
        ("from", "closed"),
        ("to", "open"),
        ("reason", "failure_threshold"),
        ("target", "breakerbox"),
    ] {
        assert_eq!(field(opened, name), value, "{opened}");
    }
    assert_eq!((opened["failures"].as_u64(), opened["retry_after_ms"].as_u64()), (Some(3), Some(60_000)));
    assert!(lines[4].get("retry_after_ms").is_none() && opened.get("by").is_none());
}

#[test]
fn what_operators_do_is_a_warning_that_names_them() {
    let (registry, _, breaker) = fresh();
    let lines = logged(Level::INFO, &registry, || {
        let alice = breaker.by("alice");
        alice.force_open();
        alice.auto();
        alice.open();
        alice.reset();
        alice.reconfigure(Config::builder().failure_threshold(9)).unwrap();
    });
    let told: Vec<_> = lines.iter().map(|line| field(line, "message")).collect();
    assert_eq!(
        told,
        [
            "circuit 'quotes': mode auto -> forced_open by alice",
            "circuit 'quotes': mode forced_open -> auto by alice",
            "circuit 'quotes': closed -> open (by alice)",
            "circuit 'quotes': open -> closed (reset by alice)",
            "circuit 'quotes': reset by alice",
            "circuit 'quotes': reconfigured (failure_threshold 3 -> 9) by alice",
        ]
    );
    for line in &lines {
        assert_eq!(
            (field(line, "level"), field(line, "by"), field(line, "breaker")),
            ("WARN", "alice", "quotes"),
            "{line}"
        );
    }
    assert_eq!(field(&lines[5], "changes"), "failure_threshold 3 -> 9");
}

#[test]
fn refusals_are_told_once_a_second_to_those_who_debug() {
    let storm = |breaker: &CircuitBreaker, calls: u64| {
        for _ in 0..calls {
            assert!(breaker.try_acquire().is_err());
        }
    };
    for (level, expected) in [(Level::INFO, vec![]), (Level::DEBUG, vec![("open", 1), ("open", 1000)])] {
        let (registry, clock, breaker) = fresh();
        breaker.open();
        let lines = logged(level, &registry, || {
            storm(&breaker, 1000);
            clock.advance(SECOND);
            storm(&breaker, 500);
        });
        let told: Vec<_> = lines.iter().map(|line| (field(line, "reason"), line["calls"].as_u64().unwrap())).collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn what_is_wrong_with_settings_is_a_warning() {
    let variables = [("CIRCUIT_BREAKER_FAILURE_THRESHOLD".into(), "many".into())];
    let registry = Registry::with_environment(variables);
    let lines = logged(Level::WARN, &registry, || {
        let declare = |calls| registry.get_or_insert("quotes", Config::builder().failure_threshold(calls));
        assert!(declare(3).is_ok());
        assert!(declare(4).is_ok());
    });
    let told: Vec<_> = lines.iter().map(|line| field(line, "message")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(field(&lines[0], "variable"), "CIRCUIT_BREAKER_FAILURE_THRESHOLD");
    assert_eq!((field(&lines[1], "breaker"), field(&lines[1], "key")), ("quotes", "failure_threshold"));
}

/// Does something at each event.
struct At<F>(F);

impl<F: Fn() + 'static> tracing::Subscriber for At<F>
where
    F: Send + Sync,
{
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        (self.0)();
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_subscriber_that_panics_harms_nobody() {
    let (registry, clock, breaker) = fresh();
    let said = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&said);
    let bad = At(move || {
        count.fetch_add(1, Ordering::Relaxed);
        panic!("the disk is full");
    });
    tracing::subscriber::with_default(bad, || {
        let _tracing = trace(&registry);
        drop(live(&clock, &breaker));
    });
    assert_eq!(breaker.status().totals.attempts, 14);
    // Five transitions, and the refusals.
    assert!(said.load(Ordering::Relaxed) >= 5);
}

#[test]
fn a_subscriber_that_blocks_holds_up_no_call() {
    let (registry, _, breaker) = fresh();
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let said = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&said);
    let blocked = At(move || {
        count.fetch_add(1, Ordering::Relaxed);
        // Until the test lets it go on.
        let _ = wait.lock().unwrap().recv();
    });
    tracing::subscriber::with_default(blocked, || {
        let tracing = trace(&registry);
        // All of this is over before the first line is written.
        for _ in 0..1000 {
            breaker.open();
            breaker.close();
        }
        assert!(said.load(Ordering::Relaxed) <= 1);
        drop(go);
        drop(tracing);
    });
    // Of 2,000 lines those that found room, and one that says how many did not.
    let said = said.load(Ordering::Relaxed);
    assert!((1025..=1027).contains(&said), "{said}");
}
