//! A real `redis-server` on a free port of this machine, which keeps nothing on disk.

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// `None` if there is no such program on this machine and that is allowed; said aloud.
    pub(crate) fn start() -> Option<Server> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        match spawn(port) {
            Ok(process) => {
                let server = Server { process, port };
                server.until_it_answers();
                Some(server)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                assert!(env::var_os("BREAKERBOX_REQUIRE_REDIS").is_none(), "there is no redis-server on the PATH");
                eprintln!("SKIPPED: there is no redis-server on the PATH");
                None
            }
            Err(error) => panic!("redis-server: {error}"),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL: all that it knew is lost.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.process = spawn(self.port).unwrap();
        self.until_it_answers();
    }

    pub(crate) fn stop(&self) {
        kill_process(Pid::from_child(&self.process), Signal::STOP).unwrap();
    }

    pub(crate) fn go_on(&self) {
        kill_process(Pid::from_child(&self.process), Signal::CONT).unwrap();
    }

    pub(crate) fn flush(&self) {
        self.command("FLUSHALL", "+OK").unwrap();
    }

    fn until_it_answers(&self) {
        let start = Instant::now();
        while let Err(error) = self.command("PING", "+PONG") {
            assert!(start.elapsed() < Duration::from_secs(30), "no answer: {error}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn command(&self, command: &str, answer: &str) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut heard = vec![0; answer.len()];
        stream.read_exact(&mut heard)?;
        if heard == answer.as_bytes() { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16) -> io::Result<Child> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn()
}
