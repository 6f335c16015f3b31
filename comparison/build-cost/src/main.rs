//! What breakerbox costs to compile: the attribute on many functions beside no attribute and
//! `#[tracing::instrument]`, a cold build beside syn's own, and what a function adds to a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use lexopt::ValueExt;

use crate::crates::Crates;
use crate::functions::KINDS_OF_FUNCTIONS;
use crate::report::Report;

mod crates;
mod functions;
mod measure;
mod report;
mod run;
mod size;

const HELP: &str = "\
Measures what breakerbox costs to compile, and writes build.txt and build.json.
Ends with 1 if a target is missed, with 2 if something cannot be measured.

  --functions N     how many functions are annotated (600)
  --rounds N        of warm checks (7)
  --cold-rounds N   of cold builds (3)
  --only PART       checks, cold or sizes; can be given again (all)
  --out FOLDER      where the results go (comparison/results)
  --work FOLDER     where the measured crates go (target/build-cost beside this program's manifest)
";

struct Options {
    functions: usize,
    rounds: usize,
    cold_rounds: usize,
    only: Vec<String>,
    out: PathBuf,
    work: PathBuf,
}

impl Options {
    /// `None` asks for help.
    fn read() -> Result<Option<Options>> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut options = Options {
            functions: 600,
            rounds: 7,
            cold_rounds: 3,
            only: Vec::new(),
            out: here.join("../results"),
            work: here.join("target/build-cost"),
        };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                lexopt::Arg::Long("functions") => options.functions = arguments.value()?.parse()?,
                lexopt::Arg::Long("rounds") => options.rounds = arguments.value()?.parse()?,
                lexopt::Arg::Long("cold-rounds") => options.cold_rounds = arguments.value()?.parse()?,
                lexopt::Arg::Long("only") => options.only.push(arguments.value()?.string()?),
                lexopt::Arg::Long("out") => options.out = arguments.value()?.into(),
                lexopt::Arg::Long("work") => options.work = arguments.value()?.into(),
                lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
                _ => return Err(argument.unexpected().into()),
            }
        }
        ensure!(options.functions > KINDS_OF_FUNCTIONS, "--functions must be more than {KINDS_OF_FUNCTIONS}");
        ensure!(options.rounds > 0 && options.cold_rounds > 0, "a measurement needs at least one round");
        for part in &options.only {
            ensure!(["checks", "cold", "sizes"].contains(&part.as_str()), "--only takes checks, cold or sizes");
        }
        Ok(Some(options))
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("build-cost: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all targets were met.
fn run() -> Result<bool> {
    let Some(options) = Options::read()? else {
        print!("{HELP}");
        return Ok(true);
    };
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    fs::create_dir_all(&options.work).with_context(|| format!("{} cannot be made", options.work.display()))?;
    // Each kind of function as often as the others, so that the difference is whole functions.
    let few = KINDS_OF_FUNCTIONS;
    let crates = Crates::write(&options.work.canonicalize()?, &repository, &[few, options.functions])?;
    // Not offline: what is not there yet is fetched before anything is measured.
    run::cargo(&crates.folder, &["fetch"], true)?;

    let mut report = Report {
        machine: machine(),
        compiler: first_line("rustc", "-V").unwrap_or_default(),
        functions: options.functions,
        kinds_of_functions: KINDS_OF_FUNCTIONS,
        syn: crates.syn.to_string(),
        checks: Vec::new(),
        cold: Vec::new(),
        sizes: Vec::new(),
        targets: Vec::new(),
    };
    if options.wants("checks") {
        for incremental in [true, false] {
            eprintln!("warm checks, {}", if incremental { "incremental" } else { "whole" });
            let all = measure::checks(&crates, options.functions, options.rounds, incremental)?;
            report.checks.push(report::checks(incremental, &all));
        }
    }
    if options.wants("cold") {
        eprintln!("cold builds");
        report.cold = report::cold(&measure::cold(&crates, options.cold_rounds)?);
    }
    if options.wants("sizes") {
        for release in [true, false] {
            eprintln!("sizes, {}", if release { "release" } else { "dev" });
            report.sizes.push(report::sizes(release, &measure::sizes(&crates, few, options.functions, release)?));
        }
    }
    report.judge();
    let text = report.text();
    print!("{text}");
    fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    fs::write(options.out.join("build.txt"), &text)?;
    fs::write(options.out.join("build.json"), serde_json::to_string_pretty(&report)? + "\n")?;
    Ok(report.targets.iter().all(|target| target.met))
}

/// The system and how many processors there are.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH)
}

fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}
