//! Files that several processes share, as two handles of one process see them.

use std::fs::{self, File};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use breakerbox::shared::{Answer, Beat, Nudge, Order, Proposal, SharedStore, StoreError, Verdict, View};
use breakerbox::{FileStore, Mode, SharedFiles, State};

use crate::support::{LONG, Process, assert_about, folder, secs};

const LIVES: Duration = Duration::from_secs(600);

pub(crate) fn open(folder: &Path) -> SharedFiles {
    FileStore::open(folder).shared()
}

pub(crate) fn try_sync(files: &mut SharedFiles, instance: &str) -> Result<View, StoreError> {
    files.sync(instance, &[Beat::new("quotes", LIVES)]).and_then(|mut views| views.remove(0))
}

#[track_caller]
pub(crate) fn sync(files: &mut SharedFiles, instance: &str) -> View {
    try_sync(files, instance).expect("a folder to share")
}

#[track_caller]
pub(crate) fn propose(files: &mut SharedFiles, instance: &str, on: u64, what: &Proposal) -> Answer {
    files.propose(instance, "quotes", on, what).expect("a folder to share")
}

pub(crate) fn trip(quorum: u32) -> Proposal {
    Proposal::Trip { wait: secs(600), quorum, lasts: secs(60) }
}

pub(crate) fn order(order: Order) -> Proposal {
    Proposal::Command { order, by: None, ago: Duration::ZERO }
}

pub(crate) fn lease(places: u32, want: u32) -> Proposal {
    Proposal::Lease { waited: Duration::ZERO, wait: secs(600), places, want, lasts: secs(600), held: vec![] }
}

pub(crate) fn report(leases: Vec<u64>, successes: u32, failures: u32) -> Proposal {
    Proposal::Report { leases, successes, failures, close_at: 3, wait: Duration::ZERO, lasts: secs(600) }
}

pub(crate) fn granted(answer: &Answer) -> Vec<u64> {
    let Verdict::Granted(leases) = &answer.verdict else { return Vec::new() };
    leases.clone()
}

#[test]
fn what_one_finds_out_holds_for_the_other_until_trial_calls_of_both_succeed() {
    let folder = folder();
    let (mut one, mut other) = (open(folder.path()), open(folder.path()));
    assert_eq!(sync(&mut one, "1"), sync(&mut other, "2"));
    assert!(!folder.path().join("quotes.cbf").exists(), "there is nothing to keep");
    let tripped = propose(&mut one, "1", 0, &trip(1));
    assert_eq!((tripped.verdict, tripped.view.state), (Verdict::Applied, State::Open));
    let seen = sync(&mut other, "2");
    assert_eq!((seen.epoch, seen.state), (tripped.view.epoch, State::Open));
    assert_about(Some(seen.left), secs(600));
    assert_eq!(propose(&mut other, "2", seen.epoch, &lease(3, 3)).verdict, Verdict::Wait);
    let due = propose(&mut other, "2", 0, &order(Order::OpenFor(Duration::ZERO))).view;
    let (mine, theirs) = (propose(&mut one, "1", due.epoch, &lease(3, 2)), lease(3, 2));
    let half_open = mine.view.epoch;
    assert_eq!((granted(&mine).len(), mine.view.state), (2, State::HalfOpen));
    let theirs = granted(&propose(&mut other, "2", half_open, &theirs));
    assert_eq!(theirs.len(), 1);
    assert_eq!(propose(&mut one, "1", half_open, &report(granted(&mine), 2, 0)).view.state, State::HalfOpen);
    assert_eq!(granted(&propose(&mut one, "1", half_open, &lease(3, 1))), [0; 0]);
    let closed = propose(&mut other, "2", half_open, &report(theirs, 1, 0));
    assert_eq!((closed.verdict, closed.view.state), (Verdict::Applied, State::Closed));
    assert_eq!(sync(&mut one, "1").epoch, closed.view.epoch);
    assert_eq!(propose(&mut one, "1", due.epoch, &trip(1)).verdict, Verdict::Stale);
    assert_eq!(one.quorum(), 1);
}

