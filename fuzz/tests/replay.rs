//! Plays the kept inputs, those that the fuzzer found new ways with and those that once broke a law.
#![forbid(unsafe_code)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;

fn inputs(folder: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    paths.sort();
    paths
}

/// Fails with every input that breaks a law. A deep expression needs more stack than a test has.
fn play(target: &'static str, law: fn(&[u8])) {
    let player = thread::Builder::new().stack_size(256 << 20).spawn(move || play_all(target, law));
    player.expect("a thread").join().expect("the laws hold");
}

fn play_all(target: &str, law: fn(&[u8])) {
    let corpus = inputs("corpus", target);
    assert!(corpus.len() > 20, "the corpus of {target} is there");
    let mut broken = Vec::new();
    for path in corpus.into_iter().chain(inputs("regressions", target)) {
        let data = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if catch_unwind(AssertUnwindSafe(|| law(&data))).is_err() {
            broken.push(path);
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_laws_of_the_attribute_hold() {
    play("attribute", breakerbox_fuzz::attribute);
}

#[test]
fn the_laws_of_lengths_of_time_hold() {
    play("duration", breakerbox_fuzz::duration);
}

#[test]
fn the_laws_of_environments_hold() {
    play("environment", breakerbox_fuzz::environment);
}

#[test]
fn the_laws_of_configurations_hold() {
    play("configuration", breakerbox_fuzz::configuration);
}

#[test]
fn what_is_fuzzed_is_what_the_attribute_does() {
    let function = |text: &str| {
        let start = text.find("fn rewrite(").expect("the function is there");
        let length = text[start..].find("\n}").expect("it ends");
        text[start..start + length].replace("proc_macro2::", "")
    };
    let original = function(include_str!("../../macros/src/lib.rs"));
    assert_eq!(original, function(include_str!("../expansion/src/lib.rs")));
}
