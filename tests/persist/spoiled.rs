//! Files that processes share, cut off, changed, planted, from another version or another time.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use breakerbox::shared::{Order, Proposal, SharedStore, Verdict, View};
use breakerbox::{FileStore, SharedFiles, State};
use serde_json::Value;

use crate::sharing::{lease, open, order, propose, sync, trip, try_sync};
use crate::support::{LONG, assert_about, folder, kept, seal_as, secs};

fn quotes(folder: &Path) -> PathBuf {
    folder.join("quotes.cbf")
}

/// A folder where the fleet is open.
fn leave_open(folder: &Path) -> View {
    let mut files = open(folder);
    let view = propose(&mut files, "1", 0, &trip(1)).view;
    sync(&mut files, "1");
    view
}

/// Changes what a file holds.
fn edit(path: &Path, kind: &str, change: impl FnOnce(&mut Value)) {
    let mut content = kept(path);
    change(&mut content);
    fs::write(path, seal_as(kind, 1, &format!("{content}\n"))).expect("a file to write");
}

/// What becomes of an agreement that was spoiled like this: it is set aside, and the one who knows of it says so.
#[track_caller]
fn is_set_aside(files: &mut SharedFiles, known: &View, bytes: &[u8]) {
    let path = quotes(files.folder());
    let aside = files.folder().join("quotes.cbf.corrupt-1");
    let _ = fs::remove_file(&aside);
    fs::write(&path, bytes).expect("a file to write");
    assert_eq!(sync(files, "2").epoch, 0, "{}", String::from_utf8_lossy(bytes));
    assert_eq!(fs::read(&aside).expect("it was set aside"), bytes);
    let unusable = files.unusable();
    assert_eq!(unusable.len(), 1, "{unusable:?}");
    assert_eq!(&*unusable[0].0, "quotes");
    assert!(unusable[0].1.ends_with(&format!("set aside as {}", aside.display())), "{unusable:?}");
    let seeded = propose(files, "2", 0, &Proposal::Reseed(known.clone()));
    assert_eq!((seeded.verdict, seeded.view.epoch, seeded.view.state), (Verdict::Applied, known.epoch, State::Open));
    assert!(files.unusable().is_empty());
}

#[test]
fn an_agreement_that_is_cut_off_anywhere_is_set_aside() {
    let folder = folder();
    let known = leave_open(folder.path());
    let whole = fs::read(quotes(folder.path())).expect("a file");
    let mut files = open(folder.path());
    for length in 0..whole.len() {
        is_set_aside(&mut files, &known, &whole[..length]);
    }
}

#[test]
fn an_agreement_with_any_bit_flipped_is_set_aside() {
    let folder = folder();
    let known = leave_open(folder.path());
    let whole = fs::read(quotes(folder.path())).expect("a file");
    let mut files = open(folder.path());
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        is_set_aside(&mut files, &known, &flipped);
    }
}

#[test]
fn what_is_sealed_well_and_is_no_agreement_is_set_aside() {
    let folder = folder();
    let known = leave_open(folder.path());
    let body = format!("{}\n", kept(&quotes(folder.path())));
    let mut files = open(folder.path());
    let bodies = ["", "\n", "{}", "[]", "null", "1e999", &"[".repeat(50_000), &body.replace("quotes", "quoted")];
    for body in bodies {
        is_set_aside(&mut files, &known, &seal_as("CBF", 1, body));
    }
    // That of a store that is not shared, and one that is far too large.
    is_set_aside(&mut files, &known, &seal_as("CBS", 1, &body));
    is_set_aside(&mut files, &known, &vec![b'x'; 5_000_000]);
}

