//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;

use crate::script::{Behaviour, Script};

pub const USAGE: &str = "\
Real HTTP clients with and without circuit breakers, against servers that fall sick and get well.

Usage: cargo run --release --manifest-path comparison/http/Cargo.toml [-- OPTIONS]

  --quick          one short round: do the facts hold that hold on every machine?
  --rounds N       rounds whose medians are shown (3)
  --only TEXT      only this part or sickness; several are allowed: sick, keys, drops, refuses, hangs, abandoned,
                   late, slow, half-way, 503, retry-after, flaky
  --clients TEXT   only clients whose name contains TEXT; several are allowed. `no breaker` always takes part
  --apart          one client after the other; otherwise all of them at the same time, each with its own server
  --out FILE       where the tables go (comparison/http/results.md; nowhere with --quick)
  --help           this text
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Sick,
    Keys,
    Drops,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub quick: bool,
    pub rounds: usize,
    pub apart: bool,
    pub script: Script,
    pub out: Option<PathBuf>,
    /// All if there is none.
    parts: Vec<Part>,
    sick: Vec<Behaviour>,
    clients: Vec<String>,
}

impl Options {
    pub fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    pub fn sicknesses(&self) -> Vec<Behaviour> {
        let wanted = |sick: &Behaviour| self.sick.is_empty() || self.sick.contains(sick);
        Behaviour::SICK.into_iter().filter(wanted).collect()
    }

    pub fn wants_client(&self, name: &str) -> bool {
        self.clients.is_empty() || self.clients.iter().any(|part| name.contains(part.as_str()))
    }
}

/// Nothing, if help is asked for.
pub fn parse(mut args: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        quick: false,
        rounds: 3,
        apart: false,
        script: Script::FULL,
        out: None,
        parts: Vec::new(),
        sick: Vec::new(),
        clients: Vec::new(),
    };
    let mut rounds = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("quick") => options.quick = true,
            Long("rounds") => rounds = Some(args.value()?.parse_with(at_least_one)?),
            Long("only") => only(&mut options, &args.value()?.string()?)?,
            Long("clients") => options.clients.push(args.value()?.string()?),
            Long("apart") => options.apart = true,
            Long("out") => options.out = Some(args.value()?.into()),
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    if options.quick {
        options.script = Script::QUICK;
        options.rounds = 1;
    } else if options.out.is_none() {
        options.out = Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/results.md")));
    }
    options.rounds = rounds.unwrap_or(options.rounds);
    Ok(Some(options))
}

fn only(options: &mut Options, name: &str) -> Result<(), lexopt::Error> {
    let part = match name {
        "sick" => Part::Sick,
        "keys" => Part::Keys,
        "drops" => Part::Drops,
        name => match Behaviour::SICK.into_iter().find(|sick| sick.to_string() == name) {
            Some(sick) => {
                options.sick.push(sick);
                Part::Sick
            }
            None => return Err(format!("there is neither a part nor a sickness '{name}'").into()),
        },
    };
    options.parts.push(part);
    Ok(())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(rounds) if rounds > 0 => Ok(rounds),
        _ => Err("a whole number from 1 on is needed".to_owned()),
    }
}
