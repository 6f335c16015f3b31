//! The runner can fail: an expectation that is changed is noticed, every one of them.

use std::path::Path;

use serde_json::{Value, json};

use crate::play::{Played, play};
use crate::trace::{Trace, read_folder};

/// The traces of the repository that we play and agree with, whatever `CONFORMANCE_DIR` says.
fn played() -> Vec<Trace> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let traces = match read_folder(&folder) {
        Ok(traces) => traces,
        Err(problem) => panic!("{problem}"),
    };
    traces.into_iter().map(|(_, trace)| trace).filter(|trace| matches!(play(trace), Played::Agrees { .. })).collect()
}

/// Another value of the same kind, which no breaker shows at that place.
fn other(key: &str, value: &Value) -> Value {
    match value {
        // No call takes no time at all.
        Value::Number(_) if key == "max_call_overhead_us" => json!(0),
        Value::Bool(is) => json!(!is),
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 1.0),
        Value::Null => json!(0.25),
        Value::Array(events) if key == "events" => {
            let mut events = events.clone();
            events.push(json!("reset"));
            json!(events)
        }
        _ => json!("another"),
    }
}

fn disagrees(trace: &Trace) -> bool {
    matches!(play(trace), Played::Disagrees(_))
}

#[test]
fn every_changed_expectation_is_noticed() {
    let mut changed = 0;
    for trace in played() {
        for index in 0..trace.steps.len() {
            let is_better = trace.is_quirk() && trace.steps[index].get("better").is_some();
            let place = if is_better { "better" } else { "expect" };
            let Some(expected) = trace.steps[index].get(place).and_then(Value::as_object).cloned() else { continue };
            for (key, value) in &expected {
                let mut wrong = trace.clone();
                wrong.steps[index][place][key] = other(key, value);
                changed += 1;
                assert!(disagrees(&wrong), "{} step {index}: {key} = {value} may be anything", trace.id);
            }
        }
    }
    assert!(changed > 500, "only {changed} expectations were changed");
}

#[cfg(feature = "shared")]
#[test]
fn every_trace_about_a_fleet_is_played_and_what_it_does_not_know_is_told() {
    let fleets: Vec<Trace> = played().into_iter().filter(|trace| trace.fleet.is_some()).collect();
    assert!(fleets.len() >= 11, "{} are played", fleets.len());
    for trace in &fleets {
        for (place, value) in [("op", json!("pray")), ("inst", json!("Z")), ("expect", json!({"moon_phase": "full"}))] {
            let mut odd = trace.clone();
            let last = odd.steps.len() - 1;
            odd.steps[last][place] = value;
            assert!(disagrees(&odd), "{}: {place} may be anything", trace.id);
        }
        let mut odd = trace.clone();
        odd.fleet.as_mut().expect("it is one")["moon_phase"] = json!("full");
        assert!(matches!(play(&odd), Played::Skipped(reason) if reason.contains("moon_phase")));
    }
}

#[test]
fn what_the_format_does_not_know_is_skipped_aloud() {
    let Some(trace) = played().into_iter().find(|trace| trace.fleet.is_none()) else { panic!("no trace is played") };
    let mut odd = trace.clone();
    odd.config.insert("moon_phase".to_owned(), json!("full"));
    assert!(matches!(play(&odd), Played::Skipped(reason) if reason.contains("moon_phase")));

    let mut odd = trace.clone();
    odd.needs.insert("moon_phase".to_owned(), json!(["full"]));
    assert!(matches!(play(&odd), Played::Skipped(reason) if reason.contains("moon_phase")));

    let mut odd = trace.clone();
    odd.steps[0]["op"] = json!("pray");
    assert!(matches!(play(&odd), Played::Skipped(reason) if reason.contains("pray")));

    let mut odd = trace;
    odd.steps[0]["expect"] = json!({"moon_phase": "full"});
    assert!(
        matches!(play(&odd), Played::Agrees { remarks } if remarks.iter().any(|remark| remark.contains("moon_phase")))
    );
}

#[test]
fn a_folder_without_traces_is_an_error() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    assert!(read_folder(&source).is_err());
}
