//! Other processes: this test binary once more, which plays one part and is killed or waited for.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use breakerbox::Config;

use crate::folders;
use crate::support::{LONG, Process, secs};

const PART: &str = "BREAKERBOX_TEST_PART";
const FOLDER: &str = "BREAKERBOX_TEST_FOLDER";

/// A process that plays a part with a folder. Killed when it is dropped.
pub(crate) struct Other {
    pub(crate) child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    _open: ChildStdin,
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
        Other { child, lines: BufReader::new(output).lines(), _open: open }
    }

    /// Waits until it says this.
    pub(crate) fn says(&mut self, what: &str) {
        let said = self.lines.by_ref().any(|line| line.is_ok_and(|line| line.contains(what)));
        assert!(said, "the other process ended without saying {what}");
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
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
        "full" => folders::full(&folder),
        "read-only" => folders::read_only(&folder),
        "forbidden" => folders::forbidden(&folder),
        _ => panic!("no part {part}"),
    }
}

/// Until the parent kills it, or has died itself.
fn wait_for_death() {
    println!("ready");
    std::io::stdout().flush().expect("a pipe");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Changes the states of a few breakers as often as it can.
fn restless(folder: &Path) {
    let process = Process::start(folder);
    assert_eq!(process.unreadable(), 0, "{:?}", process.heard());
    let names = ["a", "b", "quotes"];
    let breakers = names.map(|name| process.breaker(name, Config::builder()));
    assert_eq!(process.unreadable(), 0, "{:?}", process.heard());
    println!("ready");
    for seconds in (1000..).cycle() {
        for breaker in &breakers {
            breaker.open_for(secs(seconds));
            breaker.half_open();
            breaker.force_open();
            breaker.reset();
            breaker.open_for(secs(seconds + 1));
        }
        assert!(process.store.flush(LONG));
    }
}
