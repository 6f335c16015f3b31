//! Tells listeners what happened: in order, outside every lock, and whatever they do.
//!
//! An event is queued while its breaker is locked, so the queue has the order of the commits. It
//! is delivered after the lock is released, by the thread that queued it or by the one that is
//! delivering already; so a listener never runs twice at once for one registry.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use crate::event::Event;
use crate::keeper::Keeper;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// Events that wait for a slow listener, at most; older ones are lost, and counted.
const CAPACITY: usize = 65_536;
/// While so many wait, keys that come and go are not told.
const CALM: usize = 1024;

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Bus {
    /// Whether anyone listens. Relaxed: who subscribes hears what happens after.
    heard: AtomicBool,
    /// Whether anyone listens who takes complaints off the hands of standard error. Changed under the lock
    /// of the queue.
    takes_complaints: AtomicBool,
    /// Whether there are events to deliver. Stored under the lock of the queue; relaxed, because a
    /// thread sees what it has queued itself.
    is_waiting: AtomicBool,
    has_unsaid: AtomicBool,
    lost: AtomicU64,
    queue: Mutex<Queue>,
    listeners: Mutex<Listeners>,
    /// Who keeps the state of the breakers. Set once; a breaker finds it here, so that it needs no place for it.
    keeper: OnceLock<Arc<dyn Keeper>>,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    delivering: bool,
    /// Complaints that are still to be said on standard error.
    unsaid: Vec<Event>,
    /// Complaints that wait for the first one who takes them.
    untaken: Vec<Event>,
    /// How many of the first events are such: only those who take complaints hear them.
    taken_late: usize,
}

#[derive(Default)]
struct Listeners {
    next: u64,
    all: Arc<Vec<Entry>>,
}

/// A listener, its number, and whether it takes complaints.
#[derive(Clone)]
struct Entry {
    number: u64,
    takes_complaints: bool,
    listener: Listener,
}

impl Bus {
    /// Queues an event; `make` is called only if anyone listens.
    pub(crate) fn publish(&self, make: impl FnOnce() -> Event) {
        if self.heard.load(Ordering::Relaxed) {
            let event = make();
            let mut queue = self.queue.lock();
            // Asked again, so that nothing is left behind for a later listener.
            if self.heard.load(Ordering::Relaxed) {
                self.enqueue(&mut queue, event);
            }
        }
    }

    /// Queues an event unless many wait: for keys that come and go, whose events must not push out those of others.
    pub(crate) fn publish_if_calm(&self, make: impl FnOnce() -> Event) {
        if self.heard.load(Ordering::Relaxed) && self.queue.lock().events.len() < CALM {
            self.publish(make);
        }
    }

    /// Queues an event that must not get lost: if nobody takes it, it is said on standard error when it is
    /// delivered, and waits for the first one who does.
    pub(crate) fn complain(&self, event: Event) {
        let mut queue = self.queue.lock();
        if !self.takes_complaints.load(Ordering::Relaxed) {
            self.leave_to_stderr(&mut queue, event.clone());
        }
        if self.heard.load(Ordering::Relaxed) {
            self.enqueue(&mut queue, event);
        }
    }

    fn leave_to_stderr(&self, queue: &mut Queue, event: Event) {
        if let Event::StoreDegraded { .. } = event {
            // Of a store that comes and goes the last word is enough.
            queue.untaken.retain(|event| !matches!(event, Event::StoreDegraded { .. }));
        }
        queue.unsaid.push(event.clone());
        queue.untaken.push(event);
        self.has_unsaid.store(true, Ordering::Relaxed);
        self.is_waiting.store(true, Ordering::Relaxed);
    }

