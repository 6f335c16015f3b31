//! Processes that share a folder: they race, are killed, stopped and kept from writing.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use breakerbox::SharedFiles;
use breakerbox::shared::{Answer, Beat, Order, Proposal, SharedStore, StoreError};
use rustix::process::{Pid, Signal, kill_process};

use crate::children::{Other, ready};
use crate::sharing::{granted, lease, open, order, propose, report, sync, try_sync};
use crate::support::{LONG, folder, secs};

/// Changes of one process in a race.
const CHANGES: usize = 500;
/// Places of an episode.
const PLACES: u32 = 3;

/// Tries until the folder can be had: on a busy machine another may have it for longer than one waits.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, StoreError>) -> T {
    let begin = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => {
                assert!(error.to_string().contains("was held by another") && begin.elapsed() < LONG, "{error}");
            }
        }
    }
}

fn ask(files: &mut SharedFiles, on: u64, what: &Proposal) -> Answer {
    patiently(|| files.propose(&std::process::id().to_string(), "quotes", on, what))
}

/// A part: as many changes as fast as it can, each epoch told.
pub(crate) fn racer(folder: &Path) {
    let mut files = open(folder);
    ready();
    for round in 0..CHANGES {
        let what = if round % 2 == 0 { Order::OpenFor(secs(600)) } else { Order::Reset };
        println!("epoch {}", ask(&mut files, 0, &order(what)).view.epoch);
    }
    println!("done");
}

#[test]
fn of_a_thousand_changes_of_two_processes_each_has_an_epoch_and_none_falls() {
    let folder = folder();
    let mut racers = [Other::start("racer", folder.path()), Other::start("racer", folder.path())];
    for racer in &mut racers {
        racer.says("ready");
    }
    let mut files = open(folder.path());
    let (mut epochs, mut seen) = (HashSet::new(), 0);
    for racer in &mut racers {
        let mut last = 0;
        for _ in 0..CHANGES {
            let epoch = racer.tells("epoch ");
            assert!(epoch > last, "{epoch} after {last}");
            last = epoch;
            assert!(epochs.insert(epoch), "two changes are {epoch}");
            let now = patiently(|| try_sync(&mut files, "parent")).epoch;
            assert!(now >= seen, "{now} after {seen}");
            seen = now;
        }
        racer.says("done");
    }
    assert_eq!(epochs.len(), 2 * CHANGES);
    assert_eq!(Some(sync(&mut files, "parent").epoch), epochs.into_iter().max());
    assert!(files.unusable().is_empty());
}

/// A part: changes three breakers until it is killed, most of the time with the folder held.
pub(crate) fn restless(folder: &Path) {
    let mut files = open(folder);
    let beats = ["a", "b", "quotes"].map(|name| Beat::new(name, secs(600)));
    ready();
    loop {
        for breaker in ["a", "b", "quotes"] {
            for order in [Order::OpenFor(secs(600)), Order::Reset] {
                let what = Proposal::Command { order, by: None, ago: Duration::ZERO };
                patiently(|| files.propose("restless", breaker, 0, &what));
            }
        }
        patiently(|| files.sync("restless", &beats));
        assert!(files.unusable().is_empty());
    }
}

#[test]
fn a_kill_at_any_moment_leaves_whole_files_a_free_folder_and_epochs_that_only_grow() {
    let folder = folder();
    let mut last = 0;
    // One that lives through all of it.
    let mut other = Other::start("restless shared", folder.path());
    other.says("ready");
    for round in 0..60_u64 {
        let mut killed = Other::start("restless shared", folder.path());
        killed.says("ready");
        std::thread::sleep(Duration::from_micros(137 * (round * 31 % 97)));
        killed.kill();
        let mut files = open(folder.path());
        let epoch = patiently(|| try_sync(&mut files, "parent")).epoch;
        assert!(epoch >= last, "round {round}: {epoch} after {last}");
        last = epoch;
        assert!(files.unusable().is_empty(), "round {round}");
    }
    assert!(last > 0, "nothing was ever written");
    assert!(other.child.try_wait().expect("a child").is_none(), "it lives");
    other.kill();
    let mut files = open(folder.path());
    sync(&mut files, "parent");
    assert_eq!(settled(folder.path()), [".changes", ".fleet", ".lock", "a.cbf", "b.cbf", "quotes.cbf"]);
}

/// The names in a folder, as soon as what others stand in the place of is removed.
fn settled(folder: &Path) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().expect("text")).collect();
        if !names.iter().any(|name| name.contains(".tmp")) || begin.elapsed() > LONG {
            names.sort();
            return names;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Stops a process, or lets it go on.
pub(crate) fn signal(other: &Other, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(other.child.id()).expect("a small number")).expect("not zero");
    kill_process(pid, signal).expect("it runs");
}

