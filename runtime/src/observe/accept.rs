//! What an `Accept` header says of a kind of content.

/// How much a kind is liked, from 0 to 1; `None` if it is not named. What is no number is 0.
pub(crate) fn quality(accept: &str, wanted: &str) -> Option<f64> {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_wanted = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        is_wanted.then(|| quality.map_or(1.0, |quality| quality.trim().parse().unwrap_or(0.0)))
    });
    ranges.reduce(f64::max)
}
