//! Durations as text: `1m30s`, `250ms`, `1.5s`. The attribute has its own reader, at compile time.

use std::time::Duration;

const SECOND: u128 = 1_000_000_000;

/// The units, in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 86_400 * SECOND),
];

/// Reads a duration: a plain number of seconds, or numbers with units, the largest first or not.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return decimal(text, SECOND).map_or_else(|| from_seconds(seconds), |nanos| from_nanos(text, nanos));
    }
    let mut rest = text;
    let mut total = 0_u128;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            if number.is_empty() {
                return Err(format!("`{text}` is not a duration: write seconds (`30`) or `1m30s`, `250ms`"));
            }
            return Err(format!("unknown unit `{unit}` in `{text}`: use ns, us, ms, s, m, h or d"));
        };
        let part = decimal(number, *nanos)
            .ok_or_else(|| format!("`{text}` is not a duration: write seconds (`30`) or `1m30s`, `250ms`"))?;
        total = total.saturating_add(part);
        rest = tail.trim_start();
    }
    if text.is_empty() {
        Err("it is empty: write seconds (`30`) or `1m30s`, `250ms`".to_owned())
    } else {
        from_nanos(text, total)
    }
}

/// `digits` times `unit`, exact but for what is finer than a nanosecond. `None` if it is no plain decimal number.
fn decimal(digits: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !(whole.is_empty() && fraction.is_empty())
        && whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit());
    if !is_number {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u128::MAX) };
    // Twenty digits are finer than any unit, and their product with a day is no overflow.
    let fraction = fraction.get(..20).unwrap_or(fraction);
    let part = fraction.parse::<u128>().unwrap_or(0) * unit / 10_u128.pow(fraction.len() as u32);
    Some(whole.saturating_mul(unit).saturating_add(part))
}

fn from_nanos(text: &str, nanos: u128) -> Result<Duration, String> {
    let seconds = u64::try_from(nanos / SECOND).map_err(|_| format!("`{text}` is too large"))?;
    Ok(Duration::new(seconds, (nanos % SECOND) as u32))
}

fn from_seconds(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        let problem = if seconds < 0.0 { "is negative" } else { "is too large" };
        format!("`{seconds}` {problem}")
    })
}

/// A duration as a person would write it, and as it is read again: `1m30s`, `250ms`, `1.5s`, `1h`.
pub(crate) fn text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_nanos() != 0 || seconds == 0 {
        // A time that needs parts of a second rarely needs hours.
        return format!("{duration:?}").replace('µ', "u");
    }
    let parts = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let written = parts.into_iter().filter(|(count, _)| *count > 0);
    written.fold(String::new(), |text, (count, unit)| format!("{text}{count}{unit}"))
}

/// A time that is left, as a person wants it: in tenths of a second. `None` if that is nothing.
pub(crate) fn rough(left: Duration) -> Option<String> {
    let tenths = left.saturating_add(Duration::from_millis(50)).as_millis() as u64 / 100;
    (tenths > 0).then(|| text(Duration::from_millis(tenths * 100)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_number_is_seconds() {
        assert_eq!(parse("30"), Ok(Duration::from_secs(30)));
        assert_eq!(parse(" 0.25 "), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn units_add_up() {
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("1h 1m 1s 1ms"), Ok(Duration::from_millis(3_661_001)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("2d"), Ok(Duration::from_secs(172_800)));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("s", "not a duration"),
            ("30 parsecs", "unknown unit `parsecs`"),
            ("-5", "negative"),
            ("1e300", "too large"),
            ("NaN", "too large"),
            ("1.2.3s", "not a duration"),
            ("5µs", "unknown unit"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn text_is_short_and_reads_back() {
        for (nanos, written) in [
            (0, "0ns"),
            (30_000_000_000, "30s"),
            (90_000_000_000, "1m30s"),
            (120_000_000_000, "2m"),
            (93_784_000_000_000, "1d2h3m4s"),
            (250_000_000, "250ms"),
            (1_500_000_000, "1.5s"),
            (1_500, "1.5us"),
        ] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(text(duration), written);
            assert_eq!(parse(written), Ok(duration));
        }
    }
}
