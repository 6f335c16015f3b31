//! Runs `breakerbox-cli` as its users do.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any command takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

/// The command with the address of the API, and nothing of this process' environment that it reads.
pub(crate) fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakerbox-cli"));
    for key in ["CIRCUIT_BREAKER_ADMIN_TOKEN", "NO_COLOR", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(key);
    }
    command.env("CIRCUIT_BREAKER_ADMIN_URL", url).args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn run(url: &str, arguments: &[&str]) -> Done {
    finish(command(url, arguments))
}

/// Runs it to its end, or fails if there is none.
pub(crate) fn finish(mut command: Command) -> Done {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command is built");
    let out = collect(child.stdout.take().expect("piped"));
    let err = collect(child.stderr.take().expect("piped"));
    let code = end(&mut child);
    let text = |reader: thread::JoinHandle<io::Result<String>>| reader.join().expect("no panic").expect("UTF-8");
    Done { code, out: text(out), err: text(err), took: began.elapsed() }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<io::Result<String>> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    })
}

/// The exit code of a command that ends by itself.
pub(crate) fn end(child: &mut Child) -> i32 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("it is a child") {
            return status.code().unwrap_or_else(|| panic!("it was killed: {status}"));
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("it did not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for something that another thread or process does.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
