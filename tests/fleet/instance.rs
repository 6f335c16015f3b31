//! Another process of the fleet, as the test holds it.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::part::{BACKEND, STORE};

/// How long an instance may take to answer, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an instance says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) state: String,
    pub(crate) mode: String,
    pub(crate) epoch: u64,
    pub(crate) is_degraded: bool,
}

/// A process that plays its part. Killed when it is dropped.
pub(crate) struct Instance {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Instance {
    /// Starts one; `store` is the URL of a Redis or `file:` and a folder.
    pub(crate) fn start(store: &str, backend: &str) -> Instance {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "part::plays_a_part", "--nocapture", "--test-threads=1"])
            .env(STORE, store)
            .env(BACKEND, backend)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (output, input) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Instance { process, input, lines }
    }

    /// Waits for a line that begins so, and returns the rest of it.
    pub(crate) fn hears(&self, what: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no `{what}` in {PATIENCE:?}"));
            assert!(!line.starts_with("failed"), "{line}");
            // What the test runner prints first has no end of line.
            if let Some(at) = line.find(what) {
                return line[at + what.len()..].trim().to_owned();
            }
        }
    }

    pub(crate) fn says(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    pub(crate) fn does(&mut self, line: &str) {
        self.says(line);
        self.hears("done");
    }

    pub(crate) fn ask(&mut self) -> Answer {
        self.says("ask");
        let answer = self.hears("status");
        let [state, mode, epoch, degraded] = answer.split(' ').collect::<Vec<_>>()[..] else { panic!("{answer}") };
        let (state, mode) = (state.to_owned(), mode.to_owned());
        Answer { state, mode, epoch: epoch.parse().unwrap(), is_degraded: degraded == "true" }
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
    }

    pub(crate) fn go_on(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