#[test]
fn numbers_at_their_ends_are_survived() {
    let folder = folder();
    leave_open(folder.path());
    for end in [0, 1, u64::from(u32::MAX), (1 << 53) - 1, 1 << 53, u64::MAX - 1, u64::MAX] {
        for key in ["until", "last_lease", "epoch"] {
            edit(&quotes(folder.path()), "CBF", |content| content["agreement"][key] = end.into());
            let mut files = open(folder.path());
            let _ = try_sync(&mut files, "2");
            let _ = files.propose("2", "quotes", end, &lease(3, 1));
        }
        edit(&quotes(folder.path()), "CBF", |content| content["at"] = end.into());
        let _ = try_sync(&mut open(folder.path()), "2");
        // An operator repairs all of it.
        let view = propose(&mut open(folder.path()), "2", 0, &order(Order::Reset)).view;
        assert_eq!((view.state, sync(&mut open(folder.path()), "2").epoch), (State::Closed, view.epoch));
        propose(&mut open(folder.path()), "2", view.epoch, &trip(1));
    }
}

#[test]
fn what_instances_have_in_common_is_made_again_whatever_became_of_it() {
    let folder = folder();
    let known = leave_open(folder.path());
    let common = folder.path().join(".fleet");
    let whole = fs::read(&common).expect("a file");
    let mut files = open(folder.path());
    let mut last = known.epoch;
    for spoiled in (0..whole.len() * 9).map(|at| match at.checked_sub(whole.len()) {
        None => whole[..at].to_vec(),
        Some(bit) => {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        }
    }) {
        fs::write(&common, &spoiled).expect("a file to write");
        let seen = sync(&mut files, "1");
        assert_eq!((seen.epoch, seen.state), (last, State::Open));
        assert_about(Some(seen.left), secs(600));
        last = propose(&mut files, "1", 0, &order(Order::OpenFor(secs(600)))).view.epoch;
        assert!(last > seen.epoch);
    }
    assert!(files.unusable().is_empty());
}

#[test]
fn files_of_a_later_version_are_left_alone_and_said_to_be() {
    for (name, kind) in [("quotes.cbf", "CBF"), (".fleet", "CBC")] {
        let folder = folder();
        leave_open(folder.path());
        let path = folder.path().join(name);
        let later = seal_as(kind, 2, "what nobody knows yet");
        fs::write(&path, &later).expect("a file to write");
        let mut files = open(folder.path());
        let problems = [
            try_sync(&mut files, "1").expect_err("nobody knows it").to_string(),
            files.propose("1", "quotes", 0, &order(Order::Reset)).expect_err("nobody knows it").to_string(),
        ];
        for problem in problems {
            let said = format!("{name} is of version 2, which is later than this program: update it");
            assert!(problem.contains(&said), "{problem}");
        }
        assert_eq!(fs::read(&path).expect("it is there"), later);
    }
}

#[test]
fn what_is_planted_is_neither_read_nor_written_through_nor_waited_for() {
    let folder = folder();
    let known = leave_open(folder.path());
    let outside = tempfile::tempdir().expect("a folder");
    let precious = outside.path().join("precious");
    fs::copy(quotes(folder.path()), &precious).expect("a file");
    let before = fs::read(&precious).expect("a file");
    let mut files = open(folder.path());
    for name in ["quotes.cbf", ".fleet", ".changes"] {
        let path = folder.path().join(name);
        let plants: [&dyn Fn(); 4] = [
            &|| symlink(&precious, &path).expect("a link"),
            &|| fs::hard_link(&precious, &path).expect("a link"),
            &|| assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success()),
            &|| fs::create_dir(&path).expect("a folder"),
        ];
        for plant in plants {
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir(&path);
            plant();
            let begin = Instant::now();
            let seen = sync(&mut files, "1");
            propose(&mut files, "1", seen.epoch, &Proposal::Reseed(known.clone()));
            let ordered = propose(&mut files, "1", 0, &order(Order::OpenFor(secs(600)))).view;
            assert_eq!(sync(&mut files, "2").epoch, ordered.epoch, "{name}");
            assert!(begin.elapsed() < LONG);
            assert_eq!(fs::read(&precious).expect("untouched"), before, "{name}");
        }
    }
}

