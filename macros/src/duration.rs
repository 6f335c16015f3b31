//! Lengths of time as the attribute takes them: `30`, `0.5`, `"1m30s"`. Exact to the nanosecond;
//! the words for what is wrong are here too, the place to point at is the caller's.

use std::time::Duration;

const SECOND: u128 = 1_000_000_000;
/// Longer is a slip: nobody waits a hundred years for a server.
const LONGEST: u128 = 100 * 365 * 24 * 3600 * SECOND;

const UNITS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 24 * 3600 * SECOND),
];

/// Words that people write for a unit, and the unit.
const WORDS: &[(&str, &str)] = &[
    ("nanos", "ns"),
    ("nanoseconds", "ns"),
    ("micros", "us"),
    ("microseconds", "us"),
    ("msec", "ms"),
    ("msecs", "ms"),
    ("millis", "ms"),
    ("millisecond", "ms"),
    ("milliseconds", "ms"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
];

/// Whole seconds.
pub(crate) fn from_seconds(key: &str, seconds: u128) -> Result<Duration, String> {
    in_range(key, seconds.saturating_mul(SECOND))
}

/// Seconds with a fraction, as the digits of a float literal.
pub(crate) fn from_float(key: &str, digits: &str) -> Result<Duration, String> {
    if let Some(nanos) = decimal(digits, SECOND) {
        return in_range(key, nanos);
    }
    // With an exponent: the nearest float is near enough.
    let seconds: f64 = digits.parse().unwrap_or(f64::INFINITY);
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) => in_range(key, time.as_nanos()),
        Err(_) => Err(too_long(key)),
    }
}

/// A string of numbers with units.
pub(crate) fn from_text(key: &str, text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("`{key}` must not be empty: write seconds, `{key} = 30`, or a string such as \"1m30s\""));
    }
    if rest.starts_with('-') {
        return Err(format!("`{key}` cannot be negative: write it without the `-`"));
    }
    let mut total = 0_u128;
    while !rest.is_empty() {
        let number = take(&mut rest, |letter| letter.is_ascii_digit() || letter == '.' || letter == '_');
        rest = rest.trim_start();
        let unit = take(&mut rest, char::is_alphabetic);
        rest = rest.trim_start();
        if number.is_empty() {
            let found = if unit.is_empty() { rest } else { unit };
            return Err(format!(
                "`{key}` is not a length of time at `{found}`: write a number and a unit, such as \"1m30s\" or \"250ms\""
            ));
        }
        if unit.is_empty() {
            return Err(format!("`{number}` has no unit: write `{key} = {number}` for seconds, or \"{number}s\""));
        }
        let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(unknown_unit(key, number, unit));
        };
        let Some(part) = decimal(number, *nanos) else {
            return Err(format!("`{number}` is not a number: write `{key}` as \"1m30s\", \"1.5s\" or \"250ms\""));
        };
        total = total.saturating_add(part);
    }
    in_range(key, total)
}

fn unknown_unit(key: &str, number: &str, unit: &str) -> String {
    let lower = unit.to_lowercase();
    let meant = WORDS.iter().find(|(word, _)| *word == lower).map_or(lower.as_str(), |(_, unit)| unit);
    if UNITS.iter().any(|(name, _)| *name == meant) {
        return format!("unknown unit `{unit}` in `{key}`: did you mean \"{number}{meant}\"?");
    }
    format!("unknown unit `{unit}` in `{key}`: the units are ns, us, ms, s, m, h and d, as in \"1m30s\"")
}

fn take<'a>(rest: &mut &'a str, belongs: impl Fn(char) -> bool) -> &'a str {
    let end = rest.find(|letter| !belongs(letter)).unwrap_or(rest.len());
    let (taken, tail) = rest.split_at(end);
    *rest = tail;
    taken
}

/// `digits` times `unit`, without rounding on the way. `None` if it is no plain decimal number.
fn decimal(digits: &str, unit: u128) -> Option<u128> {
    let digits: String = digits.chars().filter(|digit| *digit != '_').collect();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    if whole.is_empty() && fraction.is_empty()
        || !format!("{whole}{fraction}").bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    // Beyond this many digits a number is too long to be in range, or too fine to matter.
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u128::MAX) };
    // Twenty digits are finer than any unit, and their product with a day is no overflow.
    let fraction = fraction.get(..20).unwrap_or(fraction);
    let part = fraction.parse::<u128>().unwrap_or(0) * unit / 10_u128.pow(fraction.len() as u32);
    Some(whole.saturating_mul(unit).saturating_add(part))
}

fn in_range(key: &str, nanos: u128) -> Result<Duration, String> {
    if nanos == 0 {
        return Err(format!(
            "`{key}` must be longer than zero: write seconds, `{key} = 30`, or a string such as \"250ms\""
        ));
    }
    if nanos > LONGEST {
        return Err(too_long(key));
    }
    let seconds = u64::try_from(nanos / SECOND).map_err(|_| too_long(key))?;
    let rest = u32::try_from(nanos % SECOND).map_err(|_| too_long(key))?;
    Ok(Duration::new(seconds, rest))
}

fn too_long(key: &str) -> String {
    format!("`{key}` is longer than 100 years: write it in seconds, `{key} = 30`, or with a unit, \"30s\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<Duration, String> {
        from_text("recovery_timeout", text)
    }

    #[test]
    fn strings_are_exact() {
        assert_eq!(text("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(text("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(text("250 ms"), Ok(Duration::from_millis(250)));
        assert_eq!(text("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(text("0.1ms"), Ok(Duration::from_micros(100)));
        assert_eq!(text("7us"), text("7\u{b5}s"));
        assert_eq!(text("2d"), Ok(Duration::from_secs(172_800)));
    }

    #[test]
    fn floats_are_exact() {
        assert_eq!(from_float("timeout", "0.1"), Ok(Duration::from_millis(100)));
        assert_eq!(from_float("timeout", "1e-3"), Ok(Duration::from_millis(1)));
        assert_eq!(from_float("timeout", "0.000000001"), Ok(Duration::from_nanos(1)));
    }

    #[test]
    fn what_is_no_length_of_time_is_told_why() {
        for (given, why) in [
            ("", "must not be empty"),
            ("30", "`30` has no unit"),
            ("1m30", "`30` has no unit"),
            ("30 parsecs", "unknown unit `parsecs`"),
            ("30 seconds", "did you mean \"30s\"?"),
            ("5S", "did you mean \"5s\"?"),
            ("-5s", "cannot be negative"),
            ("0s", "longer than zero"),
            ("200000d", "longer than 100 years"),
            ("99999999999999999999999999999999999999999d", "longer than 100 years"),
            ("1.2.3s", "not a number"),
            ("soon", "not a length of time at `soon`"),
            ("30s!", "not a length of time at `!`"),
        ] {
            let error = text(given).expect_err(given);
            assert!(error.contains(why), "{given}: {error}");
        }
    }
}
