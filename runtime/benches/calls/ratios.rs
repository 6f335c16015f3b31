//! The table of the README: every median of this run as a ratio to the bare call of its group.

use std::fs;
use std::path::{Path, PathBuf};

/// Where criterion keeps its figures: beside the folder that holds this binary.
fn figures() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join("criterion"))
}

fn median(benchmark: &Path) -> Option<f64> {
    let text = fs::read_to_string(benchmark.join("new/estimates.json")).ok()?;
    let estimates: serde_json::Value = serde_json::from_str(&text).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir() && !path.ends_with("report")).collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().replace('_', ",")
}

/// Prints a table for each group that has a bare call.
pub(crate) fn print() {
    let Some(figures) = figures() else { return };
    println!("\n| group | call | ns | ratio |\n|---|---|---|---|");
    for group in folders(&figures) {
        let Some(bare) = median(&group.join("bare")) else { continue };
        for benchmark in folders(&group) {
            if let Some(median) = median(&benchmark) {
                println!("| {} | {} | {median:.1} | {:.1} |", name(&group), name(&benchmark), median / bare);
            }
        }
    }
}
