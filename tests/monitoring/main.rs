//! The files of `examples/monitoring`, held against what the library renders and tells, and against a real
//! Prometheus. Without promtool and prometheus their tests say so and are skipped, unless
//! `BREAKERBOX_REQUIRE_TOOLS` is set.

#![deny(warnings)]
#![forbid(unsafe_code)]

mod expressions;
mod grafana;
mod page;
mod prometheus;
mod promtool;
mod rules;
mod server;
mod tools;

use std::path::PathBuf;

/// The path of an example file.
fn example(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/monitoring").join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(example(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn yaml(file: &str) -> serde_json::Value {
    yaml_serde::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn json(file: &str) -> serde_json::Value {
    serde_json::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
