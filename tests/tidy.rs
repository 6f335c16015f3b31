//! The architecture, checked: who may use whom, how long a file is, and what it may not say.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the runtime by rank. A module may use lower ranks only.
const RANKS: [&[&str]; 15] = [
    &["duration", "lazy", "location", "outcome", "role", "state", "sum", "sync", "wire"],
    &["clock", "error", "settings", "snapshot", "word"],
    &["answer", "event", "preset", "spans", "stripes", "summary", "ticket"],
    &["keeper", "policy", "watch"],
    &["backoff", "bus", "config", "env", "status", "window"],
    &["layers", "machine", "past"],
    &["breaker", "configuration"],
    &["admit", "limit", "now", "operate", "remote", "resume", "settle", "watching"],
    &["handle", "shared"],
    &["call", "operator", "permit", "persist", "redis"],
    &["owned", "registry"],
    &["future", "global"],
    &["observe", "reqwest", "tower"],
    &["admin", "axum", "tonic"],
    &["__private", "bin"],
];

const LONGEST: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let skip = path.ends_with("ui") || path.ends_with("target");
        if path.is_dir() && !skip {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn files(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for folder in folders {
        sources(&root().join(folder), &mut paths);
    }
    assert!(!paths.is_empty(), "no sources in {folders:?}");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// Fails with all offences at once.
fn none(offences: &[String], law: &str) {
    assert!(offences.is_empty(), "{law}:\n  {}", offences.join("\n  "));
}

/// The code of a file without its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|rank| rank.contains(&module))
}

/// The module that a file of the runtime is, or is a part of.
fn module(path: &Path) -> String {
    let source = root().join("runtime/src");
    let inside = path.strip_prefix(&source).unwrap_or(path);
    let first = inside.iter().next().unwrap_or_default().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn a_module_uses_lower_ranks_only() {
    let mut offences = Vec::new();
    for (path, text) in files(&["runtime/src"]) {
        let own = module(&path);
        if own == "lib" {
            continue;
        }
        let Some(own_rank) = rank(&own) else {
            offences.push(format!("{own} has no rank"));
            continue;
        };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_lower = rank(&used).is_none_or(|used_rank| used_rank < own_rank);
                if !is_lower && used != own {
                    offences.push(format!("{own}, line {}: uses {used}", number + 1));
                }
            }
        }
    }
    none(&offences, "a module uses lower ranks only");
}

#[test]
fn a_file_has_at_most_400_lines_and_says_what_it_is() {
    let mut offences = Vec::new();
    for (path, text) in files(&["runtime/src", "runtime/benches", "runtime/tests", "macros/src", "tests", "examples"]) {
        let lines = text.lines().count();
        if lines > LONGEST {
            offences.push(format!("{}: {lines} lines", path.display()));
        }
        if !text.starts_with("//!") {
            offences.push(format!("{} does not start with `//!`", path.display()));
        }
    }
    none(&offences, "a file has at most 400 lines and starts with `//!`");
}

#[test]
fn only_the_clock_asks_for_the_time_and_nothing_unwraps() {
    let mut offences = Vec::new();
    for (path, text) in files(&["runtime/src", "macros/src"]) {
        if path.ends_with("tests.rs") || path.to_string_lossy().contains("/src/tests/") {
            continue;
        }
        let is_clock = path.ends_with("clock.rs");
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            let place = format!("{}:{}", path.display(), number + 1);
            if code.contains("Instant::now") && !is_clock {
                offences.push(format!("{place}: `Instant::now` belongs in clock.rs"));
            }
            if code.contains(".unwrap()") || code.contains("todo!(") || code.contains("unimplemented!(") {
                offences.push(format!("{place}: {code}"));
            }
        }
    }
    none(&offences, "time comes from clock.rs, and nothing unwraps");
}

/// The texts in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn what_the_guarantees_name_exists() {
    let page = fs::read_to_string(root().join("docs/guarantees.md")).expect("the page is there");
    let mut offences = Vec::new();
    let mut proofs = 0;
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let Some(held_by) = row.trim_end_matches('|').rsplit('|').next() else { continue };
        let mut file = None;
        for name in quoted(held_by) {
            if name.contains('/') {
                file = fs::read_to_string(root().join(name)).ok();
                if file.is_none() {
                    offences.push(format!("there is no {name}"));
                }
            } else if let Some(text) = &file {
                proofs += 1;
                if !text.contains(&format!("fn {name}(")) {
                    offences.push(format!("there is no test {name} where the page says"));
                }
            }
        }
    }
    assert!(proofs > 60, "the page names {proofs} proofs");
    none(&offences, "docs/guarantees.md names what exists");
}

#[test]
fn the_reading_path_is_short() {
    let path = ["README.md", "runtime/src/lib.rs", "runtime/src/state.rs", "runtime/src/machine.rs"];
    let path = path.iter().chain(&["runtime/src/breaker.rs", "runtime/src/permit.rs"]);
    let count = |file: &&str| fs::read_to_string(root().join(file)).map_or(0, |text| text.lines().count());
    let lines: usize = path.map(count).sum();
    assert!((300..=1400).contains(&lines), "the reading path has {lines} lines");
}

#[test]
fn public_items_are_listed_one_a_line() {
    let text = fs::read_to_string(root().join("runtime/src/lib.rs")).expect("lib.rs is there");
    let listed: Vec<&str> = text.lines().filter(|line| line.starts_with("pub use ")).collect();
    assert!(!listed.is_empty());
    let many: Vec<String> =
        listed.iter().filter(|line| line.contains('{') || line.contains('*')).map(ToString::to_string).collect();
    none(&many, "one `pub use` a line, no globs");
}
