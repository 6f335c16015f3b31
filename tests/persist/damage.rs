//! Files that are cut off, changed, planted or from another version.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use breakerbox::State;

use crate::support::{Process, file, folder, kept, once, seal, secs};

/// The bytes of an open circuit.
fn bytes_of_an_open_one(folder: &Path) -> Vec<u8> {
    once(folder, |process| process.quotes().open_for(secs(600)));
    fs::read(file(folder)).expect("a file")
}

/// What becomes of `quotes` in a process that starts with this file: its state, and whether something was set aside.
fn start_with(folder: &Path, bytes: &[u8]) -> (State, bool) {
    let aside = folder.join("quotes.cbs.corrupt-1");
    let _ = fs::remove_file(&aside);
    fs::write(file(folder), bytes).expect("a file to write");
    let process = Process::start_alone(folder);
    let state = process.quotes().state();
    let is_aside = fs::read(&aside).is_ok_and(|found| found == bytes);
    assert_eq!(process.unreadable(), u64::from(is_aside));
    assert_eq!(process.heard().iter().filter(|line| line.contains("cannot be used")).count(), usize::from(is_aside));
    (state, is_aside)
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_set_aside() {
    let folder = folder();
    let whole = bytes_of_an_open_one(folder.path());
    assert_eq!(start_with(folder.path(), &whole), (State::Open, false));
    for length in 0..whole.len() {
        assert_eq!(start_with(folder.path(), &whole[..length]), (State::Closed, true), "{length} of {}", whole.len());
    }
    let longer: Vec<u8> = whole.iter().chain(b"\n").copied().collect();
    assert_eq!(start_with(folder.path(), &longer), (State::Closed, true));
}

#[test]
fn a_file_with_any_bit_flipped_is_set_aside() {
    let folder = folder();
    let whole = bytes_of_an_open_one(folder.path());
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(start_with(folder.path(), &flipped), (State::Closed, true), "bit {bit}");
    }
}

#[test]
fn what_is_sealed_well_and_says_nothing_is_set_aside() {
    let folder = folder();
    let whole = bytes_of_an_open_one(folder.path());
    let text = String::from_utf8(whole).expect("text");
    let body = text.split_once('\n').expect("a header").1;
    assert_eq!(start_with(folder.path(), &seal(1, body)), (State::Open, false));
    let bodies = ["", "\n", "{}", "[]", "null", "1e999", &"[".repeat(50_000), &body.replace("open", "ajar")];
    for body in bodies {
        assert_eq!(start_with(folder.path(), &seal(1, body)), (State::Closed, true), "{body:.40}");
    }
    // That of another breaker.
    assert_eq!(start_with(folder.path(), &seal(1, &body.replace("quotes", "quoted"))), (State::Closed, true));
    // Numbers at their ends.
    let extreme = serde_json::json!({
        "name": "quotes", "state": "open", "mode": "auto", "generation": u64::MAX, "reopened": u32::MAX,
        "remaining_ms": u64::MAX, "saved": { "unix_ms": u64::MAX, "boot": null }, "of a later day": [1, 2],
    });
    assert_eq!(start_with(folder.path(), &seal(1, &extreme.to_string())), (State::Open, false));
}

#[test]
fn a_file_of_a_later_version_is_left_alone_and_the_breaker_works_in_memory() {
    let folder = folder();
    let later = seal(2, "what nobody knows yet");
    fs::write(file(folder.path()), &later).expect("a file to write");
    {
        let process = Process::start_alone(folder.path());
        let quotes = process.quotes();
        assert_eq!(quotes.state(), State::Closed);
        quotes.open();
        process.breaker("other", breakerbox::Config::builder()).open();
        process.flush();
        let problem = quotes.status().store.and_then(|store| store.degraded).expect("a problem");
        assert!(problem.starts_with("it is of version 2, which is later than this program"), "{problem}");
        assert_eq!(process.registry.get("other").and_then(|other| other.status().store?.degraded), None);
    }
    assert_eq!(fs::read(file(folder.path())).expect("it is there"), later);
    assert_eq!(kept(&folder.path().join("other.cbs"))["state"], "open");
}

#[test]
fn links_pipes_folders_and_large_files_are_set_aside_unread() {
    let folder = folder();
    let path = file(folder.path());
    let outside = tempfile::tempdir().expect("a folder");
    let target = outside.path().join("secret.cbs");
    fs::write(&target, bytes_of_an_open_one(folder.path())).expect("a file to write");
    let before = fs::read(&target).expect("a file");
    let plants: [(&str, &dyn Fn()); 5] = [
        ("it is a link", &|| symlink(&target, &path).expect("a link")),
        ("it is a link", &|| symlink("/dev/zero", &path).expect("a link")),
        ("it is no file", &|| assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success())),
        ("it is no file", &|| fs::create_dir(&path).expect("a folder")),
        ("it is too large", &|| fs::write(&path, vec![b'x'; 70_000]).expect("a file to write")),
    ];
    for (problem, plant) in plants {
        let _ = fs::remove_file(&path);
        plant();
        let process = Process::start_alone(folder.path());
        assert_eq!(process.quotes().state(), State::Closed, "{problem}");
        let heard = process.heard();
        assert!(heard.iter().any(|line| line.contains(problem) && line.contains("set aside as")), "{heard:?}");
        process.quotes().open_for(secs(600));
        process.flush();
        assert_eq!(kept(&path)["state"], "open");
    }
    assert_eq!(fs::read(&target).expect("untouched"), before);
}

#[test]
fn what_is_planted_while_a_process_runs_is_not_written_through() {
    let folder = folder();
    let outside = tempfile::tempdir().expect("a folder");
    let target = outside.path().join("precious");
    fs::write(&target, "precious").expect("a file to write");
    let process = Process::start_alone(folder.path());
    process.quotes();
    symlink(&target, file(folder.path())).expect("a link");
    process.quotes().open_for(secs(600));
    process.flush();
    assert_eq!(fs::read_to_string(&target).expect("untouched"), "precious");
    assert_eq!(kept(&file(folder.path()))["state"], "open");
    fs::remove_file(file(folder.path())).expect("a file");
    // What is more than a name of a file is not written either.
    fs::hard_link(&target, file(folder.path())).expect("a link");
    process.quotes().open_for(secs(700));
    process.flush();
    assert_eq!(fs::read_to_string(&target).expect("untouched"), "precious");
    fs::remove_file(file(folder.path())).expect("a file");
    fs::create_dir(file(folder.path())).expect("a folder");
    process.quotes().close();
    process.flush();
    assert_eq!(kept(&file(folder.path()))["state"], "closed");
}

#[test]
fn three_files_that_were_set_aside_are_kept() {
    let folder = folder();
    for round in 0..5 {
        fs::write(file(folder.path()), format!("damaged {round}")).expect("a file to write");
        Process::start_alone(folder.path()).quotes();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let aside = |number: u32| fs::read_to_string(folder.path().join(format!("quotes.cbs.corrupt-{number}")));
    let mut found: Vec<_> = (1..=3).map(|number| aside(number).expect("a file")).collect();
    found.sort();
    assert_eq!(found, ["damaged 2", "damaged 3", "damaged 4"]);
    assert!(aside(4).is_err());
}

#[test]
fn files_and_folders_are_for_their_user_alone() {
    let folder = folder();
    let states = folder.path().join("a/b");
    once(&states, |process| process.quotes().open());
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&states), mode(&states.join("quotes.cbs")), mode(&states.join(".lock"))), (0o700, 0o600, 0o600));
    assert_eq!(fs::read_dir(&states).expect("a folder").count(), 2, "nothing else is left");
}
