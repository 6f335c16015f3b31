//! What has happened: the last events of a registry, numbered, for readers who come back and ask
//! for what they missed.
//!
//! Who causes an event puts it here and goes on, whoever reads and however slowly: a reader holds
//! nothing but the number of the event that it has read last.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use futures_util::future::{Either, select};
use serde_json::json;
use tokio::sync::{Notify, watch};

use super::times;
use crate::event::{Cause, Event, Warning};
use crate::sync::Mutex;

/// Events that are kept for readers who come back.
const KEPT: usize = 256;

/// An event, its number, and how a stream says it.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) number: u64,
    event: Event,
    at: SystemTime,
    said: OnceLock<String>,
}

impl Happened {
    /// Whether a reader who asked for one breaker alone hears of it.
    pub(super) fn is_about(&self, breaker: Option<&str>) -> bool {
        match &self.event {
            // What becomes of the store is about all of them.
            Event::StoreDegraded { .. } | Event::StoreRecovered { .. } => true,
            event => breaker.is_none_or(|breaker| event.breaker() == Some(breaker)),
        }
    }
}

/// The last events, the oldest first.
#[derive(Debug)]
pub(super) struct Feed {
    /// Tells the numbers of this feed from those of another process.
    run: u64,
    kept: Mutex<VecDeque<Arc<Happened>>>,
    /// The number of the newest event. Stored under the lock of `kept`; relaxed, because who needs the
    /// event takes the lock.
    newest: AtomicU64,
    /// Wakes one reader, which wakes the others: whoever causes an event pays for one of them at most.
    bell: Notify,
    others: watch::Sender<()>,
    /// Relaxed: the readers are woken after it is set.
    closed: AtomicBool,
}

impl Feed {
    pub(super) fn new() -> Self {
        Feed {
            run: RandomState::new().hash_one(()),
            kept: Mutex::default(),
            newest: AtomicU64::new(0),
            bell: Notify::new(),
            others: watch::Sender::new(()),
            closed: AtomicBool::new(false),
        }
    }

    /// Takes an event. The registry tells one at a time.
    pub(super) fn push(&self, event: &Event) {
        // How often calls are refused, the counters tell; here they would push out everything else.
        if matches!(event, Event::Refused { .. }) {
            return;
        }
        let at = match event {
            Event::Transition(transition) => transition.at,
            _ => SystemTime::now(),
        };
        let mut kept = self.kept.lock();
        let number = self.newest() + 1;
        kept.push_back(Arc::new(Happened { number, event: event.clone(), at, said: OnceLock::new() }));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        self.newest.store(number, Ordering::Relaxed);
        drop(kept);
        self.bell.notify_one();
    }

    /// The number of the newest event.
    pub(super) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// The events after this number; `None` if some of them are no longer kept.
    pub(super) fn since(&self, number: u64) -> Option<Vec<Arc<Happened>>> {
        let kept = self.kept.lock();
        let oldest = kept.front().map_or(1, |oldest| oldest.number);
        (number + 1 >= oldest).then(|| kept.iter().filter(|event| event.number > number).cloned().collect())
    }

    /// A place among the readers. Dropped, nothing of the reader is left.
    pub(super) fn reader(&self) -> watch::Receiver<()> {
        self.others.subscribe()
    }

    /// Waits until something happens, or the streams end.
    pub(super) async fn wait(&self, reader: &mut watch::Receiver<()>) {
        let (rung, woken) = (pin!(self.bell.notified()), pin!(reader.changed()));
        if let Either::Left(_) = select(rung, woken).await {
            self.others.send_replace(());
        }
    }

    /// Ends all streams.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.others.send_replace(());
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The id of an event in a stream.
    pub(super) fn id(&self, number: u64) -> String {
        format!("{:x}-{number}", self.run)
    }

    /// The number of an event by its id, if it is one of this feed.
    pub(super) fn number(&self, id: &str) -> Option<u64> {
        let number = id.strip_prefix(&format!("{:x}-", self.run))?.parse().ok()?;
        (number <= self.newest()).then_some(number)
    }

    /// The event as a stream says it.
    pub(super) fn say<'a>(&self, happened: &'a Happened) -> &'a str {
        happened.said.get_or_init(|| {
            let (kind, mut data) = told(&happened.event);
            data["at"] = times::text(happened.at).into();
            data["breaker"] = happened.event.breaker().into();
            format!("id: {}\nevent: {kind}\ndata: {data}\n\n", self.id(happened.number))
        })
    }
}

/// The name of an event in a stream, and its data but for the time and the breaker.
fn told(event: &Event) -> (&'static str, serde_json::Value) {
    let message = match event {
        // The value of a variable that is no setting may be anything, a secret too.
        Event::Warning(Warning { variable, problem, .. }) => format!("{variable} is ignored: {problem}"),
        _ => event.to_string(),
    };
    let (kind, mut data) = match event {
        Event::Transition(transition) => {
            let data = json!({
                "from": transition.from,
                "to": transition.to,
                "reason": transition.cause,
                "by": transition.by,
                "retry_after": transition.retry_after.map(|time| time.as_secs_f64()),
                "generation": transition.generation,
            });
            (if transition.cause == Cause::Remote { "remote_transition" } else { "transition" }, data)
        }
        Event::ModeChanged { from, to, by, .. } => ("mode", json!({ "from": from, "to": to, "by": by })),
        Event::Reset { by, .. } => ("reset", json!({ "by": by })),
        Event::Reconfigured { changes, by, .. } => ("config", json!({ "changes": changes, "by": by })),
        Event::WouldOpen { cause, .. } => ("would_open", json!({ "reason": cause })),
        Event::Registered { .. } => ("registered", json!({})),
        Event::Removed { .. } => ("removed", json!({})),
        Event::Conflict(conflict) => ("conflict", json!({ "key": conflict.key })),
        Event::Warning(warning) => ("warning", json!({ "variable": warning.variable })),
        Event::Refused { calls, .. } => ("refused", json!({ "calls": calls })),
        Event::StoreDegraded { store, problem } => ("store_degraded", json!({ "store": store, "problem": problem })),
        Event::StoreRecovered { store } => ("store_recovered", json!({ "store": store })),
        Event::StateUnusable { store, problem, .. } => {
            ("state_unusable", json!({ "store": store, "problem": problem }))
        }
    };
    data["message"] = message.into();
    (kind, data)
}
