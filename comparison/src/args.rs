//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::measure::Effort;

pub const USAGE: &str = "\
Compares breakerbox with other circuit breakers.

Usage: cargo run --release --manifest-path comparison/Cargo.toml [-- OPTIONS]

  --quick          few and short rounds: shows that everything works, not what it costs
  --rounds N       samples of each breaker in each scenario (101)
  --only TEXT      only scenarios whose title contains TEXT; several are allowed; `growth` means the growth curves
  --list           the titles of all scenarios
  --no-growth      without the growth curves
  --out DIR        where table.txt, results.json and the curves go (comparison/results)
  --help           this text
";

/// The title under which the growth curves are asked for.
pub const GROWTH: &str = "growth";

pub enum Command {
    Help,
    List,
    Run(Options),
}

pub struct Options {
    pub effort: Effort,
    /// Parts of titles; all scenarios if there is none.
    pub only: Vec<String>,
    pub growth: bool,
    pub out: PathBuf,
}

impl Options {
    pub fn wants(&self, title: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| title.contains(part.as_str()))
    }

    pub fn wants_growth(&self) -> bool {
        self.growth && (self.only.is_empty() || self.only.iter().any(|part| part == GROWTH))
    }
}

pub fn parse(mut args: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = Options {
        effort: Effort::FULL,
        only: Vec::new(),
        growth: true,
        out: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/results")),
    };
    let mut rounds = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("quick") => options.effort = Effort::QUICK,
            Long("rounds") => rounds = Some(args.value()?.parse_with(at_least_one)?),
            Long("only") => options.only.push(args.value()?.string()?),
            Long("no-growth") => options.growth = false,
            Long("out") => options.out = args.value()?.into(),
            Long("list") => return Ok(Command::List),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    if let Some(rounds) = rounds {
        options.effort.rounds = rounds;
    }
    // A single sample of a machine with other work to do says nothing, so even a smoke run has some length.
    debug_assert!(options.effort.sample >= Duration::from_micros(50));
    Ok(Command::Run(options))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one round is needed".to_owned()),
        Ok(rounds) => Ok(rounds),
        Err(error) => Err(format!("{error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Options, String> {
        match parse(lexopt::Parser::from_args(args)).map_err(|error| error.to_string())? {
            Command::Run(options) => Ok(options),
            _ => Err("no run".to_owned()),
        }
    }

    #[test]
    fn options_are_taken_in_any_order() {
        let options = run(&["--rounds", "7", "--quick", "--only", "refused"]).unwrap();
        assert_eq!(options.effort.rounds, 7);
        assert!(options.effort.quick);
        assert!(options.wants("refused, one thread") && !options.wants("success, one thread"));
        assert!(!options.wants_growth());
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(run(&["--fast"]).err().unwrap(), "invalid option '--fast'");
        assert_eq!(run(&["--rounds", "0"]).err().unwrap(), "cannot parse argument \"0\": at least one round is needed");
    }
}
