//! What happens, as events of tracing, said by a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::dispatcher::{self, Dispatch};
use tracing::subscriber::NoSubscriber;
use tracing::{debug, info, warn};

use crate::bus::Subscription;
use crate::event::{Cause, Event, Transition};
use crate::registry::Registry;
use crate::state::State;

/// Refusals of a breaker are told at most so often.
const REFUSALS: Duration = Duration::from_secs(1);

/// Lines that wait for a slow subscriber, at most.
const WAITING: usize = 1024;

/// Says what happens to the breakers of a registry, as events of tracing with the target `breakerbox`.
///
/// | what | level | fields |
/// |---|---|---|
/// | a circuit opens, or an operator moves it, here or elsewhere in the fleet | WARN | `breaker`, `from`, `to`, `reason`, `failures`, `retry_after_ms`, `by` |
/// | it half-opens or closes by itself | INFO | the same |
/// | a mode is set, a breaker is reset, its settings change | WARN | `breaker`, `by`, and `from`, `to` or `changes` |
/// | it would open, but only measures | INFO | `breaker`, `reason` |
/// | calls are refused, at once and then each second | DEBUG | `breaker`, `reason`, `calls`, `retry_after_ms` |
/// | a breaker comes or goes | DEBUG | `breaker` |
/// | functions contradict each other, a variable cannot be used | WARN | `breaker` and `key`, or `variable` |
/// | a store fails, once until it works again; the state that it holds of a breaker cannot be used | WARN | `store`, `problem`, `breaker` |
/// | a store works again | INFO | `store` |
///
/// The message is the line that the event is as text: `circuit 'quotes': closed -> open (5 consecutive
/// failures)`. With the feature `log` they are records of the log crate too, where no subscriber of tracing
/// is set.
///
/// A thread of its own says them, to the subscriber that is the default here, so that a slow one holds up
/// no call; of more than 1,024 that wait, the rest is left out and counted in a line. A call pays nothing,
/// a refused one some nanoseconds.
///
/// ```
/// use breakerbox::observe::trace;
///
/// trace(breakerbox::registry()).keep();
/// ```
pub fn trace(registry: &Registry) -> Tracing {
    registry.tell_refusals(REFUSALS);
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    let left_out = Arc::new(AtomicU64::new(0));
    let uncounted = Arc::clone(&left_out);
    let subscription = registry.subscribe(move |event: &Event| {
        if let Err(TrySendError::Full(_)) = sender.try_send(event.clone()) {
            left_out.fetch_add(1, Ordering::Relaxed);
        }
    });
    let dispatch = dispatcher::get_default(Dispatch::clone);
    let say_all = move || {
        if dispatch.is::<NoSubscriber>() {
            // The global one, once there is one.
            receive(&receiver, &uncounted);
        } else {
            dispatcher::with_default(&dispatch, || receive(&receiver, &uncounted));
        }
    };
    let thread = thread::Builder::new().name("breakerbox-trace".to_owned()).spawn(say_all);
    if let Err(error) = &thread {
        warn!(target: "breakerbox", %error, "nothing will be said of circuits: no thread for it can be started");
    }
    Tracing { subscription: Some(subscription), thread: thread.ok() }
}

/// What says the events of a registry: see [`trace`]. Dropped, it ends, after what has happened is said.
#[derive(Debug)]
#[must_use = "it ends when it is dropped; call `keep` to keep it"]
pub struct Tracing {
    subscription: Option<Subscription>,
    thread: Option<JoinHandle<()>>,
}

impl Tracing {
    /// Goes on for as long as the registry lives.
    pub fn keep(mut self) {
        self.thread = None;
        if let Some(subscription) = self.subscription.take() {
            subscription.keep();
        }
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        // The thread hears that nothing more will come, and ends.
        self.subscription = None;
        if let Some(thread) = self.thread.take() {
            // A subscriber that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn receive(events: &Receiver<Event>, left_out: &AtomicU64) {
    for event in events {
        // A subscriber that panics loses its line, and no other.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            say(&event);
            let lines = left_out.swap(0, Ordering::Relaxed);
            if lines > 0 {
                warn!(target: "breakerbox", lines, "{lines} lines about circuits were left out: the log is too slow");
            }
        }));
    }
}

fn say(event: &Event) {
    match event {
        Event::Transition(transition) => say_transition(transition),
        Event::ModeChanged { breaker, from, to, by, .. } => {
            warn!(target: "breakerbox", breaker = &**breaker, from = from.as_str(), to = to.as_str(), by = by.as_deref(), "{event}");
        }
        Event::Reset { breaker, by } => {
            warn!(target: "breakerbox", breaker = &**breaker, by = by.as_deref(), "{event}");
        }
        Event::Reconfigured { breaker, changes, by } => {
            let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
            warn!(target: "breakerbox", breaker = &**breaker, changes = changes.join(", "), by = by.as_deref(), "{event}");
        }
        Event::WouldOpen { breaker, cause } => {
            info!(target: "breakerbox", breaker = &**breaker, reason = cause.as_str(), "{event}");
        }
        Event::Refused { breaker, reason, retry_after, calls } => {
            let retry_after_ms = retry_after.map(millis);
            debug!(target: "breakerbox", breaker = &**breaker, reason = reason.as_str(), calls, retry_after_ms, "{event}");
        }
        Event::Registered { breaker } | Event::Removed { breaker } => {
            debug!(target: "breakerbox", breaker = &**breaker, "{event}");
        }
        Event::Conflict(conflict) => {
            warn!(target: "breakerbox", breaker = &*conflict.breaker, key = conflict.key, "{event}");
        }
        Event::Warning(warning) => {
            warn!(target: "breakerbox", variable = &*warning.variable, "{event}");
        }
        Event::StoreDegraded { store, problem } => warn!(target: "breakerbox", store, problem, "{event}"),
        Event::StoreRecovered { store } => info!(target: "breakerbox", store, "{event}"),
        Event::StateUnusable { breaker, store, problem } => {
            warn!(target: "breakerbox", breaker = &**breaker, store, problem, "{event}");
        }
    }
}

fn say_transition(transition: &Transition) {
    let Transition { breaker, from, to, cause, by, .. } = transition;
    let (breaker, from, to_name, reason, by) = (&**breaker, from.as_str(), to.as_str(), cause.as_str(), by.as_deref());
    // Those that the cause is about.
    let failures = match cause {
        Cause::FailureThreshold => Some(u64::from(transition.consecutive_failures)),
        Cause::FailureRateThreshold => Some(transition.failures),
        _ => None,
    };
    let retry_after_ms = transition.retry_after.map(millis);
    // Elsewhere an operator did it, if a name came with it.
    let is_ordered = matches!(cause, Cause::Manual | Cause::Reset) || (*cause == Cause::Remote && by.is_some());
    if *to == State::Open || is_ordered {
        warn!(target: "breakerbox", breaker, from, to = to_name, reason, failures, retry_after_ms, by, "{transition}");
    } else {
        info!(target: "breakerbox", breaker, from, to = to_name, reason, failures, retry_after_ms, by, "{transition}");
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}
