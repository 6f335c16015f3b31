//! The traces as `FORMAT.md` lays them down: reading them, and nothing of what they mean to us.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One behaviour of a library: settings, and steps with what they show.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Trace {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) class: String,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    /// There is one where the trace is about several processes.
    #[serde(default)]
    pub(crate) fleet: Option<Value>,
    #[serde(default)]
    pub(crate) needs: Map<String, Value>,
    #[serde(default)]
    pub(crate) quirk_flags: Vec<String>,
    #[serde(default)]
    pub(crate) notes: String,
    /// Read only once it is known that the trace is not about a fleet.
    pub(crate) steps: Vec<Value>,
}

/// One step of a trace.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) at_ms: u64,
    pub(crate) op: String,
    pub(crate) call: Option<u64>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) ms: Option<u64>,
    #[serde(default = "once")]
    pub(crate) repeat: u32,
    #[serde(default)]
    pub(crate) expect_last: bool,
    #[serde(default)]
    expect: Map<String, Value>,
    better: Option<Map<String, Value>>,
}

fn once() -> u32 {
    1
}

impl Trace {
    /// Settings alone, without anything that happens.
    #[cfg(feature = "shared")]
    pub(crate) fn of_settings(config: Map<String, Value>) -> Trace {
        Trace {
            id: String::new(),
            class: String::new(),
            config,
            fleet: None,
            needs: Map::new(),
            quirk_flags: Vec::new(),
            notes: String::new(),
            steps: Vec::new(),
        }
    }

    pub(crate) fn is_quirk(&self) -> bool {
        self.class == "quirk"
    }

    /// The settings to play it with: those that are the quirk are left out.
    pub(crate) fn settings(&self) -> Map<String, Value> {
        let mut settings = self.config.clone();
        if self.is_quirk() {
            settings.retain(|key, _| !self.quirk_flags.contains(key));
            if self.quirk_flags.iter().any(|flag| flag == "window_kind") {
                // Truly sliding.
                settings.insert("bucket_ms".to_owned(), Value::from(0));
            }
        }
        settings
    }

    pub(crate) fn steps(&self) -> Result<Vec<Step>, String> {
        let read = |(index, step): (usize, &Value)| {
            Step::deserialize(step).map_err(|error| format!("step {index} is not of the format: {error}"))
        };
        self.steps.iter().enumerate().map(read).collect()
    }
}

impl Step {
    /// What the step should show, by us.
    pub(crate) fn expectation(&self, is_quirk: bool) -> &Map<String, Value> {
        match &self.better {
            Some(better) if is_quirk => better,
            _ => &self.expect,
        }
    }

    /// Whether it begins a call, or ends one, or both.
    pub(crate) fn is_call(&self) -> bool {
        self.op == "acquire" || self.ends_a_call()
    }

    pub(crate) fn ends_a_call(&self) -> bool {
        matches!(self.op.as_str(), "success" | "failure" | "ignored" | "slow_success" | "slow_failure" | "cancel")
    }

    pub(crate) fn is_success(&self) -> bool {
        matches!(self.op.as_str(), "success" | "slow_success")
    }

    /// How long the call takes that ends here, where the step says so.
    pub(crate) fn duration_ms(&self, slow_call_ms: Option<u64>) -> Option<u64> {
        let slow = slow_call_ms.filter(|_| self.op.starts_with("slow_")).map(|slow| slow + 1);
        self.duration_ms.or(slow)
    }
}

/// The traces of every `*.json` of a folder, with the name of the file.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<(String, Trace)>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let mut traces = Vec::new();
    for file in &files {
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let in_file = read_file(file).map_err(|problem| format!("{}: {problem}", file.display()))?;
        traces.extend(in_file.into_iter().map(|trace| (name.clone(), trace)));
    }
    if traces.is_empty() {
        return Err(format!("{} has {} files *.json and no trace in them", folder.display(), files.len()));
    }
    Ok(traces)
}

/// A file is a list of traces, or an object with the list under `traces`.
fn read_file(file: &Path) -> Result<Vec<Trace>, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let list = match value {
        Value::Object(mut object) => object.remove("traces").unwrap_or_default(),
        list => list,
    };
    Vec::<Trace>::deserialize(list).map_err(|error| error.to_string())
}
