//! A folder, processes one after the other that use it, and files made by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakerbox::{CircuitBreaker, Config, ConfigBuilder, Event, FileStore, ManualClock, Registry};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for a test")
}

/// What a process has of a store: dropped, it ends as a process does that ends by itself.
pub(crate) struct Process {
    pub(crate) registry: Registry,
    pub(crate) clock: ManualClock,
    pub(crate) store: FileStore,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    pub(crate) fn start(folder: &Path) -> Process {
        let clock = ManualClock::new();
        clock.set(secs(1000));
        let registry = Registry::with_clock(clock.clone());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        registry.subscribe(move |event: &Event| heard.lock().expect("not poisoned").push(event.to_string())).keep();
        let store = FileStore::open(folder);
        registry.attach(&store).expect("the first store");
        Process { registry, clock, store, lines }
    }

    /// One that has the folder for itself. A child that another test is starting at this moment may have the lock of
    /// the process before for a moment.
    pub(crate) fn start_alone(folder: &Path) -> Process {
        loop {
            let process = Process::start(folder);
            let heard = process.heard();
            if !heard.iter().any(|line| line.contains("is used by another process or registry")) {
                process.lines.lock().expect("not poisoned").extend(heard);
                return process;
            }
        }
    }

    pub(crate) fn breaker(&self, name: &str, settings: ConfigBuilder) -> CircuitBreaker {
        self.registry.get_or_insert(name, settings).expect("valid settings")
    }

    /// The breaker that most tests need.
    pub(crate) fn quotes(&self) -> CircuitBreaker {
        self.breaker("quotes", Config::builder().failure_threshold(1).recovery_timeout(secs(60)))
    }

    #[track_caller]
    pub(crate) fn flush(&self) {
        assert!(self.store.flush(LONG), "{:?}", self.heard());
    }

    /// What was heard so far, taken out.
    pub(crate) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().expect("not poisoned"))
    }

    /// How often reading failed.
    pub(crate) fn unreadable(&self) -> u64 {
        self.errors("read")
    }

    pub(crate) fn errors(&self, op: &str) -> u64 {
        self.registry.store_errors().iter().filter(|errors| errors.op == op).map(|errors| errors.count).sum()
    }
}

/// One process that does this and ends.
pub(crate) fn once(folder: &Path, work: impl FnOnce(&Process)) {
    let process = Process::start_alone(folder);
    work(&process);
    process.flush();
}

pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("quotes.cbs")
}

/// A file as a program of this version would write it.
pub(crate) fn seal(version: u32, body: &str) -> Vec<u8> {
    seal_as("CBS", version, body)
}

pub(crate) fn seal_as(kind: &str, version: u32, body: &str) -> Vec<u8> {
    let start = format!("{kind}{version} {}", body.len());
    let sum = crc32fast::hash(format!("{start}{body}").as_bytes());
    format!("{start} {sum:08x}\n{body}").into_bytes()
}

/// What a file holds.
pub(crate) fn kept(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file of a breaker");
    let (_, body) = text.split_once('\n').expect("a header");
    serde_json::from_str(body).expect("JSON")
}

/// Changes what a file holds.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut record = kept(path);
    change(&mut record);
    fs::write(path, seal(1, &format!("{record}\n"))).expect("a file to write");
}

/// Lets time pass since a file was written, by all clocks.
pub(crate) fn age(path: &Path, by: Duration) {
    edit(path, |record| {
        earlier(&mut record["saved"]["unix_ms"], by);
        if !record["saved"]["boot"].is_null() {
            earlier(&mut record["saved"]["boot"]["ms"], by);
        }
    });
}

/// Makes a point in time an earlier one. The machine may have been started a moment ago.
pub(crate) fn earlier(at: &mut Value, by: Duration) {
    let by = u64::try_from(by.as_millis()).expect("a short time");
    *at = at.as_u64().expect("milliseconds").checked_sub(by).expect("a machine that runs for longer").into();
}

/// A time left, but for the moments that a test takes.
#[track_caller]
pub(crate) fn assert_about(left: Option<Duration>, expected: Duration) {
    let left = left.expect("open");
    assert!(left <= expected && left + LONG / 2 > expected, "{left:?} instead of {expected:?}");
}
