//! Folders that others may write, links to folders, planted locks, and whoever has the same folder.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use breakerbox::{Config, FileStore, Registry, State};

use crate::children::part;
use crate::sharing::try_sync;
use crate::support::{LONG, Process, file, folder, kept, once, secs};

/// A user that is not the one of this process.
const NOBODY: u32 = 65534;

fn may(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
}

/// Gives it to another user, where this one is root.
fn given_away(path: &Path) -> bool {
    let is_given = std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).is_ok();
    if !is_given {
        println!("SKIPPED: only root can give something to another user");
    }
    is_given
}

#[test]
fn a_link_to_a_folder_is_as_good_as_the_folder() {
    let folder = folder();
    let (states, link) = (folder.path().join("states"), folder.path().join("link"));
    fs::create_dir(&states).expect("a folder");
    symlink(&states, &link).expect("a link");
    once(&link, |process| process.quotes().open_for(secs(600)));
    assert_eq!(Process::start(&states).quotes().state(), State::Open);
}

#[test]
fn a_folder_that_somebody_may_have_planted_is_neither_read_nor_written() {
    let folder = folder();
    // As `/tmp`.
    may(folder.path(), 0o1777);
    let (outside, states) = (tempfile::tempdir().expect("a folder"), folder.path().join("states"));
    once(outside.path(), |process| process.quotes().force_open());
    let plants: [&dyn Fn(); 3] = [
        &|| fs::create_dir(&states).expect("a folder"),
        &|| symlink(outside.path(), &states).expect("a link"),
        &|| fs::create_dir(&states).expect("a folder"),
    ];
    for (round, plant) in plants.into_iter().enumerate() {
        plant();
        if round == 0 {
            fs::copy(file(outside.path()), file(&states)).expect("a file");
            chown(file(&states), Some(NOBODY), None).unwrap_or_default();
        }
        if !given_away(&states) {
            return;
        }
        // The folder itself, and one within it.
        let within = states.join("within");
        for path in [&states, &within] {
            if round == 2 && path == &states {
                continue;
            }
            let process = Process::start(path);
            let quotes = process.quotes();
            assert_eq!((quotes.state(), quotes.mode()), (State::Closed, breakerbox::Mode::Auto), "{round}");
            quotes.open_for(secs(600));
            assert!(!process.store.flush(Duration::from_millis(300)));
            let heard = process.heard();
            let told = "is another user's, in a folder that everybody may write";
            assert_eq!(heard.iter().filter(|line| line.contains(told)).count(), 1, "{heard:?}");
            let problem = try_sync(&mut FileStore::open(path).shared(), "1").expect_err("planted").to_string();
            assert!(problem.contains(told), "{problem}");
        }
        if round != 1 {
            let left: Vec<_> =
                fs::read_dir(&states).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
            assert!(left.iter().all(|name| name != ".lock"), "{left:?}");
        }
        fs::remove_file(&states).or_else(|_| fs::remove_dir_all(&states)).expect("it goes");
    }
    assert_eq!(kept(&file(outside.path()))["mode"], "forced_open");
}

#[test]
fn files_of_who_owns_the_folder_are_trusted() {
    let folder = folder();
    let states = folder.path().join("states");
    once(&states, |process| process.quotes().open_for(secs(600)));
    // As where all files of a volume are mapped to one user.
    if [&states, &file(&states), &states.join(".lock")].into_iter().all(|path| given_away(path)) {
        once(&states, |process| assert_eq!(process.quotes().state(), State::Open));
    }
}

