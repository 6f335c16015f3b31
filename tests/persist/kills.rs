//! Processes that are killed, and processes side by side.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use breakerbox::{Config, Source, State};
use tempfile::TempDir;

use crate::children::Other;
use crate::support::{LONG, Process, assert_about, file, folder, kept, secs};

#[test]
fn a_process_that_was_killed_while_open_is_open_when_it_starts_again() {
    let folder = folder();
    let mut other = Other::start("opens", folder.path());
    other.says("ready");
    other.kill();
    let process = Process::start(folder.path());
    let status = process.quotes().status();
    assert_eq!((status.state, status.store.map(|store| store.source)), (State::Open, Some(Source::Restored)));
    assert_about(status.retry_after, secs(600));
    // The folder of a process that was killed is free.
    process.quotes().close();
    process.flush();
}

#[test]
fn a_kill_at_any_moment_leaves_whole_files_and_nothing_older_than_what_was_flushed() {
    let folder = folder();
    let (mut states, mut flushed) = (Vec::new(), 0);
    for round in 0..60_u64 {
        let mut other = Other::start("restless", folder.path());
        other.says("ready");
        // A time that differs from round to round, in steps that have nothing to do with those of the writer.
        std::thread::sleep(Duration::from_micros(137 * (round * 31 % 97)));
        if round % 10 == 0 {
            // However slow the machine is, something is written.
            other.says("written");
        }
        let said = other.kill();
        let last = said.iter().rev().find_map(|line| line.strip_prefix("written ")?.parse::<u64>().ok());
        for name in ["a", "b", "quotes"] {
            let path = folder.path().join(format!("{name}.cbs"));
            let Some(last) = last else { continue };
            // It was open for that long when it was flushed, and for longer or not at all ever since.
            let record = kept(&path);
            let is_open = record["state"] == "open" && record["mode"] == "auto";
            assert!(!is_open || record["remaining_ms"].as_u64() >= Some(last * 1000), "{last} was flushed: {record}");
            flushed += 1;
        }
        // Read elsewhere, so that the folder is free for the next one, whatever this process does at the same time.
        let copy = copied(folder.path());
        let process = Process::start(copy.path());
        states.extend(["a", "b", "quotes"].map(|name| process.breaker(name, Config::builder()).state()));
        assert_eq!(process.unreadable(), 0, "round {round}: {:?}", process.heard());
    }
    assert!(states.contains(&State::Open) && flushed > 0, "nothing was ever written");
    // What was being written is gone with the next start.
    drop(Process::start(folder.path()));
    let names = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("a file").file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("text")).collect();
    names.sort();
    assert_eq!(names, [".lock", "a.cbs", "b.cbs", "quotes.cbs"]);
}

/// A folder with the same files.
fn copied(from: &Path) -> TempDir {
    let copy = folder();
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a file");
    }
    copy
}

#[test]
fn a_process_beside_another_reads_at_once_and_writes_when_the_other_has_ended() {
    let folder = folder();
    let mut other = Other::start("opens", folder.path());
    other.says("ready");
    let process = Process::start(folder.path());
    let quotes = process.quotes();
    // What the other one knows is taken up, as a process that takes over wants it.
    assert_eq!(quotes.state(), State::Open);
    quotes.close();
    assert!(!process.store.flush(Duration::from_millis(300)));
    assert_eq!(kept(&file(folder.path()))["state"], "open", "the folder is the other's");
    let heard = process.heard();
    let problem = "give those that live side by side an instance each";
    assert_eq!(heard.iter().filter(|line| line.contains(problem)).count(), 1, "told once: {heard:?}");
    assert!(quotes.status().store.and_then(|store| store.degraded).is_some_and(|said| said.contains(problem)));
    other.kill();
    let begin = Instant::now();
    process.flush();
    assert!(begin.elapsed() < LONG);
    assert_eq!(kept(&file(folder.path()))["state"], "closed");
    assert!(process.heard().contains(&"file store: recovered".to_owned()));
    assert_eq!(quotes.status().store.and_then(|store| store.degraded), None);
}

#[test]
fn what_another_process_ordered_meanwhile_is_not_taken_up_after_it() {
    let folder = folder();
    let mut other = Other::start("opens", folder.path());
    other.says("ready");
    fs::remove_file(file(folder.path())).expect("a file");
    let process = Process::start(folder.path());
    assert_eq!(process.quotes().state(), State::Closed);
    // The other one writes once more, and ends.
    let foreign = Process::start(&folder.path().join("elsewhere"));
    foreign.quotes().force_open();
    foreign.flush();
    fs::copy(file(&folder.path().join("elsewhere")), file(folder.path())).expect("a file");
    other.kill();
    process.flush();
    drop(process);
    assert_eq!(Process::start(folder.path()).quotes().state(), State::Closed);
}
