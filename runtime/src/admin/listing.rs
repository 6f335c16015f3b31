//! How a list of breakers reads, for people with a terminal: the rows of the text table and of the command.
//! Not here: how a table is aligned and coloured, which each does for itself.

use std::time::Duration;

use super::view::BreakerView;
use crate::settings::{Key, Value};
use crate::state::{Mode, State};

/// The titles of a row. The first two are of words, the others of numbers.
pub const COLUMNS: [&str; 9] = ["NAME", "STATE", "FOR", "NEXT TRIAL", "IN A ROW", "RATE", "CALLS", "FAILED", "REFUSED"];

/// Sorts what needs attention first.
pub fn sort<T>(breakers: &mut [T], view: impl Fn(&T) -> &BreakerView) {
    breakers.sort_by(|a, b| {
        let (a, b) = (view(a), view(b));
        urgency(a).cmp(&urgency(b)).then_with(|| a.name.cmp(&b.name))
    });
}

fn urgency(breaker: &BreakerView) -> u8 {
    match (breaker.state, breaker.mode) {
        (State::Open, _) => 0,
        (State::HalfOpen, _) => 1,
        (State::Closed, Mode::Auto) => 3,
        (State::Closed, _) => 2,
    }
}

/// The row of a breaker whose view was taken so long ago.
pub fn row(breaker: &BreakerView, age: Duration) -> [String; COLUMNS.len()] {
    [
        harmless(&breaker.name),
        state(breaker).to_owned(),
        time(breaker.time_in_state.saturating_add(age)),
        next_trial(breaker, age),
        in_a_row(breaker),
        rate(breaker),
        breaker.totals.requests.to_string(),
        breaker.totals.failures.to_string(),
        breaker.totals.rejections.to_string(),
    ]
}

/// What callers meet, and why.
pub fn state(breaker: &BreakerView) -> &'static str {
    match breaker.mode {
        Mode::Auto => breaker.state.as_str(),
        Mode::ForcedOpen => "forced open",
        Mode::Disabled => "disabled",
        Mode::MetricsOnly => "metrics only",
    }
}

/// When trial calls are admitted, or how they go.
fn next_trial(breaker: &BreakerView, age: Duration) -> String {
    match (breaker.retry_after, breaker.half_open) {
        (Some(left), _) => left.checked_sub(age).map_or("now".to_owned(), |left| format!("in {}", time(left))),
        (None, Some(trials)) => format!("{}/{} ok", trials.successes, trials.success_threshold),
        (None, None) => "-".to_owned(),
    }
}

/// Failures in a row, and how many open it.
fn in_a_row(breaker: &BreakerView) -> String {
    let of = |threshold| format!("{}/{threshold}", breaker.window.consecutive_failures);
    breaker.failure_threshold.map_or("-".to_owned(), of)
}

/// The share of failures, and the one that opens it.
fn rate(breaker: &BreakerView) -> String {
    let limit = match breaker.config.get(&Key::FailureRateThreshold) {
        Some(Value::Share(limit)) => format!("/{}", percent(*limit)),
        _ => String::new(),
    };
    breaker.window.failure_ratio.map_or("-".to_owned(), |ratio| percent(ratio) + &limit)
}

/// Makes text from elsewhere harmless: what could steer a terminal, or turn the text around it, shows as an
/// escape.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // An accent belongs to the letter before it; quotes need no escape here.
        if c.is_ascii_graphic() || c == ' ' {
            shown.push(c);
        } else {
            let pair = ['a', c].iter().collect::<String>();
            shown.extend(pair.escape_debug().skip(1));
        }
    }
    shown
}

/// A time as a person says it: `0.4s`, `21s`, `3m12s`, `2h05m`, `4d7h`.
pub fn time(time: Duration) -> String {
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

/// A share as percent.
pub fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_turns_text_around_is_shown_as_an_escape() {
        let shown = harmless("a\u{1b}[2Jb\u{9b}c\nd\u{202e}e\u{200b}f\r");
        assert_eq!(shown, "a\\u{1b}[2Jb\\u{9b}c\\nd\\u{202e}e\\u{200b}f\\r");
        assert_eq!(harmless("Zahlung's \"größte\" 支払い \\ e\u{301}"), "Zahlung's \"größte\" 支払い \\ e\u{301}");
    }

    #[test]
    fn times_are_short() {
        let times = [0.0, 0.44, 0.97, 21.4, 59.7, 192.0, 7500.0, 370_000.0].map(Duration::from_secs_f64);
        assert_eq!(times.map(time), ["0.0s", "0.4s", "1s", "21s", "1m00s", "3m12s", "2h05m", "4d6h"]);
    }
}
