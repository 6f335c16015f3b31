//! Many processes and many breakers in one folder: nobody is kept from it, and what they have in common stays small.

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use breakerbox::shared::{Beat, Order, SharedStore};

use crate::sharing::{open, order, propose, sync, trip, try_sync};
use crate::support::{folder, secs};

/// Files that were set aside.
fn set_aside(folder: &Path) -> usize {
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").file_name());
    names.filter(|name| name.to_string_lossy().contains(".corrupt-")).count()
}

/// How often this thread has waited for something.
fn waits() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").expect("a thread of this process");
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("it is told");
    line.trim().parse().expect("a number")
}

/// Else one that has much to say holds the folder for as long as its disk takes, and others give up.
#[test]
fn a_change_does_not_wait_for_the_disk() {
    let folder = folder();
    let mut files = open(folder.path());
    let waited = (0..30).filter(|_| {
        // Longer than it leaves the folder to others, and the disk may be done.
        std::thread::sleep(Duration::from_millis(70));
        let before = waits();
        propose(&mut files, "1", 0, &order(Order::OpenFor(secs(600))));
        waits() > before
    });
    let waited = waited.count();
    assert!(waited <= 15, "{waited} of 30");
}

#[test]
fn who_has_held_the_folder_leaves_it_to_others_for_as_long() {
    let folder = folder();
    let mut files = open(folder.path());
    let beats: Vec<_> = (0..50).map(|number| Beat::new(format!("breaker {number}"), secs(3600))).collect();
    for beat in &beats {
        files.propose("1", &beat.breaker, 0, &order(Order::OpenFor(secs(600)))).expect("a folder to share");
    }
    let lock = File::options().write(true).open(folder.path().join(".lock")).expect("it was made");
    let is_over = AtomicBool::new(false);
    let free = std::thread::scope(|scope| {
        // Says something all the time. It finds the folder taken for a moment at most.
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                files.sync("1", &beats).expect("a folder to share");
            }
        });
        let looks = (0..300).filter(|look| {
            std::thread::sleep(Duration::from_micros(700 + look * 7));
            lock.try_lock().is_ok_and(|()| lock.unlock().is_ok())
        });
        let free = looks.count();
        is_over.store(true, Ordering::Relaxed);
        free
    });
    assert!(free >= 75, "free {free} of 300 times");
}

#[test]
fn signs_of_life_grow_with_the_breakers_and_with_the_instances_and_not_with_their_product() {
    let folder = folder();
    let mut files = open(folder.path());
    let names: Vec<_> = (0..150).map(|number| format!("service::client::call_{number:04}")).collect();
    let beats: Vec<_> = names.iter().map(|name| Beat::new(&**name, secs(600))).collect();
    for instance in 0..20 {
        files.sync(&format!("{instance:032x}"), &beats).expect("a folder to share");
    }
    let size = fs::metadata(folder.path().join(".fleet")).expect("a file").len();
    assert!(size < 10_000, "{size} bytes");
    // Who lives is known of each breaker, and who leaves one lives for the others.
    files.leave(&format!("{:032x}", 7), &[names[70].as_str().into(), names[71].as_str().into()]);
    let trip = trip(100);
    for (number, needed) in [(0, 10), (70, 10), (149, 10)] {
        let voted = files.propose("x", &names[number], 0, &trip).expect("a folder to share");
        assert_eq!(voted.view.needed, needed, "{number}");
    }
    for instance in 0..3 {
        files.leave(&format!("{instance:032x}"), &[names[70].as_str().into()]);
    }
    let needed = |name: &str, files: &mut breakerbox::SharedFiles| {
        files.propose("x", name, 0, &trip).expect("a folder to share").view.needed
    };
    assert_eq!((needed(&names[70], &mut files), needed(&names[69], &mut files)), (8, 10));
}

#[test]
fn signs_of_life_that_could_not_be_read_again_are_an_error_and_set_nothing_aside() {
    let folder = folder();
    let mut files = open(folder.path());
    let known = propose(&mut files, "1", 0, &order(Order::OpenFor(secs(600)))).view;
    for _ in 0..2 {
        let problem = try_sync(&mut files, &"x".repeat(17 << 20)).expect_err("it is too much").to_string();
        assert!(problem.contains(".fleet would be larger than 16 MiB: share a folder among fewer"), "{problem}");
        assert_eq!(sync(&mut files, "2").epoch, known.epoch);
    }
    assert_eq!(set_aside(folder.path()), 0);
}
