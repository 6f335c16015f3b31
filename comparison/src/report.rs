//! The results: a table to read, and JSON with the same in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::machine::Machine;
use crate::measure::{Effort, Samples, Spread};
use crate::run::Row;

#[derive(Serialize)]
pub struct Report {
    pub machine: Machine,
    pub rounds: usize,
    /// A smoke run: its figures mean nothing.
    pub quick: bool,
    /// The version of each package that takes part.
    pub versions: BTreeMap<String, String>,
    pub scenarios: Vec<Results>,
}

#[derive(Serialize)]
pub struct Results {
    pub title: String,
    pub rows: Vec<Figures>,
    /// One for each way to use breakerbox; none where it does not take part.
    pub verdicts: Vec<Verdict>,
}

#[derive(Serialize)]
pub struct Figures {
    pub name: &'static str,
    /// Empty for what is no breaker.
    pub package: &'static str,
    /// Nanoseconds a call; none if it was not timed.
    pub ns: Option<Spread>,
    /// The ratio to the bare call, taken round by round.
    pub ratio: Option<Spread>,
    pub records_no_success: bool,
    /// Why it was not timed.
    pub missing: Option<String>,
    pub notes: Vec<String>,
}

/// How breakerbox stands beside the peers of one scenario.
#[derive(Serialize, Debug, PartialEq)]
pub struct Verdict {
    pub of: &'static str,
    pub peers: usize,
    /// Those that took less time, or the same.
    pub behind: Vec<Neighbour>,
    /// The fastest of the others.
    pub next: Option<Neighbour>,
}

#[derive(Serialize, Debug, PartialEq)]
pub struct Neighbour {
    pub name: &'static str,
    /// Its time as a multiple of that of breakerbox.
    pub ratio: f64,
    pub records_no_success: bool,
}

impl Results {
    pub fn new(title: String, rows: Vec<Row>) -> Self {
        let verdicts = rows.iter().filter(|row| is_ours(row)).filter_map(|row| verdict(row, &rows)).collect();
        let bare = rows.first().and_then(|row| row.samples.as_ref().ok()).cloned();
        let rows = rows.into_iter().map(|row| figures(row, bare.as_ref())).collect();
        Self { title, rows, verdicts }
    }
}

fn is_ours(row: &Row) -> bool {
    row.package == "breakerbox"
}

fn figures(row: Row, bare: Option<&Samples>) -> Figures {
    let (samples, missing) = match row.samples {
        Ok(samples) => (Some(samples), None),
        Err(why) => (None, Some(why)),
    };
    Figures {
        name: row.name,
        package: row.package,
        ns: samples.as_ref().map(Samples::spread),
        ratio: samples.as_ref().zip(bare).map(|(samples, bare)| samples.ratio_to(bare)),
        records_no_success: row.records_no_success,
        missing,
        notes: row.notes,
    }
}

fn verdict(ours: &Row, rows: &[Row]) -> Option<Verdict> {
    let own = ours.samples.as_ref().ok()?;
    let peers = rows.iter().filter(|row| !row.package.is_empty() && !is_ours(row));
    let mut timed: Vec<Neighbour> = peers
        .filter_map(|peer| {
            let ratio = peer.samples.as_ref().ok()?.ratio_to(own).median;
            Some(Neighbour { name: peer.name, ratio, records_no_success: peer.records_no_success })
        })
        .collect();
    timed.sort_by(|one, other| one.ratio.total_cmp(&other.ratio));
    let peers = timed.len();
    let slower = timed.partition_point(|peer| peer.ratio <= 1.0);
    let next = timed.split_off(slower).into_iter().next();
    Some(Verdict { of: ours.name, peers, behind: timed, next })
}

impl Report {
    /// The table, readable in a terminal and as Markdown.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        let _ = writeln!(text, "# Circuit breakers compared\n");
        let _ =
            writeln!(text, "{}, {} cores, Linux {}, load {}", machine.cpu, machine.cores, machine.kernel, machine.load);
        let _ = writeln!(text, "{}, {}, {} rounds", machine.rustc, machine.date, self.rounds);
        if self.quick {
            text.push_str("\nA smoke run: its figures mean nothing.\n");
        }
        let versions: Vec<_> = self.versions.iter().map(|(package, version)| format!("{package} {version}")).collect();
        let _ = writeln!(text, "\n{}", versions.join(", "));
        for results in &self.scenarios {
            let _ = writeln!(text, "\n## {}\n", results.title);
            results.write_rows(&mut text);
        }
        self.write_verdicts(&mut text);
        self.write_notes(&mut text);
        text
    }

    fn write_verdicts(&self, text: &mut String) {
        text.push_str("\n## Is breakerbox ahead of every peer?\n\n");
        let verdicts: Vec<_> = self.scenarios.iter().flat_map(|results| &results.verdicts).collect();
        let verdicts: Vec<_> = verdicts.into_iter().filter(|verdict| verdict.peers > 0).collect();
        let ahead = verdicts.iter().filter(|verdict| verdict.behind.is_empty()).count();
        let recording = |verdict: &&&Verdict| verdict.behind.iter().all(|peer| peer.records_no_success);
        let ahead_of_recording = verdicts.iter().filter(recording).count();
        let _ = writeln!(
            text,
            "In {ahead} of {} cases ahead of every peer, in {ahead_of_recording} of every peer that records successes.\n",
            verdicts.len()
        );
        for results in &self.scenarios {
            for verdict in &results.verdicts {
                let _ = writeln!(text, "- {}: {} {}", results.title, verdict.of, verdict.sentence());
            }
        }
    }

    /// What there is to say of each breaker; once, since it is the same in most scenarios.
    fn write_notes(&self, text: &mut String) {
        let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in self.scenarios.iter().flat_map(|results| &results.rows) {
            for note in &row.notes {
                let notes = notes.entry(row.name).or_default();
                if !notes.contains(&note.as_str()) {
                    notes.push(note);
                }
            }
        }
        text.push_str("\n## Notes\n\n");
        for (name, notes) in notes {
            let _ = writeln!(text, "- {name}: {}", notes.join("; "));
        }
    }
}

