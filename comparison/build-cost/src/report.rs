//! What was measured, as a table for people and as JSON, with what it is held against.

use std::fmt::Write;

use serde::Serialize;

use crate::crates::Dependent;
use crate::functions::Attribute;
use crate::run::{Runs, Summary};
use crate::size::Size;

/// 600 annotated functions add at most so many seconds to a warm check.
const MOST_ADDED: f64 = 1.2;
/// A cold build takes at most so many times what syn's own takes.
const MOST_COLD: f64 = 1.5;
/// The number of functions that `MOST_ADDED` is about.
const FUNCTIONS: f64 = 600.0;

#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: String,
    pub compiler: String,
    pub functions: usize,
    pub kinds_of_functions: usize,
    /// What `on_syn` depends on.
    pub syn: String,
    pub checks: Vec<Checks>,
    pub cold: Vec<Cold>,
    pub sizes: Vec<Sizes>,
    pub targets: Vec<Target>,
}

/// The warm checks of one kind.
#[derive(Debug, Serialize)]
pub struct Checks {
    pub incremental: bool,
    pub rows: Vec<Check>,
}

#[derive(Debug, Serialize)]
pub struct Check {
    pub attribute: &'static str,
    pub took: Summary,
    /// Seconds more than without an attribute.
    pub added_wall: f64,
    pub added_cpu: f64,
    /// Processor time that it adds, as a share of what `#[tracing::instrument]` adds.
    pub of_instrument: f64,
}

#[derive(Debug, Serialize)]
pub struct Cold {
    pub package: &'static str,
    pub took: Summary,
    /// As a share of what syn takes with the same features.
    pub of_syn_wall: f64,
    pub of_syn_cpu: f64,
}

/// Bytes that one function adds to a program.
#[derive(Debug, Serialize)]
pub struct Sizes {
    pub release: bool,
    pub rows: Vec<Growth>,
}

#[derive(Debug, Serialize)]
pub struct Growth {
    pub attribute: &'static str,
    /// The function and its attribute.
    pub function: Size,
    /// The attribute alone.
    pub added: Size,
}

#[derive(Debug, Serialize)]
pub struct Target {
    pub what: String,
    pub most: f64,
    pub measured: f64,
    pub met: bool,
}

impl Target {
    fn new(what: impl Into<String>, most: f64, measured: f64) -> Target {
        Target { what: what.into(), most, measured, met: measured <= most }
    }
}

pub fn checks(incremental: bool, all: &[(Attribute, Runs)]) -> Checks {
    let took =
        |wanted: Attribute| all.iter().find(|(attribute, _)| *attribute == wanted).map(|(_, runs)| runs.summary());
    let added = |attribute| match (took(attribute), took(Attribute::None)) {
        (Some(with), Some(without)) => (with.wall - without.wall, with.cpu - without.cpu),
        _ => (f64::NAN, f64::NAN),
    };
    let row = |(attribute, runs): &(Attribute, Runs)| {
        let ((added_wall, added_cpu), (_, instrument)) = (added(*attribute), added(Attribute::Instrument));
        let of_instrument = added_cpu / instrument;
        Check { attribute: attribute.describe(), took: runs.summary(), added_wall, added_cpu, of_instrument }
    };
    Checks { incremental, rows: all.iter().map(row).collect() }
}

pub fn cold(all: &[(Dependent, Runs)]) -> Vec<Cold> {
    let syn = all.iter().find(|(dependent, _)| *dependent == Dependent::Syn).map(|(_, runs)| runs.summary());
    let row = |(dependent, runs): &(Dependent, Runs)| {
        let took = runs.summary();
        let share = |part: fn(&Summary) -> f64| syn.map_or(f64::NAN, |syn| part(&took) / part(&syn));
        let (of_syn_wall, of_syn_cpu) = (share(|took| took.wall), share(|took| took.cpu));
        Cold { package: dependent.package(), took, of_syn_wall, of_syn_cpu }
    };
    all.iter().map(row).collect()
}

pub fn sizes(release: bool, all: &[(Attribute, Size)]) -> Sizes {
    let plain = all.iter().find(|(attribute, _)| *attribute == Attribute::None).map(|(_, size)| *size);
    let row = |(attribute, function): &(Attribute, Size)| {
        let added = plain.map_or(*function, |plain| function.less(plain));
        Growth { attribute: attribute.describe(), function: *function, added }
    };
    Sizes { release, rows: all.iter().map(row).collect() }
}