#[test]
fn a_lock_that_was_planted_is_an_error_and_not_waited_for() {
    let folder = folder();
    let outside = tempfile::tempdir().expect("a folder");
    let target = outside.path().join("target");
    fs::write(&target, "").expect("a file");
    let lock = folder.path().join(".lock");
    let plants: [(&str, &dyn Fn()); 4] = [
        ("it is a link", &|| symlink(&target, &lock).expect("a link")),
        ("it is a link", &|| symlink("/dev/zero", &lock).expect("a link")),
        ("it is no file", &|| assert!(Command::new("mkfifo").arg(&lock).status().expect("mkfifo").success())),
        ("it is no file", &|| fs::create_dir(&lock).expect("a folder")),
    ];
    for (problem, plant) in plants {
        let _ = fs::remove_file(&lock);
        plant();
        let said = try_sync(&mut open(folder.path()), "1").expect_err("planted").to_string();
        assert!(said.contains("cannot lock the folder") && said.contains(problem), "{said}");
    }
    fs::remove_dir(&lock).expect("a folder");
    sync(&mut open(folder.path()), "1");
}

#[test]
fn after_a_reboot_the_wall_clock_tells_and_epochs_go_on() {
    let folder = folder();
    let known = leave_open(folder.path());
    let common = folder.path().join(".fleet");
    // Everything was 200 s ago, and before the machine was started.
    let back = |content: &mut Value, key: &str| {
        let micros = content[key].as_u64().expect("a time") - 200_000_000;
        content[key] = micros.into();
    };
    edit(&quotes(folder.path()), "CBF", |content| {
        back(content, "at");
        back(&mut content["agreement"], "until");
        back(&mut content["agreement"], "epoch");
    });
    edit(&common, "CBC", |content| {
        assert_eq!(content["clocks"].as_array().map(Vec::len), Some(1), "{content}");
        assert_ne!(content["clocks"][0]["of"], "", "Linux tells its boot: {content}");
        content["clocks"][0]["of"] = "another start".into();
    });
    let seen = sync(&mut open(folder.path()), "1");
    assert_eq!((seen.epoch, seen.state), (known.epoch - 200_000_000, State::Open));
    assert_about(Some(seen.left), secs(400));
    assert!(propose(&mut open(folder.path()), "1", 0, &order(Order::Reset)).view.epoch > known.epoch);
}

#[test]
fn a_clock_that_was_set_back_while_the_machine_was_off_holds_nobody_up() {
    let folder = folder();
    let mut files = open(folder.path());
    let due = propose(&mut files, "1", 0, &order(Order::OpenFor(Duration::ZERO))).view;
    let half_open = propose(&mut files, "1", due.epoch, &lease(1, 1)).view;
    // What was written is ten years ahead of now, as after a start without a battery.
    let ahead = |content: &mut Value| *content = (content.as_u64().expect("a time") + 315_360_000_000_000).into();
    edit(&quotes(folder.path()), "CBF", |content| {
        ahead(&mut content["at"]);
        ahead(&mut content["agreement"]["epoch"]);
        ahead(&mut content["agreement"]["until"]);
        let soon = content["at"].as_u64().expect("a time") + 100_000;
        for lease in content["agreement"]["leases"].as_object_mut().expect("leases").values_mut() {
            lease["until"] = soon.into();
        }
    });
    fs::remove_file(folder.path().join(".fleet")).expect("a file");
    let on = sync(&mut files, "2").epoch;
    assert!(on > half_open.epoch);
    // The lease of the one that died comes back, so the clock goes.
    let begin = Instant::now();
    loop {
        let answer = propose(&mut files, "2", on, &lease(1, 1));
        if answer.verdict != Verdict::Granted(Vec::new()) {
            break;
        }
        assert!(begin.elapsed() < LONG, "{answer:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let closed = propose(&mut files, "2", 0, &order(Order::Reset)).view;
    assert!(closed.epoch > on);
}

#[test]
fn nothing_is_touched_before_it_is_asked() {
    let folder = folder();
    let files = FileStore::open(folder.path().join("later")).shared();
    assert_eq!(files.folder(), folder.path().join("later"));
    drop(files);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