#[test]
fn a_lock_that_was_planted_degrades_the_store_until_it_is_gone() {
    let folder = folder();
    once(folder.path(), |process| process.quotes().open_for(secs(600)));
    let lock = folder.path().join(".lock");
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("x"), "").expect("a file");
    let plants: [(&str, &dyn Fn()); 5] = [
        ("it is a link", &|| symlink(outside.path().join("x"), &lock).expect("a link")),
        ("it is a link", &|| symlink("/dev/tty", &lock).expect("a link")),
        ("it is no file", &|| assert!(Command::new("mkfifo").arg(&lock).status().expect("mkfifo").success())),
        ("it is no file", &|| fs::create_dir(&lock).expect("a folder")),
        ("it belongs to another user", &|| {
            may(folder.path(), 0o1777);
            fs::write(&lock, "").expect("a file");
            may(&lock, 0o666);
            given_away(&lock);
        }),
    ];
    for (problem, plant) in plants {
        fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock)).expect("it goes");
        plant();
        if problem.ends_with("user")
            && fs::metadata(&lock).is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) != NOBODY)
        {
            return;
        }
        let begin = Instant::now();
        let process = Process::start_alone(folder.path());
        assert_eq!(process.quotes().state(), State::Open, "files can be read all the same");
        let heard = process.heard();
        assert!(heard.iter().any(|line| line.contains("degraded") && line.contains(problem)), "{heard:?}");
        fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock)).expect("it goes");
        process.flush();
        assert!(begin.elapsed() < LONG);
        assert!(process.heard().contains(&"file store: recovered".to_owned()));
    }
}

#[test]
fn of_two_registries_in_one_folder_the_second_writes_when_the_first_has_ended() {
    let folder = folder();
    let one = Process::start(folder.path());
    let other = Process::start(folder.path());
    let heard = other.heard();
    assert!(heard.iter().any(|line| line.contains("is used by another process or registry")), "{heard:?}");
    one.quotes().open_for(secs(600));
    one.flush();
    other.breaker("other", Config::builder()).open_for(secs(600));
    assert!(!other.store.flush(Duration::from_millis(300)));
    drop(one);
    other.flush();
    assert_eq!(kept(&folder.path().join("other.cbs"))["state"], "open");
}

#[test]
fn thousands_of_breakers_that_open_at_once_are_kept() {
    const MANY: usize = 3000;
    let folder = folder();
    let name = |number: usize| format!("breaker {number}");
    once(folder.path(), |process| {
        let begin = Instant::now();
        for number in 0..MANY {
            process.breaker(&name(number), Config::builder().failure_threshold(1)).record_failure();
        }
        assert!(begin.elapsed() < LONG, "nobody waits for a disk: {:?}", begin.elapsed());
        process.flush();
    });
    let process = Process::start(folder.path());
    for number in 0..MANY {
        assert_eq!(process.breaker(&name(number), Config::builder()).state(), State::Open);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), MANY + 1);
}

#[test]
fn a_relative_folder_is_meant_where_the_process_was_when_it_was_named() {
    let folder = folder();
    let output = part(&[], "relative", folder.path()).output().expect("this program again");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    assert_eq!(kept(&folder.path().join("states/quotes.cbs"))["state"], "open");
}

pub(crate) fn relative(folder: &Path) {
    std::env::set_current_dir(folder).expect("a folder");
    let store = FileStore::open("states");
    assert_eq!(store.folder(), fs::canonicalize(folder).expect("a folder").join("states"));
    std::env::set_current_dir("/").expect("a folder");
    let registry = Registry::new();
    registry.attach(&store).expect("the first");
    registry.get_or_insert("quotes", Config::default()).expect("valid").open_for(secs(600));
    assert!(store.flush(LONG));
}

#[test]
fn a_folder_without_a_name_is_no_folder() {
    let registry = Registry::new();
    let store = FileStore::open("");
    registry.attach(&store).expect("the first");
    let quotes = registry.get_or_insert("quotes", Config::default()).expect("valid");
    let problem = quotes.status().store.and_then(|store| store.degraded).expect("a problem");
    assert!(problem.contains("it has no name"), "{problem}");
    assert!(try_sync(&mut FileStore::open("").shared(), "1").is_err());
    assert!(!Path::new(".lock").exists());
}
