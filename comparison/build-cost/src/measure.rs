//! The measurements: warm checks, cold builds, sizes. Rounds are interleaved, so that what disturbs
//! the machine for a while disturbs all alike.

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::crates::{Annotated, Crates, Dependent};
use crate::functions::Attribute;
use crate::run::{Runs, Took, cargo};
use crate::size::Size;

/// What each crate took to check after `src/lib.rs` was touched.
pub fn checks(crates: &Crates, functions: usize, rounds: usize, incremental: bool) -> Result<Vec<(Attribute, Runs)>> {
    let mut all: Vec<(Attribute, Runs)> = Attribute::ALL.map(|attribute| (attribute, Runs::default())).into();
    for round in 0..=rounds {
        for (attribute, runs) in &mut all {
            let package = Annotated { attribute: *attribute, functions }.package();
            let took = check(crates, &package, incremental)?;
            // The first round builds the dependencies and fills the caches.
            if round > 0 {
                runs.push(took);
            }
        }
    }
    Ok(all)
}

fn check(crates: &Crates, package: &str, incremental: bool) -> Result<Took> {
    let source = crates.folder.join(package).join("src/lib.rs");
    let file = File::options().append(true).open(&source).with_context(|| format!("{}", source.display()))?;
    file.set_modified(SystemTime::now()).context("a file cannot be touched")?;
    let target = if incremental { "target/incremental" } else { "target/whole" };
    cargo(&crates.folder, &["check", "--offline", "--lib", "-p", package, "--target-dir", target], incremental)
}

/// What a build of a crate and all that it depends on took, with nothing built before.
pub fn cold(crates: &Crates, rounds: usize) -> Result<Vec<(Dependent, Runs)>> {
    let mut all: Vec<(Dependent, Runs)> = Dependent::ALL.map(|dependent| (dependent, Runs::default())).into();
    let target = crates.folder.join("target/cold");
    for _ in 0..rounds {
        for (dependent, runs) in &mut all {
            remove(&target)?;
            let arguments = ["build", "--offline", "-p", dependent.package(), "--target-dir", "target/cold"];
            runs.push(cargo(&crates.folder, &arguments, true)?);
        }
    }
    remove(&target)?;
    Ok(all)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    Ok(())
}

/// What one function adds to a program, by attribute.
pub fn sizes(crates: &Crates, few: usize, many: usize, release: bool) -> Result<Vec<(Attribute, Size)>> {
    let (profile, folder) = if release { ("release", "release") } else { ("dev", "debug") };
    let size = |attribute: Attribute, functions: usize| {
        let package = Annotated { attribute, functions }.package();
        let arguments = ["build", "--offline", "-p", &package, "--profile", profile, "--target-dir", "target/size"];
        cargo(&crates.folder, &arguments, true)?;
        let name = format!("{package}{}", std::env::consts::EXE_SUFFIX);
        Size::of(&crates.folder.join("target/size").join(folder).join(name))
    };
    let mut all = Vec::new();
    for attribute in Attribute::ALL {
        let (few_size, many_size) = (size(attribute, few)?, size(attribute, many)?);
        all.push((attribute, Size::per_function(many_size, few_size, many - few)));
    }
    Ok(all)
}
