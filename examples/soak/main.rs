//! A soak: hundreds of tasks and threads call dozens of breakers, over TCP to backends that are
//! killed and started again, while operators, listeners and clocks make trouble; laws are checked all the time.
//!
//! ```text
//! cargo run --release --example soak -- --seconds 60
//! ```
//!
//! Expect a line now and then, a report, and as its last line `all laws held`; otherwise it names
//! the laws that are broken, and the seed, and exits with 1. `--help` tells the options.
//!
//! `world` puts everything together; `target` keeps the program's own account of the calls of a
//! breaker; `callers`, `operators`, `outage`, `listeners` and `churn` make the storm; `inspect`, `status`,
//! `lab` and `clocks` check; `law` counts the checks.

#![forbid(unsafe_code)]

mod args;
mod backend;
mod callers;
mod churn;
mod clocks;
mod faces;
mod inspect;
mod lab;
mod law;
mod listeners;
mod memory;
mod operators;
mod outage;
mod race;
mod report;
mod settings;
mod status;
mod tally;
mod target;
mod work;
mod world;

use std::io;
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use args::{Args, Order};
use law::{Law, check};
use memory::Heap;
use tally::Tally;

fn main() -> ExitCode {
    let done = match args::read() {
        Ok(Order::Soak(args)) => soak(&args),
        Ok(Order::Serve(port)) => backend::serve(port).map(|()| true),
        Ok(Order::Help) => {
            println!("{}", args::USAGE);
            Ok(true)
        }
        Err(problem) => {
            eprintln!("soak: {problem}; --help tells the options");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all laws held.
fn soak(args: &Args) -> io::Result<bool> {
    world::mind_panics();
    report::begin(args);
    let seed = args.seed;
    thread::Builder::new().name("watchdog".to_owned()).spawn({
        let time = Duration::from_secs(args.seconds + 600);
        move || bark(time, seed)
    })?;

    // What lives as long as the program is made by now, and is not taken for a leak.
    world::soak(&Args { seconds: 2.min(args.seconds), ..*args }, |_, _| ())?;
    tally::clear();
    let before = Heap::now();

    let step = Duration::from_secs((args.seconds / 12).max(1));
    let mut next = step;
    let figures = world::soak(args, |time, world| {
        if time >= next {
            report::progress(time, world);
            next += step;
        }
    })?;
    let after = memory::judge_rest(before);
    judge_sparing();
    Ok(report::end(args, &figures, before, after))
}

/// Most calls to a backend that is down have to be refused before they reach it. Of few calls nothing can be said.
fn judge_sparing() {
    let (connections, calls) = (tally::of(Tally::SparedConnections), tally::of(Tally::SparedCalls));
    if calls >= 5_000 {
        check(Law::BackendIsSpared, connections <= calls / 2, || format!("{connections} of {calls} calls reached it"));
    }
}

/// Ends a soak that is stuck. Backends end with it.
fn bark(time: Duration, seed: u64) {
    thread::sleep(time);
    eprintln!("soak: it does not end; with seed {seed}, {:?}", law::broken());
    process::exit(1);
}
