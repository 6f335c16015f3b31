//! What a step of a trace about a fleet showed, and whether that is what was expected.

use std::time::Duration;

use breakerbox::shared::View;
use breakerbox::{Mode, State, Status};
use serde_json::{Map, Value, json};

use crate::seen::label;

/// What an operation of an instance showed.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) permitted: Option<bool>,
    pub(crate) granted: Option<usize>,
    pub(crate) overhead: Option<Duration>,
}

/// The fleet as the store has it.
pub(crate) fn judge_store(view: &View, expect: &Map<String, Value>) -> Result<(), String> {
    for (key, expected) in expect {
        let is_met = match key.as_str() {
            "state" => states_of(view).iter().any(|state| is_one_of(state, expected)),
            "mode" => is_one_of(view.mode.as_str(), expected),
            "votes" => json!(view.votes) == *expected,
            _ => return Err(format!("the expectation is not known: {key}")),
        };
        if !is_met {
            return Err(format!("{key}: expected {expected}, got {view:?}"));
        }
    }
    Ok(())
}

/// An instance as its callers have it.
pub(crate) fn judge(status: &Status, op: &str, shown: &Shown, expect: &Map<String, Value>) -> Result<(), String> {
    let degraded = status.store.as_ref().is_some_and(|store| store.degraded.is_some());
    if op.starts_with("probe_") && !expect.contains_key("permitted") && shown.permitted == Some(false) {
        return Err("there was no place for a trial".to_owned());
    }
    for (key, expected) in expect {
        let got = match key.as_str() {
            "permitted" => json!(shown.permitted),
            "granted" => json!(shown.granted),
            "degraded" => json!(degraded),
            "local" | "state" if is_one_of(label(status), expected) => continue,
            "local" | "state" => json!(label(status)),
            "max_call_overhead_us" => {
                let most = Duration::from_micros(expected.as_u64().unwrap_or_default());
                match shown.overhead {
                    Some(overhead) if overhead <= most => continue,
                    overhead => json!(overhead.map(|overhead| overhead.as_nanos() as f64 / 1000.0)),
                }
            }
            _ => return Err(format!("the expectation is not known: {key}")),
        };
        if got != *expected {
            return Err(format!("{key}: expected {expected}, got {got}"));
        }
    }
    Ok(())
}

/// What the store is said to be in. An open time that is over shows as half-open to callers, although nobody has tried.
fn states_of(view: &View) -> Vec<&'static str> {
    match (view.mode, view.state) {
        (Mode::Auto, State::Open) if view.left.is_zero() => vec!["open", "half_open"],
        (Mode::Auto, state) => vec![state.as_str()],
        (mode, _) => vec![mode.as_str()],
    }
}

fn is_one_of(got: &str, expected: &Value) -> bool {
    match expected {
        Value::Array(any) => any.iter().any(|one| one == got),
        one => one == got,
    }
}
