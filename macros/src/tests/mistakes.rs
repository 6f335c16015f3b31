//! The cases of `tests/ui` once more, without a compiler: each mistake that the attribute reports
//! there, in its words and at its place. It takes a second where the compiler takes minutes. What the
//! compiler itself says is in `tests/ui.rs` alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use super::found::{Place, uses};

/// What the compiler says without a number of its own, and so must not be taken for the attribute's words.
const COMPILER: [&str; 5] = [
    "key-value macro attributes are not supported",
    "future cannot be sent between threads safely",
    "expected non-macro attribute, found attribute macro `circuit_breaker`",
    "expected expression, found `;`",
    "declaration of an `unsafe` function",
];

/// The cases, or nothing in a copy of this package alone.
fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("nothing is compared: there is no {}", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut cases: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases
}

type Told = BTreeSet<(Place, String)>;

/// The errors of a `.stderr` that have no number, which are those of macros and of the parser.
fn expected(stderr: &str) -> Told {
    let mut told = Told::new();
    let mut lines = stderr.lines();
    while let Some(line) = lines.next() {
        let Some(message) = line.strip_prefix("error: ") else { continue };
        if COMPILER.contains(&message) {
            continue;
        }
        let place = lines.next().expect("a place follows");
        let mut numbers = place.rsplit(':').map(|number| number.parse::<usize>().expect("a number"));
        let (column, line) = (numbers.next().expect("a column"), numbers.next().expect("a line"));
        // A line with a bar alone, that of the source, and the carets below it.
        let carets = lines.nth(2).expect("something is underlined");
        told.insert(((line, column, carets.matches('^').count()), message.to_owned()));
    }
    told
}

#[test]
fn mistakes_are_told_as_the_compiler_shows_them() {
    let mut differences = Vec::new();
    for case in cases() {
        let text = fs::read_to_string(&case).expect("a case");
        let stderr = fs::read_to_string(case.with_extension("stderr")).expect("what is said of it");
        let file: TokenStream = text.parse().expect("tokens");
        let told: Told =
            uses(&file).into_iter().flat_map(|found| found.mistakes).map(|(message, place)| (place, message)).collect();
        let expected = expected(&stderr);
        if told != expected {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let missing: Vec<_> = expected.difference(&told).collect();
            let unexpected: Vec<_> = told.difference(&expected).collect();
            differences.push(format!("{name}:\n  not told: {missing:?}\n  not in the file: {unexpected:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_item_stays_beside_a_mistake() {
    for case in cases() {
        let file: TokenStream = fs::read_to_string(&case).expect("a case").parse().expect("tokens");
        for found in uses(&file).into_iter().filter(|found| !found.mistakes.is_empty()) {
            let (item, output) = (found.item.to_string(), found.output.to_string());
            // Beside an error an expression would be read as a part of it, and a second attribute would tell it again.
            let is_expression = found.mistakes.iter().any(|(message, _)| message.contains("or another expression"));
            let stays = !is_expression && !item.contains("[circuit_breaker");
            assert_eq!(item == output, stays, "{}: {output}", case.display());
        }
    }
}
