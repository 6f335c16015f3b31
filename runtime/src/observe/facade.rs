//! The metrics as the metrics facade takes them, for its recorders.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics::{Label, counter, describe_counter, describe_gauge, gauge};

use super::families::{self, FAMILIES, Family, Kind, STORE_DEGRADED, STORE_ERRORS};
use super::shown::shown;
use crate::keeper::StoreErrors;
use crate::registry::Registry;

/// Hands the metrics of a registry to the recorder of the metrics facade.
///
/// Breakers keep their counters themselves, so nothing happens on the path of a call:
/// [`publish`](MetricsBridge::publish) hands over what they show, as absolute values. Call it before a
/// scrape, or let [`every`](MetricsBridge::every) do so from a thread of its own. The names are those of
/// [`Prometheus`](crate::observe#metrics). Times in states are gauges, because counters of the facade are
/// whole numbers; what is not known shows as `NaN`.
///
/// ```
/// use breakerbox::observe::MetricsBridge;
///
/// let bridge = MetricsBridge::new(breakerbox::registry());
/// bridge.publish();
/// ```
#[derive(Clone, Debug)]
pub struct MetricsBridge {
    registry: Registry,
    label: String,
}

impl MetricsBridge {
    /// A bridge from a registry, with the label `name`. Counts calls under way from now on, which costs a
    /// call some nanoseconds.
    pub fn new(registry: &Registry) -> Self {
        registry.count_in_flight();
        MetricsBridge { registry: registry.clone(), label: "name".to_owned() }
    }

    /// The label that holds the name of the breaker, such as `service`.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Tells the recorder what the metrics mean. [`publish`](MetricsBridge::publish) alone will do too.
    pub fn describe(&self) {
        for Family { name, kind, help, .. } in FAMILIES {
            if is_counter(name, kind) { describe_counter!(name, help) } else { describe_gauge!(name, help) }
        }
        describe_gauge!(STORE_DEGRADED.0, STORE_DEGRADED.1);
        describe_counter!(STORE_ERRORS.0, STORE_ERRORS.1);
    }

    /// Hands over what the breakers show now.
    pub fn publish(&self) {
        let statuses = shown(&self.registry);
        for status in &statuses {
            for Family { name, kind, read, .. } in FAMILIES {
                let mut is_known = false;
                read(status, &mut |labels, value| {
                    is_known = true;
                    let labels = labels.iter().map(|&(key, value)| Label::from_static_parts(key, value));
                    self.hand_over(name, kind, &status.name, labels.collect(), value);
                });
                if !is_known {
                    self.hand_over(name, kind, &status.name, Vec::new(), f64::NAN);
                }
            }
        }
        if let Some((store, is_degraded)) = families::store_of(&statuses) {
            gauge!(STORE_DEGRADED.0, "store" => store).set(f64::from(u8::from(is_degraded)));
        }
        for StoreErrors { store, op, count } in self.registry.store_errors() {
            counter!(STORE_ERRORS.0, "store" => store, "op" => op).absolute(count);
        }
    }

    fn hand_over(&self, name: &'static str, kind: Kind, breaker: &str, mut labels: Vec<Label>, value: f64) {
        labels.push(Label::new(self.label.clone(), breaker.to_owned()));
        if is_counter(name, kind) {
            counter!(name, labels).absolute(value as u64);
        } else {
            gauge!(name, labels).set(value);
        }
    }

    /// Describes the metrics and hands them over every so often, from a thread of its own, until the
    /// publisher is dropped.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn every(self, time: Duration) -> io::Result<Publisher> {
        let (stop, stopped) = mpsc::channel::<()>();
        let publish = move || {
            self.describe();
            loop {
                self.publish();
                if stopped.recv_timeout(time) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("breakerbox-metrics".to_owned()).spawn(publish)?;
        Ok(Publisher { stop: Some(stop), thread: Some(thread) })
    }
}

/// Counters of the facade are whole numbers.
fn is_counter(name: &str, kind: Kind) -> bool {
    kind == Kind::Counter && !name.ends_with("_seconds_total")
}

/// A thread that hands over metrics until this is dropped: see [`MetricsBridge::every`].
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Publisher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // The thread hears that nobody can stop it any more, and ends.
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A recorder that panicked has said so.
            let _ = thread.join();
        }
    }
}
