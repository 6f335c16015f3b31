//! Folders that are full, read-only, forbidden, in the way, removed or open to everybody.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use breakerbox::{Config, State};

use crate::children::part;
use crate::fleets;
use crate::support::{Process, file, folder, kept, once, secs};

/// Mounts a small file system on its first argument, in a place that only it sees, and starts the rest.
const ON_A_SMALL_DISK: [&str; 6] = [
    "unshare",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    "mount -t tmpfs -o size=64k tmpfs \"$BREAKERBOX_TEST_FOLDER\" && exec \"$0\" \"$@\"",
];

/// Plays a part on a small disk of its own, where the machine lets a user mount one.
fn on_a_small_disk(name: &str) {
    let folder = folder();
    let can = Command::new("unshare")
        .args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(folder.path())
        .status();
    if !can.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("BREAKERBOX_REQUIRE_TOOLS").is_none(), "no small disk can be mounted here");
        println!("SKIPPED: no small disk can be mounted here");
        return;
    }
    let output = part(&ON_A_SMALL_DISK, name, folder.path()).output().expect("unshare");
    passed(&output);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing was mounted");
}

/// A part that another process played ended well, and was played at all.
fn passed(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{output:?}");
}

/// What degrades a store: told once, calls go on, and all is written when it is over.
fn survives(process: &Process, name: &str, mend: impl FnOnce()) {
    let breaker = process.breaker(name, Config::builder().failure_threshold(1));
    breaker.record_failure();
    assert_eq!(breaker.state(), State::Open);
    assert!(!process.store.flush(Duration::from_millis(300)));
    breaker.reset();
    let begin = Instant::now();
    for _ in 0..1000 {
        breaker.try_acquire().expect("closed").success();
    }
    assert!(begin.elapsed() < secs(5), "{:?}", begin.elapsed());
    breaker.open_for(secs(600));
    assert!(!process.store.flush(Duration::from_millis(300)));
    let heard = process.heard();
    assert_eq!(heard.iter().filter(|line| line.contains("degraded")).count(), 1, "{heard:?}");
    assert!(breaker.status().store.and_then(|store| store.degraded).is_some());
    assert!(process.errors("write") > 0);
    mend();
    process.flush();
    assert_eq!(breaker.status().store.and_then(|store| store.degraded), None);
    let heard = process.heard();
    assert_eq!(heard.iter().filter(|line| line.contains("recovered")).count(), 1, "{heard:?}");
    assert_eq!(kept(&process.store.folder().join(format!("{name}.cbs")))["state"], "open");
}

#[test]
fn a_full_disk_degrades_the_store_until_there_is_room() {
    on_a_small_disk("full");
}

pub(crate) fn full(folder: &Path) {
    let process = Process::start(folder);
    process.quotes().open_for(secs(600));
    process.flush();
    let filler = folder.join("filler");
    let error = fs::write(&filler, vec![0; 1 << 20]).expect_err("it is full");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    survives(&process, "other", || fs::remove_file(&filler).expect("a file"));
    assert_eq!(kept(&file(folder))["state"], "open", "what was written before is whole");
    assert_eq!(fs::read_dir(folder).expect("a folder").count(), 3, "the lock and two files");
    drop(process);
    // It starts on a full disk too, and takes up what is there.
    fs::write(&filler, vec![0; 1 << 20]).expect_err("it is full");
    fs::remove_file(folder.join(".lock")).expect("a file");
    assert_eq!(Process::start(folder).quotes().state(), State::Open);
}

#[test]
fn a_read_only_disk_is_read_and_degrades_the_store_until_it_can_be_written() {
    on_a_small_disk("read-only");
}

pub(crate) fn read_only(folder: &Path) {
    once(folder, |process| process.quotes().open_for(secs(600)));
    remount(folder, "ro");
    let process = Process::start(folder);
    assert_eq!(process.quotes().state(), State::Open);
    survives(&process, "other", || remount(folder, "rw"));
}

#[test]
fn a_full_or_read_only_disk_is_an_error_of_shared_files_until_it_can_be_written() {
    on_a_small_disk("full shared");
    on_a_small_disk("read-only shared");
}

