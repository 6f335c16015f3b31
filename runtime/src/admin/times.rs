//! How times stand in the JSON of the admin API: durations as numbers of seconds, points in time
//! as RFC 3339 in UTC with milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can tell.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// A point in time as text. One that RFC 3339 cannot tell, which a clock of one's own may show, is
/// told as the nearest one that it can.
pub(super) fn text(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().min(LAST);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

fn read<E: serde::de::Error>(text: &str) -> Result<SystemTime, E> {
    humantime::parse_rfc3339(text).map_err(|error| E::custom(format!("`{text}` is no time: {error}")))
}

fn duration<E: serde::de::Error>(seconds: f64) -> Result<Duration, E> {
    Duration::try_from_secs_f64(seconds).map_err(|error| E::custom(format!("{seconds} is no duration: {error}")))
}

pub(super) mod seconds {
    //! A duration.

    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_secs_f64())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::duration(f64::deserialize(deserializer)?)
    }
}

pub(super) mod maybe_seconds {
    //! A duration or null.

    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|time| time.as_secs_f64()).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(deserializer)?.map(super::duration).transpose()
    }
}

pub(super) mod rfc3339 {
    //! A point in time.

    use super::{Deserialize, Deserializer, Serializer, SystemTime};

    pub(in super::super) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::text(*time))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        super::read(&String::deserialize(deserializer)?)
    }
}

pub(super) mod maybe_rfc3339 {
    //! A point in time or null.

    use super::{Deserialize, Deserializer, Serialize, Serializer, SystemTime};

    pub(in super::super) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(super::text).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| super::read(&text)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_rfc_3339_cannot_tell_is_no_panic() {
        assert_eq!(text(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(UNIX_EPOCH + LAST + Duration::from_secs(9)), "9999-12-31T23:59:59.000Z");
        assert_eq!(text(UNIX_EPOCH + Duration::from_millis(1_500)), "1970-01-01T00:00:01.500Z");
    }
}
