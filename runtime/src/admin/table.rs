//! The list of breakers as an aligned table, for people with a terminal: `watch curl -H 'Accept: text/plain' ...`
//!
//! Its columns, their order and that of the rows are those of `breakerbox-cli list`.

use std::time::Duration;

use axum::http::{HeaderMap, header};

use super::listing::{self, COLUMNS};
use super::view::BreakerView;
use crate::observe::accept::quality;

/// Writes a row for each breaker under a row of titles, what needs attention first.
pub(super) fn write(mut breakers: Vec<BreakerView>) -> String {
    listing::sort(&mut breakers, |breaker| breaker);
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(breakers.iter().map(|breaker| listing::row(breaker, Duration::ZERO)));
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

/// Whether plain text is wanted rather than JSON.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepted = accepted.collect::<Vec<_>>().join(",");
    let json = ["application/json", "application/*", "*/*"].map(|kind| quality(&accepted, kind));
    // The most specific one that is named.
    let json = json.into_iter().flatten().next().unwrap_or_default();
    quality(&accepted, "text/plain").unwrap_or_default() > json
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn wants(accept: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
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
