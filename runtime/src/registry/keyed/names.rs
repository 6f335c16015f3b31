//! Names of the breakers of a family: `fetch[api.example.com]`. Two keys never share a name, whatever is in them, and
//! no key makes a long one.

use std::fmt::{self, Write};

use crate::sum::Sum;

/// Bytes of a key that a name shows. Hosts fit, whose names have 253 bytes at most.
const LONGEST: usize = 256;
/// Bytes of a longer key that stand before its sum.
const SHOWN: usize = 200;
/// Bytes of a sum and of the sign before it.
const SUM: usize = 33;

/// A key as names show it. On the stack, so that looking up a known key allocates nothing.
pub(super) struct Shown {
    bytes: [u8; LONGEST],
    length: usize,
    /// Of the whole key as it would be shown, once it is longer than what is kept.
    sum: Option<Sum>,
}

impl Shown {
    fn new() -> Self {
        Shown { bytes: [0; LONGEST], length: 0, sum: None }
    }

    /// The key, where it is not shown as it is.
    #[cold]
    pub(super) fn of(key: &str) -> Self {
        Self::of_display(&key)
    }

    /// What is displayed as a key. What fails to display itself is shown as far as it came.
    pub(super) fn of_display(key: &dyn fmt::Display) -> Self {
        let mut escaping = Escaping { shown: Shown::new(), so_far: SoFar::Empty };
        let _ = write!(escaping, "{key}");
        let mut shown = escaping.shown;
        if escaping.so_far == SoFar::Star {
            shown = Shown::new();
            shown.push("\\*");
        }
        if looks_cut(shown.as_str()) {
            // It is the name of another key, unless it shows a sum of its own.
            let kept = &shown.bytes[..shown.length];
            shown.sum.get_or_insert_with(|| Sum::of(kept));
        }
        shown.cut();
        shown
    }

    pub(super) fn as_str(&self) -> &str {
        // Characters are pushed whole.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    fn push(&mut self, text: &str) {
        match self.bytes.get_mut(self.length..self.length + text.len()) {
            Some(place) if self.sum.is_none() => {
                place.copy_from_slice(text.as_bytes());
                self.length += text.len();
            }
            _ => self.push_beyond(text),
        }
    }

    fn push_beyond(&mut self, text: &str) {
        let kept = &self.bytes[..self.length];
        self.sum.get_or_insert_with(|| Sum::of(kept)).add(text.as_bytes());
    }

    /// Pushes text that is shown as it is, in pieces, so that as much is kept as fits.
    fn push_plain(&mut self, text: &str) {
        let fits = text.len().min(LONGEST - self.length);
        let (kept, beyond) = if self.sum.is_none() { text.split_at(fits) } else { ("", text) };
        self.push(kept);
        if !beyond.is_empty() {
            self.push_beyond(beyond);
        }
    }

    fn push_escaped(&mut self, c: char) {
        if matches!(c, '\'' | '"') {
            return self.push(c.encode_utf8(&mut [0; 4]));
        }
        let (mut escaped, mut length) = ([0; 10], 0);
        for part in c.escape_debug() {
            let mut buffer = [0; 4];
            let part = part.encode_utf8(&mut buffer).as_bytes();
            if let Some(place) = escaped.get_mut(length..length + part.len()) {
                place.copy_from_slice(part);
                length += part.len();
            }
        }
        self.push(std::str::from_utf8(&escaped[..length]).unwrap_or_default());
    }

