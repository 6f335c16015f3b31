//! The judgement of breakerbox around HTTP: real clients against real servers that fall sick and get well, a million
//! keys, and futures dropped everywhere. This file says in which order; each part is a module.

mod args;
mod clients;
mod drops;
mod facts;
mod figures;
mod keys;
mod memory;
mod script;
mod server;
mod sick;
mod table;
mod trial;

use std::fmt::Write as _;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use args::Part;

/// Counts what is allocated, for everybody alike.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn main() -> anyhow::Result<ExitCode> {
    let options = match args::parse(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{}", args::USAGE);
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => {
            eprintln!("error: {error}; see --help");
            return Ok(ExitCode::from(2));
        }
    };
    let mut text = table::head(&options)?;
    let mut broken = Vec::new();
    if options.wants(Part::Keys) {
        let (part, facts) = keys::run(&options)?;
        print!("{part}");
        let _ = writeln!(text, "{part}");
        broken.extend(facts);
    }
    if options.wants(Part::Drops) {
        let (part, facts) = drops::run(&options)?;
        print!("{part}");
        let _ = writeln!(text, "{part}");
        broken.extend(facts);
    }
    if options.wants(Part::Sick) {
        let (part, facts) = sick::run(&options)?;
        print!("{part}");
        let _ = writeln!(text, "{part}");
        broken.extend(facts);
    }
    if let Some(out) = &options.out {
        std::fs::write(out, format!("{}\n", text.trim_end()))?;
        println!("written to {}", out.display());
    }
    for fact in &broken {
        println!("NOT TRUE: {fact}");
    }
    if broken.is_empty() {
        println!("all facts hold");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
