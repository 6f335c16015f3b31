//! A real server on a free port of loopback, which ends with its value.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use breakerbox::RedisStore;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long anything may take on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough for a server that shares a slow machine with the tests.
pub(crate) const RESPONSE: Duration = Duration::from_secs(5);

pub(crate) struct Server {
    child: Child,
    arguments: Vec<String>,
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
}

/// The program, or `None` with a word about it. Fails where it has to be there.
pub(crate) fn program() -> Option<&'static str> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let program = std::env::var("BREAKERBOX_REDIS_SERVER").unwrap_or_else(|_| "redis-server".into());
        let asked = Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success()).then_some(program)
    });
    if found.is_none() {
        let missing = "redis-server is missing (Debian has it in the package redis-server)";
        assert!(std::env::var_os("BREAKERBOX_REQUIRE_REDIS").is_none(), "{missing}, and has to be there");
        // Not `eprintln!`, which is not seen when a test passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {missing}");
    }
    found.as_deref()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

impl Server {
    /// A server that keeps nothing on disk; `None` where there is no program.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Option<Self> {
        let program = program()?;
        // Another program may take the port in between.
        let started = (0..10).find_map(|_| {
            let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
            let dir = folder.path().display().to_string();
            let mut all = vec!["--port".to_owned(), port.to_string(), "--dir".to_owned(), dir];
            all.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(str::to_owned));
            all.extend(["--enable-debug-command", "yes"].map(str::to_owned));
            all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
            let mut server = Server { child: spawn(program, &all), arguments: all, port, folder };
            server.is_up().then_some(server)
        });
        Some(started.expect("it starts"))
    }

    /// Waits until it listens; whether it does, and not another one that has taken the port.
    fn is_up(&mut self) -> bool {
        let began = Instant::now();
        while !self.says().is_ok_and(|said| said.contains(&self.folder.path().display().to_string())) {
            if self.child.try_wait().expect("it can be asked").is_some() || began.elapsed() > PATIENCE {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// What it says about its folder. One that wants a password is told the one that all have here.
    fn says(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(RESPONSE))?;
        stream.write_all(b"AUTH right\r\nCONFIG GET dir\r\nQUIT\r\n")?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A store that waits long enough for this machine.
    pub(crate) fn store(&self) -> RedisStore {
        patient(RedisStore::connect(self.url()).expect("the URL is good"))
    }

    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).and_then(|client| client.get_connection()).expect("it is there")
    }

    /// Has it do something, and returns what it says.
    pub(crate) fn tell<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut self.connection()).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again on the same port, with these arguments more.
    pub(crate) fn start_again(&mut self, more: &[&str]) {
        let mut arguments = self.arguments.clone();
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        self.child = spawn(program().expect("it was there"), &arguments);
        assert!(self.is_up(), "it does not start again");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &str, arguments: &[String]) -> Child {
    Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it was there")
}

pub(crate) fn patient(store: RedisStore) -> RedisStore {
    store.connect_timeout(RESPONSE).response_timeout(RESPONSE)
}