impl Report {
    /// Holds what was measured against the targets.
    pub fn judge(&mut self) {
        // Seconds for the number of functions that the target is about.
        let scale = FUNCTIONS / self.functions as f64;
        for checks in &self.checks {
            let how = if checks.incremental { "incremental" } else { "whole" };
            for row in checks.rows.iter().filter(|row| row.attribute.starts_with("#[circuit_breaker")) {
                let attribute = row.attribute;
                // A warm check is incremental, unless one asks for more.
                if checks.incremental {
                    self.targets.extend([
                        Target::new(
                            format!("{attribute}: seconds added to a check, wall"),
                            MOST_ADDED,
                            row.added_wall * scale,
                        ),
                        Target::new(format!("{attribute}: the same, processor"), MOST_ADDED, row.added_cpu * scale),
                    ]);
                }
                let what = format!("{attribute}: processor time added, of what instrument adds, {how}");
                self.targets.push(Target::new(what, 1.0, row.of_instrument));
            }
        }
        for row in self.cold.iter().filter(|row| row.package == Dependent::Breakerbox.package()) {
            self.targets.extend([
                Target::new("cold build, of syn's, wall", MOST_COLD, row.of_syn_wall),
                Target::new("cold build, of syn's, processor", MOST_COLD, row.of_syn_cpu),
            ]);
        }
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "{}, {}\n{} functions of {} kinds; seconds, medians of interleaved rounds with the least and the most\n",
            self.compiler, self.machine, self.functions, self.kinds_of_functions
        );
        for checks in &self.checks {
            let how = if checks.incremental { "incremental" } else { "CARGO_INCREMENTAL=0" };
            let _ = writeln!(text, "\nwarm cargo check after lib.rs was touched, {how}");
            let _ = writeln!(
                text,
                "{:<24}{:>22}{:>22}{:>12}{:>12}{:>15}",
                "", "wall", "processor", "added wall", "added proc.", "of instrument"
            );
            for row in &checks.rows {
                let _ = writeln!(
                    text,
                    "{:<24}{}{:>12.3}{:>12.3}{:>14.2}x",
                    row.attribute,
                    times(&row.took),
                    row.added_wall,
                    row.added_cpu,
                    row.of_instrument
                );
            }
        }
        if !self.cold.is_empty() {
            let _ =
                writeln!(text, "\ncold cargo build of a crate with one dependency, dev profile; on_syn: {}", self.syn);
            let _ = writeln!(text, "{:<24}{:>22}{:>22}{:>15}{:>15}", "", "wall", "processor", "of syn, wall", "proc.");
            for row in &self.cold {
                let _ = writeln!(
                    text,
                    "{:<24}{}{:>14.2}x{:>14.2}x",
                    row.package,
                    times(&row.took),
                    row.of_syn_wall,
                    row.of_syn_cpu
                );
            }
        }
        for sizes in &self.sizes {
            let profile = if sizes.release { "release" } else { "dev" };
            let _ =
                writeln!(text, "\nbytes of a program for each function, {profile} profile; added: by the attribute");
            let _ = writeln!(
                text,
                "{:<24}{:>12}{:>12}{:>12}{:>14}{:>14}{:>14}",
                "", "file", "loaded", "code", "added file", "added loaded", "added code"
            );
            for row in &sizes.rows {
                let (whole, added) = (row.function, row.added);
                let _ = writeln!(
                    text,
                    "{:<24}{:>12.0}{:>12.0}{:>12.0}{:>14.0}{:>14.0}{:>14.0}",
                    row.attribute, whole.file, whole.loaded, whole.code, added.file, added.loaded, added.code
                );
            }
        }
        text.push_str("\ntargets\n");
        for target in &self.targets {
            let met = if target.met { "met" } else { "MISSED" };
            let _ = writeln!(text, "{:<82}{:>8.3} of at most {:<6}{met}", target.what, target.measured, target.most);
        }
        text
    }
}

fn times(took: &Summary) -> String {
    let part = |middle: f64, least: f64, most: f64| format!("{middle:.3} ({least:.2}-{most:.2})");
    let wall = part(took.wall, took.wall_least, took.wall_most);
    let cpu = part(took.cpu, took.cpu_least, took.cpu_most);
    format!("{wall:>22}{cpu:>22}")
}
