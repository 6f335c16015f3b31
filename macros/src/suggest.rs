//! What the user meant by an argument that does not exist: a slip of the keys, or the name that
//! another library gives to the same thing. Not the list of the arguments, which is `args`.

use crate::args::Key;

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
    ("expected_exception", Key::FailureIf, "asked about the returned value; to pass errors over use `ignore_if`"),
    ("expected_error", Key::FailureIf, "asked about the returned value; to pass errors over use `ignore_if`"),
    ("record_exceptions", Key::FailureIf, ""),
    ("record_exception", Key::FailureIf, ""),
    ("is_failure", Key::FailureIf, ""),
    ("failure_predicate", Key::FailureIf, ""),
    ("should_handle", Key::FailureIf, ""),
    ("exclude", Key::IgnoreIf, "asked about the error"),
    ("ignore", Key::IgnoreIf, "asked about the error"),
    ("ignore_exceptions", Key::IgnoreIf, "asked about the error"),
    ("ignored_errors", Key::IgnoreIf, "asked about the error"),
    ("fallback_function", Key::Fallback, ""),
    ("fallback_method", Key::Fallback, ""),
    ("fallback_fn", Key::Fallback, ""),
    ("on_error", Key::Fallback, "with `fallback_on = any` it answers failed calls too"),
    ("on_rejected", Key::OnOpen, ""),
    ("open_error", Key::OnOpen, ""),
    ("call_timeout", Key::Timeout, ""),
    ("execution_timeout", Key::Timeout, ""),
    ("backoff_multiplier", Key::Multiplier, ""),
    ("factor", Key::Multiplier, ""),
    ("max_backoff", Key::MaxRecoveryTimeout, ""),
    ("max_delay", Key::MaxRecoveryTimeout, ""),
    ("max_recovery", Key::MaxRecoveryTimeout, ""),
    ("randomization_factor", Key::Jitter, ""),
    ("label", Key::Name, ""),
    ("id", Key::Name, ""),
    ("circuit", Key::Name, ""),
    ("by", Key::By, "an expression of the arguments"),
    ("per", Key::By, "an expression of the arguments"),
    ("keyed", Key::By, "an expression of the arguments"),
    ("keyed_by", Key::By, "an expression of the arguments"),
    ("key_by", Key::By, "an expression of the arguments"),
    ("group_by", Key::By, "an expression of the arguments"),
    ("partition", Key::By, "an expression of the arguments"),
    ("partition_by", Key::By, "an expression of the arguments"),
    ("partition_key", Key::By, "an expression of the arguments"),
    ("shard_by", Key::By, "an expression of the arguments"),
    ("tenant", Key::By, "an expression of the arguments"),
    ("host", Key::By, "an expression of the arguments"),
    ("max_size", Key::MaxKeys, ""),
    ("capacity", Key::MaxKeys, ""),
    ("max_breakers", Key::MaxKeys, ""),
    ("max_entries", Key::MaxKeys, ""),
    ("krate", Key::Crate, ""),
    ("profile", Key::Preset, ""),
    ("config", Key::Preset, ""),
];

/// The argument that was meant, with a word on what is different about it.
pub(crate) fn argument(name: &str) -> Option<(Key, &'static str)> {
    let lower = name.to_ascii_lowercase();
    if let Some(&(_, key, word)) = ELSEWHERE.iter().find(|(elsewhere, ..)| *elsewhere == lower) {
        return Some((key, word));
    }
    let names: Vec<&str> = Key::ALL.iter().map(|key| key.name()).collect();
    let near = nearest(&lower, &names)?;
    let key = Key::ALL.iter().find(|key| key.name() == near)?;
    Some((*key, ""))
}

/// The candidate that is a slip of the keys away, if there is one.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let close = |candidate: &&str| {
        let distance = distance(word, candidate);
        // One slip in three letters is still the same word; more is another one.
        (distance * 3 <= word.chars().count().max(candidate.chars().count())).then_some(distance)
    };
    candidates
        .iter()
        .filter_map(|candidate| Some((close(candidate)?, *candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, where a swap of neighbours counts as one slip.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    rows[0] = (0..=right.len()).collect();
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let substituted = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut least = substituted.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found() {
        for (slip, meant) in [
            ("failure_treshold", Key::FailureThreshold),
            ("recovery_timout", Key::RecoveryTimeout),
            ("nmae", Key::Name),
            ("Fallback", Key::Fallback),
            ("fall_back", Key::Fallback),
            ("onopen", Key::OnOpen),
        ] {
            assert_eq!(argument(slip), Some((meant, "")), "{slip}");
        }
    }

    #[test]
    fn names_of_other_libraries_are_found() {
        assert_eq!(argument("reset_timeout").map(|(key, _)| key), Some(Key::RecoveryTimeout));
        assert_eq!(argument("expected_exception").map(|(key, _)| key), Some(Key::FailureIf));
    }

    #[test]
    fn another_word_is_not_a_slip() {
        for word in ["state", "half_open", "x", "colour", ""] {
            assert_eq!(argument(word), None, "{word}");
        }
    }

    #[test]
    fn no_name_of_another_library_is_an_argument_of_ours() {
        for (name, ..) in ELSEWHERE {
            assert!(Key::ALL.iter().all(|key| key.name() != *name), "{name}");
        }
    }
}
