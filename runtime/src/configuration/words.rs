//! What the writer of a file meant by a name that does not exist: a slip of the keys, or the name that another library
//! gives to the same thing. The attribute has the same words.

use super::error::shown;
use crate::settings::Key;

/// Names of other libraries, ours, and a word where the meaning differs.
const ELSEWHERE: &[(&str, Key, &str)] = &[
    ("reset_timeout", Key::RecoveryTimeout, ""),
    ("open_timeout", Key::RecoveryTimeout, ""),
    ("open_duration", Key::RecoveryTimeout, ""),
    ("wait_duration", Key::RecoveryTimeout, ""),
    ("wait_duration_in_open", Key::RecoveryTimeout, ""),
    ("wait_duration_in_open_state", Key::RecoveryTimeout, ""),
    ("sleep_window", Key::RecoveryTimeout, ""),
    ("sleep_window_in_milliseconds", Key::RecoveryTimeout, "in seconds, or a string such as \"500ms\""),
    ("sleep_window_ms", Key::RecoveryTimeout, "in seconds, or a string such as \"500ms\""),
    ("timeout_ms", Key::Timeout, "in seconds, or a string such as \"500ms\""),
    ("timeout_secs", Key::Timeout, ""),
    ("break_duration", Key::RecoveryTimeout, ""),
    ("duration_of_break", Key::RecoveryTimeout, ""),
    ("cooldown", Key::RecoveryTimeout, ""),
    ("cool_down", Key::RecoveryTimeout, ""),
    ("retry_after", Key::RecoveryTimeout, ""),
    ("retry_timeout", Key::RecoveryTimeout, ""),
    ("recovery_time", Key::RecoveryTimeout, ""),
    ("delay", Key::RecoveryTimeout, ""),
    ("max_failures", Key::FailureThreshold, ""),
    ("fail_max", Key::FailureThreshold, ""),
    ("failures", Key::FailureThreshold, ""),
    ("failure_count", Key::FailureThreshold, ""),
    ("consecutive_failures", Key::FailureThreshold, ""),
    ("threshold", Key::FailureThreshold, ""),
    ("max_errors", Key::FailureThreshold, ""),
    ("trip_threshold", Key::FailureThreshold, ""),
    ("exceptions_allowed_before_breaking", Key::FailureThreshold, ""),
    ("retries", Key::FailureThreshold, "a circuit breaker does not retry, it counts failures"),
    ("max_retries", Key::FailureThreshold, "a circuit breaker does not retry, it counts failures"),
    ("max_attempts", Key::FailureThreshold, "a circuit breaker does not retry, it counts failures"),
    ("error_threshold", Key::FailureRateThreshold, "a share from 0 to 1; to count failures use `failure_threshold`"),
    ("error_rate", Key::FailureRateThreshold, "a share from 0 to 1"),
    ("error_threshold_percentage", Key::FailureRateThreshold, "a share from 0 to 1: 50 % is 0.5"),
    ("failure_rate", Key::FailureRateThreshold, "a share from 0 to 1"),
    ("failure_ratio", Key::FailureRateThreshold, "a share from 0 to 1"),
    ("failure_percentage", Key::FailureRateThreshold, "a share from 0 to 1: 50 % is 0.5"),
    ("slow_call_threshold", Key::SlowCallDuration, "and `slow_call_rate_threshold` for the share of slow calls"),
    ("slow_call_duration_threshold", Key::SlowCallDuration, ""),
    ("slow_call_rate", Key::SlowCallRateThreshold, "a share from 0 to 1"),
    ("slow_threshold", Key::SlowCallDuration, ""),
    ("minimum_throughput", Key::MinimumCalls, ""),
    ("minimum_number_of_calls", Key::MinimumCalls, ""),
    ("volume_threshold", Key::MinimumCalls, ""),
    ("request_volume_threshold", Key::MinimumCalls, ""),
    ("min_calls", Key::MinimumCalls, ""),
    ("min_requests", Key::MinimumCalls, ""),
    ("sliding_window_size", Key::WindowSize, "in calls; for a window in time use `window_duration`"),
    ("sliding_window", Key::WindowSize, "in calls; for a window in time use `window_duration`"),
    ("window", Key::WindowSize, "in calls; for a window in time use `window_duration`"),
    ("buffer_size", Key::WindowSize, ""),
    ("sampling_duration", Key::WindowDuration, ""),
    ("rolling_window", Key::WindowDuration, "in time; for a window in calls use `window_size`"),
    ("interval", Key::WindowDuration, ""),
    ("permitted_calls", Key::HalfOpenMaxCalls, ""),
    ("permitted_number_of_calls_in_half_open_state", Key::HalfOpenMaxCalls, ""),
    ("half_open_requests", Key::HalfOpenMaxCalls, ""),
    ("half_open_calls", Key::HalfOpenMaxCalls, ""),
    ("half_open_max_requests", Key::HalfOpenMaxCalls, ""),
    ("max_requests", Key::HalfOpenMaxCalls, ""),
    ("max_wait_duration_in_half_open_state", Key::HalfOpenTimeout, ""),
    ("success_count", Key::SuccessThreshold, ""),
    ("successes", Key::SuccessThreshold, ""),
    ("required_successes", Key::SuccessThreshold, ""),
    ("half_open_success_threshold", Key::SuccessThreshold, ""),
    ("call_timeout", Key::Timeout, ""),
    ("execution_timeout", Key::Timeout, ""),
    ("backoff_multiplier", Key::Multiplier, ""),
    ("factor", Key::Multiplier, ""),
    ("max_backoff", Key::MaxRecoveryTimeout, ""),
    ("max_delay", Key::MaxRecoveryTimeout, ""),
    ("max_recovery", Key::MaxRecoveryTimeout, ""),
    ("randomization_factor", Key::Jitter, ""),
    ("max_size", Key::MaxKeys, ""),
    ("capacity", Key::MaxKeys, ""),
    ("max_breakers", Key::MaxKeys, ""),
    ("max_entries", Key::MaxKeys, ""),
];

