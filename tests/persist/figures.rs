//! What it costs on this machine's disk: no test, but figures.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use breakerbox::shared::{Beat, Order, SharedStore};

use crate::sharing::{lease, open, order, propose, report, sync};
use crate::support::{Process, secs};

const ROUNDS: usize = 200;

/// Prints the median and the largest but ten of so many rounds.
fn measure(what: &str, mut work: impl FnMut(usize)) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|round| {
            let begin = Instant::now();
            work(round);
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!("{what}: median {:?}, 95 % under {:?}", times[ROUNDS / 2], times[ROUNDS - 10]);
}

/// In the folder named by `BREAKERBOX_FIGURES_DIR`, as a folder for temporary files may be in memory.
#[test]
#[ignore = "figures: cargo test --release -p breakerbox-tests --features persist --test persist figures -- --ignored --nocapture"]
fn figures() {
    let place = std::env::var_os("BREAKERBOX_FIGURES_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let process = Process::start(&folder.path().join("private"));
    let quotes = process.quotes();
    measure("a change of a private file, on disk", |round| {
        quotes.open_for(secs(round as u64 + 1));
        process.flush();
    });
    let shared = folder.path().join("shared");
    let mut files = open(&shared);
    measure("a change of a shared file, on disk", |_| {
        propose(&mut files, "1", 0, &order(Order::OpenFor(secs(600))));
    });
    propose(&mut files, "1", 0, &order(Order::OpenFor(Duration::ZERO)));
    measure("a lease and the report of its trial call", |_| {
        let on = sync(&mut files, "1").epoch;
        let granted = propose(&mut files, "1", on, &lease(u32::MAX, 1));
        let leases = crate::sharing::granted(&granted);
        assert_eq!(leases.len(), 1);
        propose(&mut files, "1", granted.view.epoch, &report(leases, 0, 0));
    });
    let names: Vec<String> = (0..100).map(|number| format!("breaker {number}")).collect();
    let beats = |lives| names.iter().map(|name| Beat::new(&**name, lives)).collect::<Vec<_>>();
    let long = beats(secs(3600));
    files.sync("1", &long).expect("a folder to share");
    measure("a sync of 100 closed breakers", |_| {
        files.sync("1", &long).expect("a folder to share");
    });
    measure("the same with signs of life to write", |round| {
        files.sync("1", &beats(secs(7200 << round.min(40)))).expect("a folder to share");
    });
    for name in &names {
        files.propose("1", name, 0, &order(Order::OpenFor(secs(600)))).expect("a folder to share");
    }
    measure("a sync of 100 open breakers", |_| {
        files.sync("1", &long).expect("a folder to share");
    });
    for instance in 2..=20 {
        files.sync(&format!("{instance:032}"), &long).expect("a folder to share");
    }
    measure("a sync of 100 open breakers, 20 instances", |_| {
        files.sync("1", &long).expect("a folder to share");
    });
}