#[test]
fn a_process_that_is_stopped_while_it_holds_the_folder_holds_nobody_up_for_long() {
    let folder = folder();
    let mut other = Other::start("restless shared", folder.path());
    other.says("ready");
    let mut files = open(folder.path());
    let mut caught = 0;
    for round in 0..500_u64 {
        signal(&other, Signal::STOP);
        let begin = Instant::now();
        let asked = try_sync(&mut files, "parent");
        assert!(begin.elapsed() < secs(20), "{:?}", begin.elapsed());
        if let Err(error) = asked {
            assert!(begin.elapsed() >= Duration::from_millis(200));
            assert!(error.to_string().contains("was held by another process for 200 ms"), "{error}");
            caught += 1;
        }
        signal(&other, Signal::CONT);
        patiently(|| try_sync(&mut files, "parent"));
        if caught == 3 {
            return;
        }
        std::thread::sleep(Duration::from_micros(137 * (round * 31 % 97)));
    }
    panic!("it was caught {caught} times with the folder in its hands");
}

/// A part: asks for trial calls, makes them, and reports them; the last one of an episode fails.
pub(crate) fn trier(folder: &Path) {
    let mut files = open(folder);
    ready();
    loop {
        let seen = patiently(|| try_sync(&mut files, &std::process::id().to_string()));
        let answer = ask(&mut files, seen.epoch, &lease(PLACES, 2));
        for granted in granted(&answer) {
            println!("trial {} {granted}", answer.view.epoch);
            let is_last = patiently(|| try_sync(&mut files, "x")).successes + 1 == PLACES;
            ask(&mut files, answer.view.epoch, &report(vec![granted], u32::from(!is_last), u32::from(is_last)));
        }
    }
}

#[test]
fn all_processes_together_make_no_more_trial_calls_than_an_episode_has_places() {
    let folder = folder();
    let mut files = open(folder.path());
    let mut trials: BTreeMap<u64, HashSet<u64>> = BTreeMap::new();
    propose(&mut files, "parent", 0, &order(Order::OpenFor(Duration::ZERO)));
    let mut triers: Vec<_> = (0..4).map(|_| Other::start("trier", folder.path())).collect();
    for trier in &mut triers {
        trier.says("ready");
    }
    let (begin, mut is_killed) = (Instant::now(), false);
    while (trials.len() < 50 || !is_killed) && begin.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(50));
        // One is killed with whatever it has. An episode that waits for the trials of the dead is begun anew.
        if triers[3].said().iter().any(|line| line.starts_with("trial ")) {
            triers[3].child.kill().expect("it was started");
            is_killed = true;
        }
        patiently(|| files.propose("parent", "quotes", 0, &order(Order::OpenFor(Duration::ZERO))));
        trials.clear();
        for line in triers.iter().flat_map(Other::said) {
            let Some(trial) = line.strip_prefix("trial ") else { continue };
            let (epoch, lease) = trial.split_once(' ').expect("two numbers");
            let number = |text: &str| text.parse().expect("a number");
            assert!(trials.entry(number(epoch)).or_default().insert(number(lease)), "granted twice: {line}");
        }
    }
    assert!(is_killed);
    let most = trials.values().map(HashSet::len).max();
    assert_eq!(most, Some(PLACES as usize), "of {} episodes", trials.len());
}

/// A part, on a disk that is not written to for a while.
pub(crate) fn shared_on_a_bad_disk(folder: &Path, spoil: impl Fn(), mend: impl Fn()) {
    let mut files = open(folder);
    let known = propose(&mut files, "1", 0, &order(Order::OpenFor(secs(600)))).view;
    sync(&mut files, "1");
    settled(folder);
    spoil();
    let begin = Instant::now();
    let problem = files.propose("1", "quotes", 0, &order(Order::Reset)).expect_err("it cannot be written");
    assert!(begin.elapsed() < secs(20), "{:?}", begin.elapsed());
    assert!(problem.to_string().contains("cannot"), "{problem}");
    assert!(try_sync(&mut files, "of another").is_err(), "its sign of life cannot be written");
    mend();
    let seen = sync(&mut files, "1");
    assert_eq!((seen.epoch, seen.state), (known.epoch, known.state), "what was agreed is whole");
    assert!(propose(&mut files, "1", 0, &order(Order::Reset)).view.epoch > known.epoch);
    assert!(files.unusable().is_empty());
}