    fn enqueue(&self, queue: &mut Queue, event: Event) {
        if queue.events.len() >= CAPACITY {
            queue.events.pop_front();
            queue.taken_late = queue.taken_late.saturating_sub(1);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        queue.events.push_back(event);
        self.is_waiting.store(true, Ordering::Relaxed);
    }

    /// Delivers what is queued, unless another thread is doing so. Call it without holding a lock.
    #[inline]
    pub(crate) fn deliver(&self) {
        if self.is_waiting.load(Ordering::Relaxed) {
            self.deliver_waiting();
        }
    }

    #[cold]
    fn deliver_waiting(&self) {
        if self.has_unsaid.load(Ordering::Relaxed) && self.has_unsaid.swap(false, Ordering::Relaxed) {
            let unsaid = {
                let mut queue = self.queue.lock();
                self.is_waiting.store(!queue.events.is_empty(), Ordering::Relaxed);
                mem::take(&mut queue.unsaid)
            };
            for event in unsaid {
                // Not `eprintln!`, which panics if standard error cannot be written.
                let _ = writeln!(io::stderr().lock(), "breakerbox: {event}");
            }
        }
        if self.heard.load(Ordering::Relaxed) {
            self.tell_listeners();
        }
    }

    fn tell_listeners(&self) {
        {
            let mut queue = self.queue.lock();
            if queue.delivering {
                return;
            }
            queue.delivering = true;
        }
        loop {
            let (event, is_late) = {
                let mut queue = self.queue.lock();
                if !self.heard.load(Ordering::Relaxed) {
                    // The last listener has gone; what is left waits for the next one.
                    queue.delivering = false;
                    return;
                }
                let Some(event) = queue.events.pop_front() else {
                    queue.delivering = false;
                    self.is_waiting.store(false, Ordering::Relaxed);
                    return;
                };
                let is_late = queue.taken_late > 0;
                queue.taken_late = queue.taken_late.saturating_sub(1);
                (event, is_late)
            };
            let listeners = Arc::clone(&self.listeners.lock().all);
            for Entry { listener, .. } in listeners.iter().filter(|entry| entry.takes_complaints || !is_late) {
                harmless(|| listener(&event));
            }
            // One that was unsubscribed meanwhile is dropped here.
            harmless(|| drop(listeners));
        }
    }

    pub(crate) fn keeper(&self) -> Option<&dyn Keeper> {
        self.keeper.get().map(|keeper| &**keeper)
    }

    /// Takes who keeps the state of the breakers, unless somebody does already.
    #[cfg(feature = "shared")]
    pub(crate) fn keep(&self, keeper: Arc<dyn Keeper>) -> bool {
        self.keeper.set(keeper).is_ok()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn subscribe(self: &Arc<Self>, listener: Listener, takes_complaints: bool) -> Subscription {
        let number = {
            let mut listeners = self.listeners.lock();
            let number = listeners.next;
            listeners.next += 1;
            let all = Arc::make_mut(&mut listeners.all);
            // The library's own, which only take note, come before those that may take their time.
            let place = if takes_complaints { all.len() } else { all.partition_point(|entry| !entry.takes_complaints) };
            all.insert(place, Entry { number, takes_complaints, listener });
            // Under the lock of the queue: who queues a complaint now sees it, or is seen by `deliver`.
            let queue = &mut *self.queue.lock();
            if takes_complaints && !self.takes_complaints.swap(true, Ordering::Relaxed) {
                self.hand_over_complaints(queue);
            }
            self.heard.store(true, Ordering::Relaxed);
            number
        };
        // What has waited for a first listener.
        self.deliver();
        Subscription { bus: Some(Arc::clone(self)), number }
    }

    /// Puts what waits for the first one who takes complaints before everything else.
    fn hand_over_complaints(&self, queue: &mut Queue) {
        queue.unsaid.clear();
        queue.taken_late = queue.untaken.len();
        for event in queue.untaken.drain(..).rev() {
            queue.events.push_front(event);
        }
        self.has_unsaid.store(false, Ordering::Relaxed);
        self.is_waiting.store(!queue.events.is_empty(), Ordering::Relaxed);
    }

    fn unsubscribe(&self, number: u64) {
        // The listener is dropped after the lock is released: its destructor is user code.
        let _dropped = {
            let mut listeners = self.listeners.lock();
            let left: Vec<_> = listeners.all.iter().filter(|entry| entry.number != number).cloned().collect();
            let is_taken = left.iter().any(|entry| entry.takes_complaints);
            let before = mem::replace(&mut listeners.all, Arc::new(left));
            let queue = &mut *self.queue.lock();
            if !is_taken && self.takes_complaints.swap(false, Ordering::Relaxed) {
                // What nobody is left to take is said, and waits.
                queue.taken_late = 0;
                let (left_over, others) = mem::take(&mut queue.events).into_iter().partition::<Vec<_>, _>(is_complaint);
                queue.events = others.into();
                for event in left_over {
                    self.leave_to_stderr(queue, event);
                }
            }
            if listeners.all.is_empty() {
                self.heard.store(false, Ordering::Relaxed);
                // Nothing of it is for a later listener.
                queue.events.clear();
            }
            before
        };
        self.deliver();
    }
}

fn is_complaint(event: &Event) -> bool {
    matches!(event, Event::Conflict(_) | Event::Warning(_) | Event::StoreDegraded { .. } | Event::StateUnusable { .. })
}

/// Runs code of the user. The panic hook has told of a panic; its payload might panic again when
/// dropped, and so is not.
fn harmless(code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(code)) {
        mem::forget(payload);
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("listeners", &self.listeners.lock().all.len()).finish_non_exhaustive()
    }
}

/// A listener's place in a registry. Dropped, it ends the subscription; an event that is being
/// delivered by another thread at that moment may still be heard.
#[derive(Debug)]
#[must_use = "the subscription ends when it is dropped; call `keep` to keep it"]
pub struct Subscription {
    bus: Option<Arc<Bus>>,
    number: u64,
}

impl Subscription {
    /// Keeps the subscription for as long as the registry lives.
    pub fn keep(mut self) {
        self.bus = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.take() {
            bus.unsubscribe(self.number);
        }
    }
}
