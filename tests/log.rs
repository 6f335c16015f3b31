//! Events as records of the log crate. A program of its own: they are written only where no subscriber of
//! tracing was ever set.

#![forbid(unsafe_code)]

use std::sync::Mutex;

use breakerbox::observe::trace;
use breakerbox::{Config, Registry};
use log::{Level, LevelFilter, Log, Metadata, Record};

struct Lines(Mutex<Vec<(Level, String, String)>>);

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = (record.level(), record.target().to_owned(), record.args().to_string());
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

static LINES: Lines = Lines(Mutex::new(Vec::new()));

#[test]
fn a_logger_gets_the_line_and_its_fields() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(LevelFilter::Debug);
    let registry = Registry::new();
    let breaker = registry.get_or_insert("quotes", Config::default()).unwrap();
    let tracing = trace(&registry);
    for _ in 0..5 {
        breaker.record_failure();
    }
    assert!(breaker.try_acquire().is_err());
    // Ends when everything is said.
    drop(tracing);
    let lines = LINES.0.lock().unwrap();
    let [(Level::Warn, target, opened), (Level::Debug, _, refused)] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(target, "breakerbox");
    assert!(opened.starts_with("circuit 'quotes': closed -> open (5 consecutive failures)"), "{opened}");
    assert!(opened.contains("reason=\"failure_threshold\"") && opened.contains("retry_after_ms=60000"), "{opened}");
    assert!(refused.starts_with("circuit 'quotes': refused 1 call (open, next trial in "), "{refused}");
}
