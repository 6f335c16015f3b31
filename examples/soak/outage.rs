//! The backends as the soak sees them: processes that it starts, steers, kills and starts again,
//! and that it ends whatever becomes of it.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::backend::Manner;
use crate::settings::milliseconds;
use crate::tally::{Tally, more, one};
use crate::world::{SPARED, World};

/// A running process. Dropped, it is killed.
#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Process {
    fn start(port: u16) -> io::Result<Process> {
        let mut child = Command::new(env::current_exe()?)
            .args(["--serve", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        let mut process = Process { child, input, output: BufReader::new(output), port };
        let heard = process.hear()?;
        process.port = u16::try_from(heard).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(process)
    }

    fn hear(&mut self) -> io::Result<u64> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.trim().parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a backend died by itself"))
    }

    /// Tells it how to go on, and hears how many connections came since it was last told.
    fn be(&mut self, manner: Manner) -> io::Result<u64> {
        writeln!(self.input, "{manner:?}")?;
        self.input.flush()?;
        self.hear()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after the wait.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where callers find a backend.
#[derive(Debug, Default)]
pub(crate) struct Backend {
    port: AtomicU16,
}

impl Backend {
    pub(crate) fn port(&self) -> u16 {
        self.port.load(SeqCst)
    }
}

/// Listens in the place of a backend that was killed, counts, and closes what comes.
fn stand_in(port: u16, is_over: &AtomicBool, count: &AtomicU64) {
    // Without the port nobody counts; the callers are refused by the system instead.
    let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else { return };
    let _ = listener.set_nonblocking(true);
    while !is_over.load(SeqCst) {
        match listener.accept() {
            Ok(_) => {
                count.fetch_add(1, SeqCst);
            }
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// The life of one backend: it works for a while, and then it does not.
#[derive(Debug)]
pub(crate) struct Chaos {
    number: usize,
    process: Process,
    rng: Rng,
}

impl Chaos {
    pub(crate) fn start(number: usize, backend: &Backend, seed: u64) -> io::Result<Chaos> {
        let process = Process::start(0)?;
        backend.port.store(process.port, SeqCst);
        Ok(Chaos { number, process, rng: Rng::with_seed(seed) })
    }

    /// Until the storm is over. Returns itself, working, to be kept for as long as it is called.
    pub(crate) fn rage(mut self, world: &World) -> io::Result<Chaos> {
        loop {
            world.sleep(milliseconds(&mut self.rng, 300..1200));
            if !world.is_storm() {
                return Ok(self);
            }
            let time = milliseconds(&mut self.rng, 300..1200);
            let number = self.number;
            let is_spared = number == SPARED;
            let calls = || world.calls_of_backend(number);
            let before = calls();
            let choice = self.rng.u8(0..9);
            let connections = if choice < 4 {
                self.be_killed(world, time, is_spared || choice < 2)?
            } else {
                let (manner, tally) = match choice {
                    4 => (Manner::Hangs, Tally::Hangs),
                    // Slow is not down.
                    5 if !is_spared => (Manner::IsSlow, Tally::SlowSpells),
                    6 => (Manner::ClosesHalfway, Tally::HalfCloses),
                    7 => (Manner::Resets, Tally::ConnectionResets),
                    _ => (Manner::Refuses, Tally::ErrorSpells),
                };
                one(tally);
                self.process.be(manner)?;
                world.sleep(time);
                self.process.be(Manner::Works)?
            };
            if is_spared {
                more(Tally::SparedCalls, calls() - before);
                more(Tally::SparedConnections, connections);
            }
        }
    }

    /// Killed, away for a while, and started again on the same port. Returns the connections meanwhile.
    fn be_killed(&mut self, world: &World, time: Duration, is_counted: bool) -> io::Result<u64> {
        one(Tally::Kills);
        let port = self.process.port;
        self.process.child.kill()?;
        self.process.child.wait()?;
        let (is_over, count) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            if is_counted {
                scope.spawn(|| stand_in(port, &is_over, &count));
            }
            world.sleep(time);
            is_over.store(true, SeqCst);
        });
        self.process = Process::start(port)?;
        world.backends[self.number].port.store(self.process.port, SeqCst);
        one(Tally::Restarts);
        Ok(count.load(SeqCst))
    }
}
