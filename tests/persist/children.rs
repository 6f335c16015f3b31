//! Other processes: this test binary once more, which plays one part and is killed or waited for.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use breakerbox::Config;

use crate::support::{LONG, Process, secs};
use crate::{fleets, folders, hostile, members};

const PART: &str = "BREAKERBOX_TEST_PART";
const FOLDER: &str = "BREAKERBOX_TEST_FOLDER";

/// A process that plays a part with a folder. Killed when it is dropped.
pub(crate) struct Other {
    pub(crate) child: Child,
    /// What it has said so far, read by a thread, so that it never waits for its parent.
    lines: Arc<Lines>,
    next: usize,
    open: ChildStdin,
}

#[derive(Default)]
struct Lines {
    said: Mutex<(Vec<String>, bool)>,
    news: Condvar,
}

/// The command that plays a part, by way of another program if there is one.
pub(crate) fn part(by: &[&str], part: &str, folder: &Path) -> Command {
    let own = env::current_exe().expect("this program");
    let mut command = match by {
        [] => Command::new(&own),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(&own);
            command
        }
    };
    command.args(["--exact", "children::plays_a_part", "--nocapture", "--test-threads=1"]);
    command.env(PART, part).env(FOLDER, folder);
    command
}

impl Other {
    pub(crate) fn start(name: &str, folder: &Path) -> Other {
        let mut command = part(&[], name, folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program again");
        let output = child.stdout.take().expect("piped");
        let open = child.stdin.take().expect("piped");
        let lines = Arc::new(Lines::default());
        let hears = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                hears.said.lock().expect("not poisoned").0.push(line);
                hears.news.notify_all();
            }
            hears.said.lock().expect("not poisoned").1 = true;
            hears.news.notify_all();
        });
        Other { child, lines, next: 0, open }
    }

    /// Waits for the next line that holds this.
    fn line(&mut self, what: &str) -> String {
        let mut said = self.lines.said.lock().expect("not poisoned");
        loop {
            if let Some(at) = said.0.iter().skip(self.next).position(|line| line.contains(what)) {
                self.next += at + 1;
                return said.0[self.next - 1].clone();
            }
            assert!(!said.1, "the other process ended without saying {what}: {:?}", said.0);
            said = self.lines.news.wait(said).expect("not poisoned");
        }
    }

    /// Waits until it says this.
    pub(crate) fn says(&mut self, what: &str) {
        self.line(what);
    }

    /// Waits until it says this and a number, and tells the number.
    pub(crate) fn tells(&mut self, what: &str) -> u64 {
        let line = self.line(what);
        line.rsplit_once(what).and_then(|(_, number)| number.parse().ok()).expect("a number")
    }

    /// Tells it something, and what it answers.
    pub(crate) fn ask(&mut self, what: &str) -> String {
        writeln!(self.open, "{what}").expect("it listens");
        let line = self.line("answer ");
        line.split_once("answer ").map(|(_, answer)| answer.to_owned()).expect("an answer")
    }

    /// Whole lines that it has said by now.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.said.lock().expect("not poisoned").0.clone()
    }

    /// SIGKILL. Tells all that it had said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
        let mut said = self.lines.said.lock().expect("not poisoned");
        while !said.1 {
            said = self.lines.news.wait(said).expect("not poisoned");
        }
        said.0.clone()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No test of its own: what another process does.
#[test]
fn plays_a_part() {
    let Ok(part) = env::var(PART) else { return };
    let folder = PathBuf::from(env::var_os(FOLDER).expect("a folder"));
    match part.as_str() {
        "opens" => {
            let process = Process::start(&folder);
            process.quotes().open_for(secs(600));
            process.flush();
            wait_for_death();
        }
        "restless" => restless(&folder),
        "relative" => hostile::relative(&folder),
        "member" => members::member(&folder),
        "racer" => fleets::racer(&folder),
        "restless shared" => fleets::restless(&folder),
        "trier" => fleets::trier(&folder),
        "full" => folders::full(&folder),
        "read-only" => folders::read_only(&folder),
        "full shared" => folders::full_shared(&folder),
        "read-only shared" => folders::read_only_shared(&folder),
        "forbidden" => folders::forbidden(&folder),
        _ => panic!("no part {part}"),
    }
}

pub(crate) fn ready() {
    println!("ready");
    std::io::stdout().flush().expect("a pipe");
}

/// Until the parent kills it, or has died itself.
pub(crate) fn wait_for_death() {
    ready();
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Changes the states of a few breakers as often as it can.
fn restless(folder: &Path) {
    let process = Process::start(folder);
    assert_eq!(process.unreadable(), 0, "{:?}", process.heard());
    let names = ["a", "b", "quotes"];
    let breakers = names.map(|name| process.breaker(name, Config::builder()));
    assert_eq!(process.unreadable(), 0, "{:?}", process.heard());
    ready();
    for seconds in (1000..).cycle() {
        for breaker in &breakers {
            breaker.open_for(secs(seconds));
            breaker.half_open();
            breaker.force_open();
            breaker.reset();
            breaker.open_for(secs(seconds + 1));
        }
        assert!(process.store.flush(LONG));
        println!("written {}", seconds + 1);
    }
}
