//! The list of breakers as an aligned table, for people with a terminal: `watch curl -H 'Accept: text/plain' ...`

use std::time::Duration;

use axum::http::{HeaderMap, header};

use crate::state::Mode;
use crate::status::Status;

const COLUMNS: [&str; 9] =
    ["NAME", "STATE", "FOR", "RETRY IN", "FAILURES", "FAILURE RATIO", "REQUESTS", "REJECTIONS", "TRIPS"];

/// Writes a row for each breaker under a row of titles.
pub(super) fn write(statuses: &[Status]) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(statuses.iter().map(row));
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

fn row(status: &Status) -> [String; COLUMNS.len()] {
    let state = match status.mode {
        Mode::Auto => status.state.to_string(),
        mode => format!("{} ({mode})", status.state),
    };
    let ratio = status.window.and_then(|window| window.failure_rate);
    [
        status.name.to_string(),
        state,
        time(status.time_in_state),
        status.retry_after.map_or("-".to_owned(), time),
        status.consecutive_failures.to_string(),
        ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
        status.totals.attempts.to_string(),
        status.totals.rejections.total().to_string(),
        status.totals.trips.to_string(),
    ]
}

fn time(time: Duration) -> String {
    // Seconds, because a table is read again and again.
    crate::duration::text(Duration::from_secs(time.as_secs())).replace("0ns", "0s")
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
