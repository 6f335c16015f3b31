//! The command in a real terminal: colours, the question before `reset-all`, the live table.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use breakerbox::State;
use breakerbox::admin::AdminConfig;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::command::{command, end, eventually};
use crate::real::{Real, TOKEN, registry, trip, writable};

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
const RED: &str = "\u{1b}[1;31m";

/// A command in a terminal, and what it has written there.
struct Terminal {
    child: Child,
    master: File,
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    fn start(url: &str, arguments: &[&str], variables: &[(&str, &str)], rows: u16, columns: u16) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        tcsetwinsize(&master, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let slave: OwnedFd = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens");
        let mut command = command(url, arguments);
        command.env("TERM", "xterm").env("CIRCUIT_BREAKER_ADMIN_TOKEN", TOKEN).envs(variables.iter().copied());
        let again = || Stdio::from(slave.try_clone().expect("a copy"));
        let child = command.stdin(again()).stdout(again()).stderr(again()).spawn().expect("the command is built");
        let master = File::from(master);
        let mut reader = master.try_clone().expect("a copy");
        let text = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Ends with an error when the command has closed its side.
            while let Ok(count) = reader.read(&mut bytes) {
                into.lock().expect("no panic").push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Terminal { child, master, text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.text.lock().expect("no panic").clone()
    }

    /// What the last drawing shows, without colours.
    fn screen(&self) -> String {
        let text = self.text();
        let last = text.rsplit("\u{1b}[H").next().unwrap_or_default();
        let mut shown = last.to_owned();
        for code in ["\u{1b}[K", "\u{1b}[J", "\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[32m", "\u{1b}[33m", RED] {
            shown = shown.replace(code, "");
        }
        shown.replace('\r', "")
    }

    fn waits_for(&self, text: &str) {
        eventually(&format!("{text:?} on {:?}", self.screen()), || self.screen().contains(text));
    }

    fn types(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("it takes input");
    }

    fn gets(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Its exit code and all that it wrote.
    fn ends(&mut self) -> (i32, String) {
        let code = end(&mut self.child);
        // Nobody else holds the other side, so the reader comes to the end of what was written.
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no panic");
        }
        (code, self.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds until the next trial, once there is less than a minute left.
fn countdown(screen: &str) -> Option<u32> {
    screen.split(" in ").nth(1)?.split_once('s')?.0.parse().ok()
}

#[test]
fn a_terminal_gets_colours_unless_it_says_no() {
    let real = Real::start(&registry(&["open-a"]), AdminConfig::new());
    let list = |variables: &[(&str, &str)]| Terminal::start(&real.url(), &["list"], variables, 24, 100).ends().1;
    let coloured = list(&[]);
    assert!(coloured.contains(&format!("{RED}open\u{1b}[0m")), "{coloured:?}");
    assert!(list(&[("NO_COLOR", "")]).contains(RED), "an empty NO_COLOR is none");
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let plain = list(&variables);
        assert!(plain.contains("open-a") && !plain.contains('\u{1b}'), "{plain:?}");
    }
}

#[test]
fn a_narrow_terminal_gets_lines_that_fit() {
    let real = Real::start(&registry(&["open-a", &"long".repeat(30)]), AdminConfig::new());
    let (_, text) = Terminal::start(&real.url(), &["list"], &[("NO_COLOR", "1")], 24, 60).ends();
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    assert!(text.contains('…') && text.contains("closed"), "{text}");
}

#[test]
fn reset_all_asks_whoever_sits_there() {
    let registry = registry(&["open-a"]);
    let real = Real::start(&registry, writable());
    let ask = |answer: &str| {
        let mut terminal = Terminal::start(&real.url(), &["reset-all"], &[], 24, 100);
        eventually("the question", || terminal.text().contains("[y/N] "));
        terminal.types(answer);
        terminal.ends()
    };
    for answer in ["n\n", "\n", "\u{4}"] {
        let (code, text) = ask(answer);
        assert_eq!((code, registry.open().len()), (1, 1), "{answer:?}");
        assert!(text.contains("nothing was changed"), "{text}");
    }
    let (code, text) = ask("y\n");
    assert_eq!((code, registry.open().len()), (0, 0));
    assert!(text.contains("1 circuit breaker reset"), "{text}");
    trip(&registry.get("open-a").unwrap());
    assert_eq!(Terminal::start(&real.url(), &["reset-all", "--yes"], &[], 24, 100).ends().0, 0);
    assert_eq!(registry.get("open-a").unwrap().state(), State::Closed);
}

#[test]
fn watch_draws_what_changes_counts_down_and_leaves_the_terminal_as_it_was() {
    let registry = registry(&["open-a", "b"]);
    let real = Real::start(&registry, writable());
    let mut terminal = Terminal::start(&real.url(), &["watch", "--interval", "200ms"], &[], 24, 100);
    terminal.waits_for("2 circuit breakers: 1 open");
    assert!(terminal.text().starts_with(ENTER));
    eventually("a countdown", || countdown(&terminal.screen()).is_some_and(|left| left <= 58));
    let before = countdown(&terminal.screen());
    eventually("it goes on", || countdown(&terminal.screen()) < before);
    trip(&registry.get("b").unwrap());
    terminal.waits_for("2 circuit breakers: 2 open");
    terminal.waits_for("circuit 'b': closed -> open (5 consecutive failures)");
    registry.get("open-a").unwrap().reset();
    terminal.waits_for("\nopen-a  closed");
    let screen = terminal.screen();
    assert!(screen.find("\nb ") < screen.find("\nopen-a "), "open ones first: {screen}");
    terminal.gets(Signal::INT);
    let (code, text) = terminal.ends();
    assert_eq!(code, 0);
    let (_, after) = text.rsplit_once(LEAVE).expect("the screen is left");
    assert!(after.contains("2 circuit breakers: 1 open") && !after.contains("\u{1b}[?"), "{after:?}");
}

#[test]
fn watch_in_a_small_terminal_says_what_it_leaves_out() {
    let names: Vec<String> = (0..50).map(|number| format!("open-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let real = Real::start(&registry(&names), writable());
    let mut terminal = Terminal::start(&real.url(), &["watch"], &[], 12, 50);
    terminal.waits_for("open-00");
    terminal.waits_for("more, in a larger window");
    let screen = terminal.screen();
    assert!(screen.lines().count() <= 12, "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 50), "{screen}");
    terminal.gets(Signal::TERM);
    assert_eq!(terminal.ends().0, 0);
}

#[test]
fn watch_says_that_the_server_is_gone_and_goes_on_when_it_is_back() {
    let registry = registry(&["open-a"]);
    let real = Real::start(&registry, writable());
    let (address, url) = (real.address, real.url());
    let terminal = Terminal::start(&url, &["watch", "--interval", "100ms"], &[], 24, 100);
    terminal.waits_for("1 circuit breaker: 1 open");
    drop(real);
    terminal.waits_for("trying again: ");
    terminal.waits_for("open-a  open");
    let _again = Real::start_at(address, &registry, writable());
    terminal.waits_for("1 circuit breaker: 1 open");
}

#[test]
fn watch_leaves_the_terminal_as_it_was_when_it_fails() {
    let mut terminal = Terminal::start("http://127.0.0.1:1", &["watch"], &[], 24, 100);
    let (code, text) = terminal.ends();
    assert_eq!(code, 5);
    let (_, after) = text.rsplit_once(LEAVE).expect("the screen is left");
    assert!(after.contains("error: cannot reach"), "{after:?}");
}

#[cfg(feature = "persist")]
#[test]
fn watch_draws_what_is_wrong_with_the_store_until_it_works() {
    let registry = registry(&["a"]);
    let real = Real::start(&registry, AdminConfig::new());
    let terminal = Terminal::start(&real.url(), &["watch"], &[], 24, 100);
    terminal.waits_for("1 circuit breaker: 0 open");
    let (place, store) = crate::store::broken("screen", &registry);
    terminal.waits_for("\nthe file store is degraded, breakers work in memory: cannot ");
    place.mend();
    registry.get("a").expect("it is there").force_open();
    assert!(store.flush(crate::store::LONG));
    terminal.waits_for("file store: recovered");
    eventually("the line is gone", || !terminal.screen().contains("the file store is degraded"));
}
