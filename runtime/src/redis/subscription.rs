//! The second connection of a store, on a thread of its own: it hears of changes at once. Polling tells the truth;
//! this only makes it faster.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use ::redis::{ConnectionInfo, Msg, PubSub, RedisResult, Value, cmd};

use super::link::{self, Patience};
use crate::clock::precise;
use crate::shared::Nudge;

/// How often it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
/// How often it asks a silent server whether it is still there.
const PING: Duration = Duration::from_secs(2);
/// How long it waits before it connects again: doubled each time, and half of it random.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How long the owner waits for its end.
const END: Duration = Duration::from_millis(200);

/// What the thread needs.
pub(super) struct Listener {
    /// Any of these tells of all changes.
    pub(super) servers: Vec<ConnectionInfo>,
    pub(super) patience: Patience,
    pub(super) channel: String,
    /// Who listens: it knows its own changes.
    pub(super) instance: Arc<OnceLock<String>>,
    pub(super) nudge: Nudge,
}

/// A running thread. Ended when this is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    stop: Option<Sender<()>>,
    ended: Receiver<()>,
    /// Orders nothing: who reads it late asks once more than needed.
    is_listening: Arc<AtomicBool>,
}

impl Subscription {
    /// Starts it; `None` if there is no thread to be had, and polling has to do.
    pub(super) fn start(listener: Listener) -> Option<Self> {
        let (stop, stopped) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let is_listening = Arc::new(AtomicBool::new(false));
        let state = is_listening.clone();
        let run = move || {
            listener.run(&stopped, &state);
            drop(end);
        };
        thread::Builder::new().name("breakerbox-redis-sub".to_owned()).spawn(run).ok()?;
        Some(Subscription { stop: Some(stop), ended, is_listening })
    }

    /// Whether it hears of changes just now, as far as it knows.
    pub(super) fn is_listening(&self) -> bool {
        self.is_listening.load(Ordering::Relaxed)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        drop(self.stop.take());
        // One that waits for an answer, or for a name to be looked up, ends later by itself.
        let _ = self.ended.recv_timeout(END);
    }
}

impl Listener {
    fn run(&self, stop: &Receiver<()>, is_listening: &AtomicBool) {
        let mut backoff = BACKOFF.0;
        for server in self.servers.iter().cycle() {
            let began = precise();
            let _ = self.listen(server, stop, is_listening);
            is_listening.store(false, Ordering::Relaxed);
            if began + BACKOFF.1.as_nanos() as u64 / 2 < precise() {
                // It went well for a while.
                backoff = BACKOFF.0;
            }
            let noise = RandomState::new().hash_one(began) as u32;
            let wait = backoff / 2 + (backoff / 2).mul_f64(f64::from(noise) / f64::from(u32::MAX));
            if is_to_end(stop, wait) {
                return;
            }
            backoff = (backoff * 2).min(BACKOFF.1);
        }
    }

    /// Listens until it is to end, or the connection is lost.
    fn listen(&self, server: &ConnectionInfo, stop: &Receiver<()>, is_listening: &AtomicBool) -> RedisResult<()> {
        let mut connection = link::open(server, self.patience)?;
        // Not by the library's subscription, which does not tell when it is refused.
        let subscribe = cmd("SUBSCRIBE").arg(&self.channel).get_packed_command();
        let answers = link::exchange(&mut connection, &subscribe, 1, self.patience.respond)?;
        if let Some(Value::ServerError(refused)) = answers.into_iter().next() {
            return Err(refused.into());
        }
        let mut channel = connection.as_pubsub();
        let result = self.hear(&mut channel, stop, is_listening);
        // Its end tells the server that nobody listens, which is not worth waiting for.
        channel.set_read_timeout(Some(Duration::from_millis(1)))?;
        result
    }

    fn hear(&self, channel: &mut PubSub<'_>, stop: &Receiver<()>, is_listening: &AtomicBool) -> RedisResult<()> {
        is_listening.store(true, Ordering::Relaxed);
        // What was told before is missed.
        self.nudge.all();
        let mut heard = precise();
        channel.set_read_timeout(Some(LOOK))?;
        loop {
            match channel.get_message() {
                Ok(message) => {
                    heard = precise();
                    self.tell(&message);
                }
                Err(error) if error.is_timeout() => {}
                Err(error) => return Err(error),
            }
            if is_to_end(stop, Duration::ZERO) {
                return Ok(());
            }
            if precise().saturating_sub(heard) > PING.as_nanos() as u64 {
                channel.set_read_timeout(Some(self.patience.respond))?;
                channel.ping::<Value>()?;
                channel.set_read_timeout(Some(LOOK))?;
                heard = precise();
            }
        }
    }

    /// A change is told as instance, epoch, state and name, parted by the character for that.
    fn tell(&self, message: &Msg) {
        let Ok(text) = message.get_payload::<String>() else { return };
        let mut parts = text.splitn(4, '\u{1f}');
        let by = parts.next();
        let is_own = by.is_some() && by == self.instance.get().map(String::as_str);
        if let Some(name) = parts.nth(2).filter(|_| !is_own) {
            self.nudge.breaker(name);
        }
    }
}

/// Waits, and tells whether the owner has gone.
fn is_to_end(stop: &Receiver<()>, wait: Duration) -> bool {
    !matches!(stop.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
}
