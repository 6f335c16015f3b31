//! Runs commands of cargo and tells what they took: time on the wall, and time on the processor of
//! all their processes, which other work on the machine disturbs less.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::Serialize;

/// What one run took, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    pub wall: f64,
    pub cpu: f64,
}

/// What several runs took.
#[derive(Clone, Debug, Default)]
pub struct Runs(Vec<Took>);

/// The middle and the ends of several runs, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    pub wall: f64,
    pub cpu: f64,
    pub wall_least: f64,
    pub wall_most: f64,
    pub cpu_least: f64,
    pub cpu_most: f64,
    pub runs: usize,
}

impl Runs {
    pub fn push(&mut self, took: Took) {
        self.0.push(took);
    }

    pub fn summary(&self) -> Summary {
        let (wall, cpu) = (sorted(self.0.iter().map(|took| took.wall)), sorted(self.0.iter().map(|took| took.cpu)));
        let ends =
            |values: &[f64]| (values.first().copied().unwrap_or(f64::NAN), values.last().copied().unwrap_or(f64::NAN));
        let ((wall_least, wall_most), (cpu_least, cpu_most)) = (ends(&wall), ends(&cpu));
        Summary {
            wall: median(&wall),
            cpu: median(&cpu),
            wall_least,
            wall_most,
            cpu_least,
            cpu_most,
            runs: self.0.len(),
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(low), sorted.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

/// Runs `cargo` in a folder. What it says is shown only if it fails.
pub fn cargo<S: AsRef<OsStr>>(folder: &Path, arguments: &[S], incremental: bool) -> Result<Took> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    // Of the environment nothing may change what is built or where.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_setting = text.starts_with("CARGO_") && text != "CARGO_HOME";
        if is_setting || ["RUSTFLAGS", "RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"].contains(&&*text) {
            command.env_remove(&name);
        }
    }
    command.env("CARGO_INCREMENTAL", if incremental { "1" } else { "0" });
    let (before, start) = (processor()?, Instant::now());
    let output = command.output().context("cargo could not be started")?;
    let wall = start.elapsed().as_secs_f64();
    let cpu = processor()? - before;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(Took { wall, cpu })
}

/// Seconds of processor time of all processes that this one has started and that have ended.
fn processor() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("the system does not tell processor times")?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