pub(crate) fn full_shared(folder: &Path) {
    let filler = folder.join("filler");
    let fill = || drop(fs::write(&filler, vec![0; 1 << 20]).expect_err("it is full"));
    fleets::shared_on_a_bad_disk(folder, fill, || fs::remove_file(&filler).expect("a file"));
}

pub(crate) fn read_only_shared(folder: &Path) {
    fleets::shared_on_a_bad_disk(folder, || remount(folder, "ro"), || remount(folder, "rw"));
}

fn remount(folder: &Path, how: &str) {
    let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(folder).status();
    assert!(done.expect("mount").success());
}

#[test]
fn a_folder_that_the_user_may_not_write_degrades_the_store_until_he_may() {
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let states = folder.path().join("states");
    fs::create_dir(&states).expect("a folder");
    let own = fs::metadata(&states).expect("a folder").uid();
    let mut command = part(&[], "forbidden", &states);
    // The rights of files do not bind root.
    if own == 0 {
        std::os::unix::fs::chown(&states, Some(65534), Some(65534)).expect("root may");
        let copy = folder.path().join("program");
        fs::copy(command.get_program(), &copy).expect("a program");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("ours");
        let mut copied = Command::new(&copy);
        copied.args(command.get_args());
        copied.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = copied;
        command.uid(65534).gid(65534).current_dir("/");
    }
    let output = command.output().expect("this program again");
    passed(&output);
}

pub(crate) fn forbidden(folder: &Path) {
    let may = |mode: u32| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("ours");
    may(0o500);
    fs::write(folder.join("x"), "").expect_err("forbidden");
    let process = Process::start(folder);
    survives(&process, "other", || may(0o700));
    // One that may not even be looked into, and a file that may not be read.
    may(0o000);
    let blind = Process::start(folder);
    assert_eq!(blind.breaker("other", Config::builder()).state(), State::Closed);
    drop(blind);
    may(0o700);
    drop(process);
    fs::set_permissions(folder.join("other.cbs"), fs::Permissions::from_mode(0o000)).expect("ours");
    let process = Process::start(folder);
    assert_eq!(process.breaker("other", Config::builder()).state(), State::Closed);
    assert_eq!(process.unreadable(), 1);
}

#[test]
fn a_file_that_belongs_to_another_user_is_not_trusted() {
    let folder = folder();
    // As in volumes of containers.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).expect("ours");
    once(folder.path(), |process| process.quotes().open_for(secs(600)));
    assert_eq!(Process::start(folder.path()).quotes().state(), State::Open);
    if std::os::unix::fs::chown(file(folder.path()), Some(65534), None).is_err() {
        println!("SKIPPED: only root can give a file to another user");
        return;
    }
    let process = Process::start_alone(folder.path());
    assert_eq!(process.quotes().state(), State::Closed);
    let heard = process.heard();
    assert!(heard.iter().any(|line| line.contains("it belongs to another user: set aside as")), "{heard:?}");
}

#[test]
fn a_file_in_the_place_of_the_folder_degrades_the_store_until_it_is_gone() {
    let folder = folder();
    let states = folder.path().join("states");
    fs::write(&states, "in the way").expect("a file to write");
    let process = Process::start(&states);
    survives(&process, "other", || fs::remove_file(&states).expect("a file"));
}

#[test]
fn a_folder_that_is_removed_or_exchanged_is_written_anew() {
    let folder = folder();
    let states = folder.path().join("states");
    let process = Process::start(&states);
    process.quotes().open_for(secs(600));
    process.flush();
    process.breaker("forced", Config::builder()).force_open();
    process.flush();
    for is_moved in [false, true] {
        if is_moved {
            // Exchanged for another one, which is written instead.
            fs::rename(&states, folder.path().join("moved")).expect("a folder");
            fs::create_dir(&states).expect("a folder");
        } else {
            fs::remove_dir_all(&states).expect("a folder");
        }
        process.breaker("other", Config::builder()).open_for(secs(600));
        process.flush();
        assert_eq!(kept(&states.join("other.cbs"))["state"], "open");
        // And what was there before, without a change of it.
        assert_eq!(kept(&states.join("quotes.cbs"))["state"], "open");
        assert_eq!(kept(&states.join("forced.cbs"))["mode"], "forced_open");
    }
}
