//! What breakerbox chose where libraries differ, in the words of `FORMAT.md`, and so which traces
//! it can play. How settings are translated is `settings`.

use serde_json::Value;

use crate::trace::{Step, Trace};

/// The semantics flags and our value of each.
const CHOICES: [(&str, &str); 16] = [
    ("trip_check", "every"),
    ("late_results", "drop"),
    ("half_open_permits", "total"),
    ("half_open_rule", "any_failure"),
    ("ignored_counts_as", "nothing"),
    ("cancel_in_half_open", "release"),
    ("rate_cmp", ">="),
    ("failure_threshold_cmp", ">="),
    ("recovery_cmp", ">="),
    ("slow_cmp", ">"),
    ("slow_counts_as", "separate"),
    ("rate_round", "none"),
    ("window_kind", "sliding"),
    ("bucket_align", "epoch"),
    // The state read shows half-open as soon as the open time is over.
    ("auto_half_open", "true"),
    ("manual_half_open_from_closed", "true"),
];

/// The keys of a trace's settings that are not flags.
const KEYS: [&str; 17] = [
    "window",
    "failure_threshold",
    "failure_rate",
    "slow_call_ms",
    "slow_rate",
    "window_size",
    "window_secs",
    "bucket_ms",
    "minimum_calls",
    "half_open_max_calls",
    "success_threshold",
    "recovery_timeout_ms",
    "backoff",
    "max_wait_half_open_ms",
    "max_wait_half_open_to",
    "half_open_minimum",
    "initial_state",
];

/// Why we do not play a trace: the setting or flag that we chose otherwise. `None`: we play it.
pub(crate) fn why_not(trace: &Trace, steps: &[Step]) -> Option<String> {
    let settings = trace.settings();
    let is_known = |key: &str| KEYS.contains(&key) || CHOICES.iter().any(|(flag, _)| *flag == key);
    if let Some((key, value)) = settings.iter().find(|(key, _)| !is_known(key)) {
        return Some(format!("setting `{key}` = {value}: not of the format, and nothing of ours"));
    }
    let unmet = |(flag, allowed): (&String, &Value)| unmet_need(trace, flag, allowed);
    if let Some(reason) = trace.needs.iter().find_map(unmet) {
        return Some(reason);
    }
    if settings.get("max_wait_half_open_to").is_some_and(|to| to != "open") {
        let to = &settings["max_wait_half_open_to"];
        return Some(format!(
            "`max_wait_half_open_to` = {to}: ours is \"open\", an episode without a verdict re-opens"
        ));
    }
    // A flag that is not in `needs` does not matter, except where a step asks for what we have not.
    let quirk = trace.is_quirk();
    if steps.iter().any(|step| step.op == "tick" && tells_of_half_open(step, quirk)) {
        return Some("`auto_half_open` with an event: ours has no timers, the event comes with the first trial".into());
    }
    if steps.iter().any(|step| step.op == "half_open" && step.expectation(quirk).contains_key("error")) {
        return Some("`manual_half_open_from_closed` = false: ours is true".into());
    }
    None
}

fn tells_of_half_open(step: &Step, quirk: bool) -> bool {
    let events = step.expectation(quirk).get("events").and_then(Value::as_array);
    events.is_some_and(|events| events.iter().any(|event| event == "state_transition:open->half_open"))
}

fn unmet_need(trace: &Trace, flag: &str, allowed: &Value) -> Option<String> {
    if trace.is_quirk() && trace.quirk_flags.iter().any(|quirk| quirk == flag) {
        return None;
    }
    if flag == "buckets" {
        return needs_other_buckets(trace);
    }
    let Some((_, ours)) = CHOICES.iter().find(|(name, _)| *name == flag) else {
        return Some(format!("needs `{flag}` in {allowed}: a flag that we do not know"));
    };
    let values = allowed.as_array().map_or(std::slice::from_ref(allowed), Vec::as_slice);
    let is_ours = |value: &Value| match value {
        Value::String(text) => text == ours,
        Value::Null => *ours == "none",
        Value::Bool(true) => *ours == "true",
        Value::Bool(false) => *ours == "false",
        _ => false,
    };
    (!values.iter().any(is_ours)).then(|| format!("needs `{flag}` in {allowed}: ours is \"{ours}\""))
}

/// The outcome depends on the width of the buckets. Ours is a tenth of the window.
fn needs_other_buckets(trace: &Trace) -> Option<String> {
    let number = |key: &str, default: f64| trace.config.get(key).and_then(Value::as_f64).unwrap_or(default);
    let (width, ours) = (number("bucket_ms", 1000.0), number("window_secs", 0.0) * 100.0);
    ((width - ours).abs() > 1e-6)
        .then(|| format!("needs `buckets` of {width} ms: ours are a tenth of the window, {ours} ms"))
}
