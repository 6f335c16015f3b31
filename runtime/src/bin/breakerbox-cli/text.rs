//! JSON for a terminal.

use std::fmt::Write as _;

use breakerbox::admin::listing::harmless;

/// Makes text from elsewhere harmless in JSON, which stays JSON.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_json_is_the_same_json() {
        let name = "a\u{9b}\u{202e}\u{e0041}\u{7f}ü\n";
        let json = serde_json::to_string_pretty(&serde_json::json!([name])).expect("a string");
        let shown = harmless_json(&json);
        assert_eq!(shown, "[\n  \"a\\u009b\\u202e\\udb40\\udc41\\u007fü\\n\"\n]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).expect("still JSON"), [name]);
    }
}
