//! Plays what other libraries do, as language-neutral traces, against breakerbox.
//!
//! The traces are those of `tests/conformance`, or of the folder that `CONFORMANCE_DIR` names. Each
//! is played on a manual clock, on the reference model too, or skipped with the choice of ours that it contradicts.

#[path = "conformance/choices.rs"]
mod choices;
// The other binary of tests that has it uses all of it.
#[cfg(feature = "shared")]
#[allow(dead_code)]
#[path = "shared/faulty.rs"]
mod faulty;
#[cfg(feature = "shared")]
#[path = "conformance/fleet.rs"]
mod fleet;
#[cfg(feature = "shared")]
#[path = "conformance/fleet_seen.rs"]
mod fleet_seen;
#[cfg(feature = "shared")]
#[path = "conformance/fleet_settings.rs"]
mod fleet_settings;
#[path = "conformance/play.rs"]
mod play;
// The other binary of tests that has it uses all of it.
#[allow(dead_code)]
mod reference;
#[path = "conformance/seen.rs"]
mod seen;
#[path = "conformance/sensitivity.rs"]
mod sensitivity;
#[path = "conformance/settings.rs"]
mod settings;
#[path = "conformance/shadow.rs"]
mod shadow;
#[path = "conformance/trace.rs"]
mod trace;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use play::{Played, play};

/// What became of all traces, as text.
#[derive(Debug, Default)]
struct Report {
    played: usize,
    remarks: Vec<String>,
    skipped: Vec<String>,
    disagreements: Vec<String>,
}

impl Report {
    fn of(folder: &Path) -> Result<Report, String> {
        let mut report = Report::default();
        for (file, trace) in trace::read_folder(folder)? {
            let id = &trace.id;
            match play(&trace) {
                Played::Agrees { remarks } => {
                    report.played += 1;
                    report.remarks.extend(remarks.iter().map(|remark| format!("{id}: {remark}")));
                }
                Played::Skipped(reason) => report.skipped.push(format!("{id}: {reason}")),
                Played::Disagrees(problems) => {
                    report.played += 1;
                    report.disagreements.extend(problems.iter().map(|problem| format!("{file} {id}: {problem}")));
                    if !trace.notes.is_empty() {
                        report.disagreements.push(format!("{file} {id}: its notes say: {}", trace.notes));
                    }
                }
            }
        }
        Ok(report)
    }

    fn text(&self, folder: &Path) -> String {
        let mut text = format!("conformance: {}\n", folder.display());
        let parts = [("remark", &self.remarks), ("skipped", &self.skipped), ("DISAGREES", &self.disagreements)];
        for (word, lines) in parts {
            for line in lines {
                let _ = writeln!(text, "  {word}  {line}");
            }
        }
        let _ = writeln!(text, "played {}", self.played);
        let _ = writeln!(text, "skipped {}", self.skipped.len());
        let _ = writeln!(text, "disagreements {}", self.disagreements.len());
        text
    }
}

/// The folder of the traces. A relative one may be meant from here, or from the workspace.
fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    match std::env::var_os("CONFORMANCE_DIR") {
        None => here.join("conformance"),
        Some(named) => {
            let named = PathBuf::from(named);
            let from_workspace = here.join("..").join(&named);
            if named.is_relative() && !named.is_dir() && from_workspace.is_dir() { from_workspace } else { named }
        }
    }
}

#[test]
fn conformance() {
    let folder = folder();
    let report = match Report::of(&folder) {
        Ok(report) => report,
        Err(problem) => panic!("{problem}"),
    };
    let text = report.text(&folder);
    // Written, not printed: the test harness captures what is printed.
    let _ = std::io::stderr().write_all(text.as_bytes());
    assert!(report.disagreements.is_empty(), "{text}");
    assert!(report.played > 0, "nothing was played\n{text}");
}