#[test]
fn epochs_are_later_than_the_time_and_than_each_other_also_when_all_files_are_lost() {
    let folder = folder();
    let mut files = open(folder.path());
    let unix = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    // The clock of the folder has been anchored to milliseconds.
    let begin = u64::try_from(unix().as_micros()).expect("a few years") - 2000;
    let mut last = begin;
    for round in 0..30 {
        let epoch = propose(&mut files, "1", 0, &order(Order::Mode(Mode::Disabled))).view.epoch;
        assert!(epoch > last, "{epoch} after {last}");
        last = epoch;
        if round % 10 == 5 {
            for entry in fs::read_dir(folder.path()).expect("a folder") {
                // What others stand in the place of goes by itself.
                let _ = fs::remove_file(entry.expect("a file").path());
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }
    assert!(last < begin + 600 * 1_000_000, "{last} is not of the time around {begin}");
}

#[test]
fn votes_and_signs_of_life_count_and_are_taken_back() {
    let folder = folder();
    let mut files = open(folder.path());
    for instance in ["1", "2", "3", "4"] {
        sync(&mut files, instance);
    }
    let voted = propose(&mut files, "1", 0, &trip(3));
    assert_eq!((voted.verdict, voted.view.votes, voted.view.needed), (Verdict::Voted, 1, 2));
    files.leave("1", &["quotes".into()]);
    let left = sync(&mut files, "2");
    assert_eq!((left.votes, left.needed), (0, 2));
    files.leave("4", &["quotes".into()]);
    files.leave("3", &["quotes".into()]);
    assert_eq!(sync(&mut files, "2").needed, 1);
    assert_eq!(propose(&mut files, "2", 0, &trip(3)).verdict, Verdict::Applied);
}

#[test]
fn signs_of_life_that_say_nothing_new_write_nothing() {
    let folder = folder();
    let mut files = open(folder.path());
    propose(&mut files, "1", 0, &trip(1));
    sync(&mut files, "1");
    // What is written from now on is not of that time.
    let long_ago = UNIX_EPOCH + secs(1000);
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        // What others stand in the place of goes by itself.
        let Ok(file) = File::options().write(true).open(entry.expect("a file").path()) else { continue };
        file.set_modified(long_ago).expect("ours");
    }
    let written = || {
        let entries = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("a file"));
        let is_new = |at: SystemTime| at != long_ago;
        let written = entries.filter(|entry| entry.metadata().and_then(|found| found.modified()).is_ok_and(is_new));
        written.map(|entry| entry.file_name()).collect::<Vec<_>>()
    };
    for _ in 0..20 {
        sync(&mut files, "1");
        assert_eq!(written(), [""; 0]);
        std::thread::sleep(Duration::from_millis(2));
    }
    // Another one does.
    sync(&mut files, "2");
    assert_eq!(written(), [".fleet"]);
}

#[test]
fn who_listens_hears_of_changes_of_others_and_not_of_its_own() {
    let folder = folder();
    let (mut one, mut other) = (open(folder.path()), open(folder.path()));
    let (say, hear) = mpsc::channel();
    one.listen(Nudge::new(move |breaker| say.send(breaker.map(str::to_owned)).expect("it is heard")));
    propose(&mut one, "1", 0, &order(Order::Reset));
    sync(&mut other, "2");
    assert_eq!(hear.recv_timeout(Duration::from_millis(500)), Err(mpsc::RecvTimeoutError::Timeout));
    for _ in 0..3 {
        propose(&mut other, "2", 0, &order(Order::Reset));
        assert_eq!(hear.recv_timeout(LONG), Ok(None));
        while hear.recv_timeout(Duration::from_millis(300)).is_ok() {}
    }
    // The thread ends with the store.
    drop(one);
    assert_eq!(hear.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn a_folder_that_a_private_store_has_cannot_be_shared_and_neither_hurts_the_other() {
    let folder = folder();
    let process = Process::start(folder.path());
    process.quotes().open_for(secs(600));
    process.flush();
    let mut files = open(folder.path());
    let begin = Instant::now();
    let problem = try_sync(&mut files, "1").expect_err("it is taken").to_string();
    assert!(begin.elapsed() < secs(10), "{:?}", begin.elapsed());
    assert!(problem.contains("was held by another process for 200 ms"), "{problem}");
    assert!(problem.contains("a store that is not shared"), "{problem}");
    drop(process);
    assert_eq!(sync(&mut files, "1").state, State::Closed);
    propose(&mut files, "1", 0, &order(Order::Reset));
    assert_eq!(Process::start(folder.path()).quotes().state(), State::Open);
}

#[test]
fn a_folder_that_is_removed_is_made_again_and_who_knows_more_says_so() {
    let folder = folder();
    let states = folder.path().join("states");
    let mut files = open(&states);
    let known = propose(&mut files, "1", 0, &trip(1)).view;
    fs::remove_dir_all(&states).expect("a folder");
    assert_eq!(sync(&mut files, "1").epoch, 0);
    let seeded = propose(&mut files, "1", 0, &Proposal::Reseed(known.clone())).view;
    assert_eq!((seeded.epoch, seeded.state), (known.epoch, State::Open));
    assert_eq!(sync(&mut open(&states), "2").epoch, known.epoch);
}

#[test]
fn every_breaker_has_a_file_of_its_own() {
    let folder = folder();
    let mut files = open(folder.path());
    let names = ["quotes", "Quotes", "a/b", "a%2fb", "界", "..", &"é".repeat(60), &"É".repeat(60)];
    let epochs =
        names.map(|name| files.propose("1", name, 0, &order(Order::Reset)).expect("a folder to share").view.epoch);
    let beats = names.map(|name| Beat::new(name, LIVES));
    let views = open(folder.path()).sync("2", &beats).expect("a folder to share");
    assert_eq!(views.iter().map(|view| view.as_ref().expect("it can be used").epoch).collect::<Vec<_>>(), epochs);
}
