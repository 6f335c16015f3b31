//! Whole processes with registries that share a folder: they open, try and close together.

use std::fs::{self, File};
use std::io::BufRead;
use std::path::Path;
use std::time::{Duration, Instant};

use breakerbox::{Config, FileStore, Registry};
use rustix::process::Signal;

use crate::children::{Other, ready};
use crate::fleets::signal;
use crate::support::{LONG, folder, secs};

/// A part: does with its breaker what it is told, and answers.
pub(crate) fn member(folder: &Path) {
    let registry = Registry::new();
    registry.attach(FileStore::open(folder).shared()).expect("the first");
    let settings = Config::builder().failure_threshold(2).recovery_timeout(secs(5)).half_open_max_calls(3);
    let quotes = registry.get_or_insert("quotes", settings.success_threshold(3)).expect("valid");
    let mut permits = Vec::new();
    ready();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let status = quotes.status();
        let answer = match line.as_str() {
            "state" => format!("{} {}", status.state, status.mode),
            "touch" => status.store.is_some_and(|store| store.synced.is_some()).to_string(),
            "degraded" => status.store.and_then(|store| store.degraded).is_some().to_string(),
            "fail" => {
                quotes.record_failure();
                quotes.state().to_string()
            }
            "probe" => quotes.try_acquire().map_or("refused", |_neutral| "admitted").to_owned(),
            "take" => match quotes.try_acquire() {
                Ok(permit) => {
                    permits.push(permit);
                    "taken".to_owned()
                }
                Err(_) => "refused".to_owned(),
            },
            "succeed" => {
                let count = permits.len();
                permits.drain(..).for_each(breakerbox::Permit::success);
                count.to_string()
            }
            "force_open" => {
                quotes.force_open();
                "done".to_owned()
            }
            "open" => {
                quotes.open_for(secs(600));
                "done".to_owned()
            }
            "reset" => {
                quotes.reset();
                "done".to_owned()
            }
            _ => panic!("what is {line}?"),
        };
        println!("answer {answer}");
    }
}

fn start(folder: &Path) -> Other {
    let mut member = Other::start("member", folder);
    member.says("ready");
    member
}

/// Waits until all answer this, and tells how long that took.
#[track_caller]
fn agree(members: &mut [Other], question: &str, answer: &str) -> Duration {
    let begin = Instant::now();
    for (number, member) in members.iter_mut().enumerate() {
        loop {
            let said = member.ask(question);
            if said == answer {
                break;
            }
            assert!(begin.elapsed() < LONG, "member {number} says {said} and not {answer}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    begin.elapsed()
}

#[test]
fn what_one_process_finds_out_or_is_ordered_all_do_and_those_that_come_later() {
    let folder = folder();
    let mut members: Vec<_> = (0..3).map(|_| start(folder.path())).collect();
    assert_eq!(members[0].ask("fail"), "closed");
    assert_eq!(members[0].ask("fail"), "open");
    // One vote is enough where all see one network.
    let took = agree(&mut members, "probe", "refused");
    println!("the last one refused calls after {took:?}");
    assert_eq!(members[1].ask("force_open"), "done");
    agree(&mut members, "state", "open forced_open");
    // A killed one starts again, and knows.
    members.pop().expect("three").kill();
    members.push(start(folder.path()));
    agree(&mut members, "state", "open forced_open");
    assert_eq!(members[2].ask("reset"), "done");
    agree(&mut members, "state", "closed auto");
}

#[test]
fn all_processes_together_make_the_trial_calls_of_one_and_close_together() {
    let folder = folder();
    let mut members: Vec<_> = (0..3).map(|_| start(folder.path())).collect();
    members[0].ask("fail");
    members[0].ask("fail");
    agree(&mut members, "probe", "refused");
    let (mut taken, mut begin) = (0, Instant::now());
    // Three are admitted, whoever asks, and no more for as long as none of them has ended.
    while taken < 3 || begin.elapsed() < secs(3) {
        for member in &mut members {
            if member.ask("take") == "taken" {
                (taken, begin) = (taken + 1, Instant::now());
            }
        }
        assert!(taken <= 3, "{taken} trial calls");
        assert!(begin.elapsed() < LONG, "{taken} trial calls");
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended: u32 = members.iter_mut().map(|member| member.ask("succeed").parse::<u32>().expect("a number")).sum();
    assert_eq!(ended, 3);
    agree(&mut members, "state", "closed auto");
}

#[test]
fn processes_that_cannot_have_the_folder_work_by_themselves_and_agree_again_afterwards() {
    let folder = folder();
    let states = folder.path().join("states");
    let mut members: Vec<_> = (0..2).map(|_| start(&states)).collect();
    agree(&mut members, "touch", "true");
    let lock = File::options().write(true).open(states.join(".lock")).expect("it was made");
    lock.lock().expect("it is free now and then");
    agree(&mut members, "degraded", "true");
    assert_eq!(members[0].ask("open"), "done");
    assert_eq!(members[0].ask("state"), "open auto");
    assert_eq!(members[1].ask("state"), "closed auto", "nobody could tell it");
    lock.unlock().expect("it was locked");
    agree(&mut members, "degraded", "false");
    agree(&mut members, "state", "open auto");
    // The folder goes, with all that was agreed.
    fs::rename(&states, folder.path().join("gone")).expect("a folder");
    let mut late = start(&states);
    agree(std::slice::from_mut(&mut late), "state", "open auto");
}

#[test]
fn a_process_that_stood_still_learns_what_happened_and_changes_nothing() {
    let folder = folder();
    let mut members: Vec<_> = (0..2).map(|_| start(folder.path())).collect();
    members[0].ask("open");
    agree(&mut members, "state", "open auto");
    signal(&members[1], Signal::STOP);
    assert_eq!(members[0].ask("reset"), "done");
    // Longer than it lives for the others.
    std::thread::sleep(secs(4));
    signal(&members[1], Signal::CONT);
    agree(&mut members, "state", "closed auto");
    std::thread::sleep(secs(2));
    agree(&mut members, "state", "closed auto");
}
