//! The backend: answers a word, or closes the connection without one while it is down. It counts.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Inner {
    is_down: AtomicBool,
    trials: AtomicUsize,
    others: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Backend {
    inner: Arc<Inner>,
    address: SocketAddr,
}

/// Requests that have come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calls {
    pub(crate) trials: usize,
    pub(crate) others: usize,
}

impl Backend {
    /// Listens on a free port for as long as the program runs.
    pub(crate) fn start() -> io::Result<Backend> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner::default());
        let shared = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inner = Arc::clone(&shared);
                // A client that goes away is no matter.
                thread::spawn(move || inner.answer(stream));
            }
        });
        Ok(Backend { inner, address })
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn set_up(&self, is_up: bool) {
        self.inner.is_down.store(!is_up, Ordering::SeqCst);
    }

    pub(crate) fn calls(&self) -> Calls {
        let Inner { trials, others, .. } = &*self.inner;
        Calls { trials: trials.load(Ordering::SeqCst), others: others.load(Ordering::SeqCst) }
    }

    /// Waits until so many requests have come that were no trials.
    pub(crate) fn until_requests(&self, count: usize, patience: Duration) -> Result<(), String> {
        let start = Instant::now();
        while self.calls().others < count {
            if start.elapsed() > patience {
                return Err(format!("{:?} in {patience:?}, where {count} were to come", self.calls()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Inner {
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut word = String::new();
        BufReader::new(&stream).read_line(&mut word)?;
        let counter = if word.trim() == "trial" { &self.trials } else { &self.others };
        counter.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) { Ok(()) } else { stream.write_all(b"42") }
    }
}
