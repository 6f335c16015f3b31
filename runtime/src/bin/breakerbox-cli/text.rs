//! Text for a person: harmless, short.

use std::fmt::Write as _;

/// Makes text from elsewhere harmless: what could steer a terminal, or turn the text around it,
/// shows as an escape.
pub(crate) fn harmless(text: &str) -> String {
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

/// The same for JSON, which stays JSON.
pub(crate) fn harmless_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || harmless(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            shown.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    shown
}

/// A time as a person says it: `0.4s`, `21s`, `3m12s`, `2h05m`, `4d7h`.
pub(crate) fn seconds(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
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
pub(crate) fn percent(share: f64) -> String {
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
    fn harmless_json_is_the_same_json() {
        let name = "a\u{9b}\u{202e}\u{e0041}\u{7f}ü\n";
        let json = serde_json::to_string_pretty(&serde_json::json!([name])).expect("a string");
        let shown = harmless_json(&json);
        assert_eq!(shown, "[\n  \"a\\u009b\\u202e\\udb40\\udc41\\u007fü\\n\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).expect("still JSON"), [name]);
    }

    #[test]
    fn times_are_short() {
        let times = [0.0, 0.44, 0.97, 21.4, 59.7, 192.0, 7500.0, 370_000.0, f64::NAN, -1.0];
        let texts = ["0.0s", "0.4s", "1s", "21s", "1m00s", "3m12s", "2h05m", "4d6h", "?", "?"];
        assert_eq!(times.map(seconds), texts);
    }
}
