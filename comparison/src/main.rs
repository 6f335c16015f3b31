//! Compares breakerbox with other circuit breakers: in one process, in turn, each as its documentation says to call it.
//!
//! `cargo run --release --manifest-path comparison/Cargo.toml -- --help` tells the options; README.md how to read the
//! results.

mod args;
mod cold;
mod floors;
mod growth;
mod loops;
mod machine;
mod measure;
mod peers;
mod report;
mod run;
mod scenario;
mod subject;
mod tasks;
mod trial;
mod work;

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use args::{Command, Options};
use machine::Machine;
use report::Results;
use run::Field;
use scenario::Scenario;

/// What the attribute of arcly-http expects in a crate of that name. The crate would bring the whole framework.
#[cfg(feature = "frameworks")]
extern crate self as arcly_http;
#[cfg(feature = "frameworks")]
#[doc(hidden)]
pub mod __macro_support {
    pub use arcly_http_core::resilience::{BreakerOpen, CircuitBreaker};
}

fn main() -> ExitCode {
    let done = match args::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => print(args::USAGE),
        Ok(Command::List) => print(&(titles() + "\n")),
        Ok(Command::Run(options)) => compare(&options),
        Err(error) => Err(format!("{error}\n\n{}", args::USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("comparison: {error}");
            ExitCode::FAILURE
        }
    }
}

fn titles() -> String {
    let mut titles: Vec<_> = scenario::all().into_iter().map(Scenario::title).collect();
    titles.push(args::GROWTH.to_owned());
    titles.join("\n")
}

/// A reader that has seen enough, as `head` has, is no mistake.
fn print(text: &str) -> Result<(), String> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write: {error}")),
        _ => Ok(()),
    }
}

fn compare(options: &Options) -> Result<(), String> {
    if cfg!(debug_assertions) && !options.effort.quick {
        return Err("without --release nothing that is measured means anything".to_owned());
    }
    let wanted: Vec<_> = scenario::all().into_iter().filter(|scenario| options.wants(&scenario.title())).collect();
    if wanted.is_empty() && !options.wants_growth() {
        return Err(format!("no scenario is called {:?}; there are\n{}", options.only, titles()));
    }
    fs::create_dir_all(&options.out).map_err(|error| format!("cannot make {}: {error}", options.out.display()))?;
    if !wanted.is_empty() {
        let report = measure(options, &wanted);
        let table = report.table();
        let json = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        write(options, "table.txt", &table)?;
        write(options, "results.json", &(json + "\n"))?;
        print(&table)?;
    }
    if options.wants_growth() {
        let table = growth::run(&options.effort, &options.out);
        print(&table.map_err(|error| format!("the growth curves failed: {error}"))?)?;
    }
    Ok(())
}

fn measure(options: &Options, wanted: &[Scenario]) -> report::Report {
    let machine = Machine::look();
    eprintln!("looking at what each breaker does");
    let field = Field::watch();
    let scenarios = wanted
        .iter()
        .enumerate()
        .map(|(number, scenario)| {
            let title = scenario.title();
            eprintln!("{} of {}: {title}", number + 1, wanted.len());
            Results::new(title, field.run(*scenario, &options.effort))
        })
        .collect();
    report::report(machine, &options.effort, scenarios)
}

fn write(options: &Options, name: &str, text: &str) -> Result<(), String> {
    let path = options.out.join(name);
    fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
