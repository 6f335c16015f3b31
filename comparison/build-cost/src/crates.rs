//! Writes the measured crates: one workspace, so that all see the same versions, which are those of
//! the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::functions::{self, Attribute};

/// Where the crates are, and what they depend on.
pub struct Crates {
    pub folder: PathBuf,
    /// The requirement of the repository on syn, features included.
    pub syn: toml::Value,
}

/// A crate with functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annotated {
    pub attribute: Attribute,
    pub functions: usize,
}

impl Annotated {
    pub fn package(self) -> String {
        format!("{}_{}", self.attribute.krate(), self.functions)
    }
}

/// A crate with one dependency, for cold builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependent {
    /// Default features.
    Breakerbox,
    /// The features that breakerbox uses.
    Syn,
    /// Default features and `full`.
    SynFull,
    /// Default features: the attribute and the core, like ours.
    Tracing,
}

impl Dependent {
    pub const ALL: [Dependent; 4] = [Dependent::Breakerbox, Dependent::Syn, Dependent::SynFull, Dependent::Tracing];

    pub fn package(self) -> &'static str {
        match self {
            Dependent::Breakerbox => "on_breakerbox",
            Dependent::Syn => "on_syn",
            Dependent::SynFull => "on_syn_full",
            Dependent::Tracing => "on_tracing",
        }
    }
}

impl Crates {
    /// Writes them all: the annotated ones in each of the numbers of functions.
    pub fn write(folder: &Path, repository: &Path, counts: &[usize]) -> Result<Crates> {
        let workspace =
            fs::read_to_string(repository.join("Cargo.toml")).context("the repository has no Cargo.toml")?;
        let workspace: toml::Table = workspace.parse().context("the repository's Cargo.toml")?;
        let dependency = |name: &str| {
            let dependencies = workspace.get("workspace").and_then(|table| table.get("dependencies"));
            let found = dependencies.and_then(|dependencies| dependencies.get(name)).cloned();
            found.with_context(|| {
                format!("the repository's Cargo.toml does not name {name} in [workspace.dependencies]")
            })
        };
        let syn = dependency("syn")?;
        let version = syn.get("version").unwrap_or(&syn);
        let runtime = toml::Value::from(repository.join("runtime").display().to_string());
        let breakerbox = format!("breakerbox = {{ path = {runtime} }}");
        let tracing = format!("tracing = {}", dependency("tracing")?);

        let mut members = Vec::new();
        for attribute in Attribute::ALL {
            for functions in counts {
                let annotated = Annotated { attribute, functions: *functions };
                let dependency = match attribute {
                    Attribute::None => "",
                    Attribute::Bare | Attribute::Stated => &breakerbox,
                    Attribute::Instrument => &tracing,
                };
                let package = annotated.package();
                let library = functions::library(attribute, *functions);
                write_package(folder, &package, dependency, &library, Some(&functions::program(&package)))?;
                members.push(package);
            }
        }
        for dependent in Dependent::ALL {
            let dependency = match dependent {
                Dependent::Breakerbox => breakerbox.clone(),
                Dependent::Syn => format!("syn = {syn}"),
                Dependent::SynFull => format!("syn = {{ version = {version}, features = [\"full\"] }}"),
                Dependent::Tracing => tracing.clone(),
            };
            write_package(folder, dependent.package(), &dependency, "//! Depends, and does nothing.\n", None)?;
            members.push(dependent.package().to_owned());
        }
        fs::write(folder.join("Cargo.toml"), format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n"))?;
        fs::copy(repository.join("Cargo.lock"), folder.join("Cargo.lock")).context("the repository's Cargo.lock")?;
        Ok(Crates { folder: folder.to_owned(), syn })
    }
}

fn write_package(folder: &Path, name: &str, dependency: &str, library: &str, program: Option<&str>) -> Result<()> {
    let source = folder.join(name).join("src");
    fs::create_dir_all(&source).with_context(|| format!("{} cannot be made", source.display()))?;
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n{dependency}\n"
    );
    fs::write(folder.join(name).join("Cargo.toml"), manifest)?;
    fs::write(source.join("lib.rs"), library)?;
    if let Some(program) = program {
        fs::write(source.join("main.rs"), program)?;
    }
    Ok(())
}
