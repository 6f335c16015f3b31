//! The list of breakers as an aligned table, for people with a terminal: `watch curl -H 'Accept: text/plain' ...`
//!
//! Its columns, their order and that of the rows are those of `breakerbox-cli list`.

use std::time::Duration;

use axum::http::{HeaderMap, header};

use crate::settings::{Key, Value};
use crate::state::{Mode, State};
use crate::status::Status;

const COLUMNS: [&str; 9] = ["NAME", "STATE", "FOR", "NEXT TRIAL", "IN A ROW", "RATE", "CALLS", "FAILED", "REFUSED"];

/// Writes a row for each breaker under a row of titles, what needs attention first.
pub(super) fn write(statuses: &[Status]) -> String {
    let mut sorted: Vec<&Status> = statuses.iter().collect();
    sorted.sort_by(|a, b| urgency(a).cmp(&urgency(b)).then_with(|| a.name.cmp(&b.name)));
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(sorted.into_iter().map(row));
    let mut widths = [0; COLUMNS.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        // Words to the left, numbers to the right.
        let cells = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(at, (cell, width))| if at < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn urgency(status: &Status) -> u8 {
    match (status.state, status.mode) {
        (State::Open, _) => 0,
        (State::HalfOpen, _) => 1,
        (State::Closed, Mode::Auto) => 3,
        (State::Closed, _) => 2,
    }
}

fn row(status: &Status) -> [String; COLUMNS.len()] {
    let state = match status.mode {
        Mode::Auto => status.state.as_str(),
        Mode::ForcedOpen => "forced open",
        Mode::Disabled => "disabled",
        Mode::MetricsOnly => "metrics only",
    };
    let next_trial = match (status.retry_after, status.half_open) {
        (Some(left), _) => format!("in {}", time(left)),
        (None, Some(trials)) => format!("{}/{} ok", trials.successes, trials.success_threshold),
        (None, None) => "-".to_owned(),
    };
    let in_a_row = match status.setting(Key::FailureThreshold).value {
        Value::Count(threshold) => format!("{}/{threshold}", status.consecutive_failures),
        _ => "-".to_owned(),
    };
    let limit = match status.setting(Key::FailureRateThreshold).value {
        Value::Share(limit) => format!("/{}", percent(limit)),
        _ => String::new(),
    };
    let rate = status.window.and_then(|window| window.failure_rate);
    [
        harmless(&status.name),
        state.to_owned(),
        time(status.time_in_state),
        next_trial,
        in_a_row,
        rate.map_or("-".to_owned(), |rate| percent(rate) + &limit),
        status.totals.attempts.to_string(),
        status.totals.failures.to_string(),
        status.totals.rejections.total().to_string(),
    ]
}

/// What could steer a terminal, or turn the text around it, as an escape.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_graphic() || c == ' ' {
            shown.push(c);
        } else {
            // An accent belongs to the letter before it, and is no escape there.
            let pair = ['a', c].iter().collect::<String>();
            shown.extend(pair.escape_debug().skip(1));
        }
    }
    shown
}

/// `0.4s`, `21s`, `3m12s`, `2h05m`, `4d7h`.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.95 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        3600..86_400 => format!("{}h{:02}m", whole / 3600, whole / 60 % 60),
        _ => format!("{}d{}h", whole / 86_400, whole / 3600 % 24),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// Whether plain text is wanted rather than JSON.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut text, mut json) = (0.0, 0.0);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
        match kind.as_str() {
            "text/plain" => text = quality,
            "application/json" => json = quality,
            "application/*" | "*/*" if json == 0.0 => json = quality,
            _ => {}
        }
    }
    text > json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(accept: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, axum::http::HeaderValue::from_static(accept));
        is_wanted(&headers)
    }

    #[test]
    fn text_is_for_those_who_prefer_it() {
        assert!(wants("text/plain"));
        assert!(wants("application/json;q=0.5, text/plain"));
        assert!(wants("text/plain, */*;q=0.1"));
        for accept in ["*/*", "application/json", "text/plain;q=0.5, application/json", "text/html, */*", ";;q=,,"] {
            assert!(!wants(accept), "{accept}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }
}