    /// Puts the sum, if there is one, in the place of the end.
    fn cut(&mut self) {
        let Some(sum) = self.sum.take() else { return };
        let text = self.as_str();
        self.length = (0..=SHOWN.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let sum = format!("~{sum}");
        self.bytes[self.length..self.length + sum.len()].copy_from_slice(sum.as_bytes());
        self.length += sum.len();
    }
}

/// Whether a key is shown as it is: visible ASCII, and neither `*` alone nor with a backslash, which escapes begin with.
#[inline]
pub(super) fn is_plain(key: &str) -> bool {
    key.len() <= LONGEST && key != "*" && is_plain_text(key) && !looks_cut(key)
}

#[inline]
fn is_plain_text(text: &str) -> bool {
    // Without a branch for each byte.
    text.bytes().fold(0, |any, byte| any | u8::from(is_odd(byte))) == 0
}

/// Whether a key ends as the name of a longer one does.
#[inline]
fn looks_cut(key: &str) -> bool {
    let Some(at) = key.len().checked_sub(SUM) else { return false };
    key.as_bytes()[at] == b'~' && key.as_bytes()[at + 1..].iter().all(u8::is_ascii_hexdigit)
}

/// Whether a byte is not visible ASCII, or begins escapes.
#[inline]
fn is_odd(byte: u8) -> bool {
    !(b' '..=b'~').contains(&byte) || byte == b'\\'
}

/// What a key has been so far.
#[derive(Clone, Copy, PartialEq)]
enum SoFar {
    Empty,
    Star,
    Else,
}

/// Writes what is written to it as names show it.
struct Escaping {
    shown: Shown,
    so_far: SoFar,
}

impl Write for Escaping {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.so_far == SoFar::Empty && text == "*" {
            self.so_far = SoFar::Star;
            self.shown.push(text);
            return Ok(());
        }
        if !text.is_empty() {
            self.so_far = SoFar::Else;
        }
        // What needs no escape goes as it is: all of it, mostly.
        let mut rest = text;
        while let Some(at) = rest.bytes().position(is_odd) {
            let (plain, odd) = rest.split_at(at);
            self.shown.push_plain(plain);
            let end = odd.bytes().position(|byte| !is_odd(byte)).unwrap_or(odd.len());
            odd[..end].chars().for_each(|c| self.shown.push_escaped(c));
            rest = &odd[end..];
        }
        self.shown.push_plain(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(key: &str) -> String {
        Shown::of(key).as_str().to_owned()
    }

    #[test]
    fn plain_keys_are_shown_as_they_are() {
        for key in ["", "api.example.com", "tenant 7", "a]b[c", "it's \"quoted\"", "50%", "**"] {
            assert!(is_plain(key), "{key}");
            assert_eq!(shown(key), key);
        }
        assert_eq!(shown("münchen"), "münchen");
    }

    #[test]
    fn what_a_log_line_cannot_hold_is_escaped() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown("a\\nb"), "a\\\\nb");
        assert_eq!(shown("\u{1b}[31m"), "\\u{1b}[31m");
        assert_eq!(shown("\u{202e}moc"), "\\u{202e}moc");
        assert_eq!(shown("*"), "\\*");
    }

    #[test]
    fn long_keys_differ_by_their_sums_and_are_never_longer_than_a_name_may_be() {
        let long = |last: char| format!("{}{last}", "x".repeat(1_000_000));
        let (one, other) = (shown(&long('a')), shown(&long('b')));
        assert_ne!(one, other);
        assert!(one.len() <= LONGEST && one.starts_with("xxx") && one.contains('~'), "{one}");
        let wide = "ü".repeat(1000);
        assert!(shown(&wide).len() <= LONGEST);
        assert_eq!(shown(&"y".repeat(LONGEST)).len(), LONGEST);
        // Nor is one called what another is called.
        assert_ne!(shown(&one), one);
        assert!(!is_plain(&one));
    }

    #[test]
    fn displayed_in_parts_is_the_same_as_whole() {
        let key = format!("{}:{}", "host", 8080);
        assert_eq!(Shown::of_display(&format_args!("{}:{}", "host", 8080)).as_str(), shown(&key));
        let long = "x".repeat(1000);
        assert_eq!(Shown::of_display(&format_args!("a{long}")).as_str(), shown(&format!("a{long}")));
        assert_eq!(Shown::of_display(&format_args!("{}{}", "*", "")).as_str(), "\\*");
        assert_eq!(Shown::of_display(&format_args!("{}{}", "*", "a")).as_str(), "*a");
    }
}
