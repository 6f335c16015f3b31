//! A backend on a real socket that is up or down, takes its time, and counts trial calls by the epoch that allowed them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long an answer takes, so that trial calls of two instances meet.
const TAKES: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
struct Inner {
    is_down: AtomicBool,
    calls: AtomicUsize,
    trials: Mutex<BTreeMap<u64, usize>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Backend {
    inner: Arc<Inner>,
    pub(crate) address: String,
}

impl Backend {
    pub(crate) fn start() -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let inner = Arc::new(Inner::default());
        let shared = Arc::clone(&inner);
        // It ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inner = Arc::clone(&shared);
                thread::spawn(move || inner.answer(stream));
            }
        });
        Backend { inner, address }
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.inner.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Calls that were no trials.
    pub(crate) fn calls(&self) -> usize {
        self.inner.calls.load(Ordering::SeqCst)
    }

    /// Trial calls by epoch.
    pub(crate) fn trials(&self) -> BTreeMap<u64, usize> {
        self.inner.trials.lock().unwrap().clone()
    }

    /// How many trial calls were under way at once, at most, since the last time that this was asked.
    pub(crate) fn most_trials_under_way(&self) -> usize {
        self.inner.most_under_way.swap(self.inner.under_way.load(Ordering::SeqCst), Ordering::SeqCst)
    }
}

impl Inner {
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        let trial = line.trim().strip_prefix("trial ").and_then(|epoch| epoch.parse().ok());
        match trial {
            Some(epoch) => {
                *self.trials.lock().unwrap().entry(epoch).or_default() += 1;
                let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
                self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
            }
            None => {
                self.calls.fetch_add(1, Ordering::SeqCst);
            }
        }
        let is_down = self.is_down.load(Ordering::SeqCst);
        thread::sleep(TAKES);
        let answered = if is_down { Ok(()) } else { stream.write_all(b"42") };
        if trial.is_some() {
            self.under_way.fetch_sub(1, Ordering::SeqCst);
        }
        answered
    }
}
