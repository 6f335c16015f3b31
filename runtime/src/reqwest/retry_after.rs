//! The header `Retry-After`: how long a server asks its clients to stay away. What a breaker makes of it
//! is `judgement`, what a retry makes of it `client`.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode};

/// How long a 503 or a 429 asks to stay away: at least a second; `None` if it does not say.
pub(super) fn of_response(response: &Response) -> Option<Duration> {
    let says = matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    says.then(|| read(response.headers(), SystemTime::now())).flatten()
}

/// The longest of the times that can be read. No time at all, and a date that has passed, say nothing:
/// who has failed to answer cannot ask for more calls.
fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    // By the clock of the server, which the date is of.
    let now = headers.get(DATE).and_then(date).unwrap_or(now);
    let times = headers.get_all(RETRY_AFTER).iter().filter_map(|value| time(value, now));
    times.max().filter(|time| !time.is_zero())
}

fn time(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time too.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    date(value)?.duration_since(now).ok()
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        read(&headers, SystemTime::UNIX_EPOCH).map(|time| time.as_secs())
    }

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_read() {
        assert_eq!(of(&["120"]), Some(120));
        assert_eq!(of(&[" 7 "]), Some(7));
        assert_eq!(of(&["Thu, 01 Jan 1970 00:02:00 GMT"]), Some(120));
        assert_eq!(of(&["Thursday, 01-Jan-70 00:02:00 GMT"]), Some(120));
        assert_eq!(of(&["Thu Jan  1 00:02:00 1970"]), Some(120));
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let values = ["", " ", "-1", "+5", "1.5", "1e3", "0x10", "soon", "120 s", "1,2", "NaN", "\u{661}", "0", "00"];
        for value in values {
            assert_eq!(of(&[value]), None, "{value:?}");
        }
        for value in ["Thu, 32 Jan 1970 00:02:00 GMT", "Thu, 01 Jan 1969 00:02:00 GMT", "Thu, 01 Jan 1970 00:02:00"] {
            assert_eq!(of(&[value]), None, "{value:?}");
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn huge_values_are_long_times() {
        assert_eq!(of(&["99999999999999999999999999"]), Some(u64::MAX));
        assert!(of(&["Fri, 31 Dec 9999 23:59:59 GMT"]).is_some_and(|seconds| seconds > 250_000_000_000));
    }

    #[test]
    fn of_several_the_longest_counts() {
        assert_eq!(of(&["3", "nonsense", "20", "-4"]), Some(20));
    }

    #[test]
    fn a_date_is_read_by_the_clock_of_the_server() {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:47 GMT"));
        assert_eq!(read(&headers, SystemTime::now()), Some(Duration::from_secs(10)));
        headers.insert(DATE, HeaderValue::from_static("yesterday"));
        assert_eq!(read(&headers, SystemTime::now()), None);
    }
}