impl Results {
    fn write_rows(&self, text: &mut String) {
        let head = ["", "ns", "quartiles", "× bare", ""].map(str::to_owned);
        let mut lines = vec![head];
        lines.extend(self.rows.iter().map(Figures::cells));
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 5] = std::array::from_fn(width);
        for (number, line) in lines.iter().enumerate() {
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                let _ = if is_figure(column) {
                    write!(text, "| {cell:>width$} ")
                } else {
                    write!(text, "| {cell:width$} ")
                };
            }
            text.push_str("|\n");
            if number == 0 {
                for (column, width) in widths.into_iter().enumerate() {
                    let _ = write!(text, "|-{:-<width$}{}", "", if is_figure(column) { ':' } else { '-' });
                }
                text.push_str("|\n");
            }
        }
    }
}

/// Whether a column of the table holds figures, which stand on the right.
fn is_figure(column: usize) -> bool {
    (1..4).contains(&column)
}

impl Figures {
    fn cells(&self) -> [String; 5] {
        let ns = self.ns.map(|ns| figure(ns.median)).unwrap_or_default();
        let quartiles = self.ns.map(|ns| format!("{} – {}", figure(ns.lower), figure(ns.upper))).unwrap_or_default();
        let ratio = self.ratio.map(|ratio| figure(ratio.median)).unwrap_or_default();
        let mut note = Vec::from_iter(self.missing.clone());
        note.extend(self.records_no_success.then(|| "records no success".to_owned()));
        [self.name.to_owned(), ns, quartiles, ratio, note.join("; ")]
    }
}

/// Three figures that count.
fn figure(value: f64) -> String {
    match value.abs() {
        small if small < 9.995 => format!("{value:.2}"),
        middle if middle < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

impl Verdict {
    fn sentence(&self) -> String {
        let next = self.next.as_ref().map(|peer| format!("next is {}", peer.words()));
        if self.peers == 0 {
            return "has no peer".to_owned();
        }
        if self.behind.is_empty() {
            return format!("is ahead of all {}; {}", self.peers, next.unwrap_or_default());
        }
        let behind: Vec<_> = self.behind.iter().map(Neighbour::words).collect();
        format!("is BEHIND {} of {}: {}", behind.len(), self.peers, behind.join(", "))
    }
}

impl Neighbour {
    fn words(&self) -> String {
        let mark = if self.records_no_success { ", which records no success" } else { "" };
        format!("{} with {} ×{mark}", self.name, figure(self.ratio))
    }
}

/// The versions of the packages that take part.
pub fn taking_part(scenarios: &[Results], versions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let packages = scenarios.iter().flat_map(|results| &results.rows).map(|row| row.package);
    packages.filter_map(|package| versions.get_key_value(package)).map(|(p, v)| (p.clone(), v.clone())).collect()
}

/// What a report says of itself.
pub fn report(machine: Machine, effort: &Effort, scenarios: Vec<Results>) -> Report {
    let versions = taking_part(&scenarios, &crate::machine::versions());
    Report { machine, rounds: effort.rounds, quick: effort.quick, versions, scenarios }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, package: &'static str, ns: f64) -> Row {
        let samples = Ok(Samples(vec![ns; 3]));
        Row { name, package, notes: Vec::new(), records_no_success: name == "forgetful", samples }
    }

    #[test]
    fn a_faster_peer_is_named() {
        let rows = vec![
            row("bare", "", 1.0),
            row("ours", "breakerbox", 2.0),
            row("forgetful", "a", 1.5),
            row("slow", "b", 8.0),
        ];
        let results = Results::new("title".to_owned(), rows);
        let [verdict] = &results.verdicts[..] else { panic!("one way to use breakerbox") };
        assert_eq!(verdict.sentence(), "is BEHIND 1 of 2: forgetful with 0.75 ×, which records no success");
        assert_eq!(verdict.next.as_ref().map(|peer| peer.name), Some("slow"));
        assert_eq!(results.rows[3].ratio.map(|ratio| ratio.median), Some(8.0));
    }

    #[test]
    fn what_was_not_timed_says_why() {
        let mut never = row("never", "c", 0.0);
        never.samples = Err("never refuses".to_owned());
        let results =
            Results::new("title".to_owned(), vec![row("bare", "", 1.0), row("ours", "breakerbox", 2.0), never]);
        assert_eq!(results.verdicts[0].sentence(), "has no peer");
        assert_eq!(results.rows[2].cells(), ["never", "", "", "", "never refuses"]);
    }

    #[test]
    fn three_figures_count() {
        assert_eq!([1.234, 9.996, 99.96, 1234.5].map(figure), ["1.23", "10.0", "100", "1234"]);
    }
}