/// What the attribute alone can state.
const OF_CODE: [&str; 9] =
    ["name", "key", "fallback", "fallback_on", "on_open", "failure_if", "ignore_if", "crate", "persistent"];

/// The setting of this name.
///
/// # Errors
/// There is none; tells which was meant.
pub(super) fn key(name: &str) -> Result<Key, String> {
    if let Some(key) = Key::ALL.into_iter().find(|key| key.as_str() == name) {
        return Ok(key);
    }
    let unknown = format!("there is no setting `{}`", shown(name));
    let lower = name.trim().to_ascii_lowercase().replace('-', "_");
    if OF_CODE.contains(&&*lower) {
        return Err(format!("{unknown} in a file: it belongs in the code"));
    }
    if let Some((_, key, word)) = ELSEWHERE.iter().find(|(elsewhere, ..)| *elsewhere == lower) {
        let word = if word.is_empty() { String::new() } else { format!(" ({word})") };
        return Err(format!("{unknown}, did you mean `{key}`?{word}"));
    }
    let all = names();
    Err(match nearest(&lower, &all) {
        Some(near) => format!("{unknown}, did you mean `{near}`?"),
        None => format!("{unknown}; the settings are {}", all.join(", ")),
    })
}

/// What to say of a part of the settings of a registry that does not exist.
pub(super) fn no_part(name: &str) -> String {
    let unknown = format!("there is no `{}` here", shown(name));
    if names().contains(&name) {
        return format!(
            "{unknown}: `{name}` belongs in `defaults`, for all breakers, or in `breakers.<name>`, for one"
        );
    }
    match nearest(&name.to_ascii_lowercase(), &["defaults", "breakers"]) {
        Some(near) => format!("{unknown}, did you mean `{near}`?"),
        None => format!("{unknown}: write `defaults` for all breakers, or `breakers.<name>` for one"),
    }
}

fn names() -> Vec<&'static str> {
    ["preset"].into_iter().chain(Key::ALL.iter().map(|key| key.as_str())).collect()
}

/// The candidate that is a slip of the keys away, if there is one.
pub(super) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).collect();
    let close = |candidate: &&'a str| {
        let distance = distance(&word, candidate);
        // One slip in three letters is still the same word; more is another one.
        (distance * 3 <= word.len().max(candidate.len())).then_some((distance, *candidate))
    };
    candidates.iter().filter_map(close).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// How many letters have to be changed, added or left out (Levenshtein).
fn distance(word: &[char], other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in word.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, candidate) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != candidate);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
