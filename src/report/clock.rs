//! What time it is: when a result was made.
#![expect(clippy::disallowed_methods, reason = "a report says when it was made; nothing is decided by it")]

use std::time::{SystemTime, UNIX_EPOCH};

use crate::civil::date;

const DAY: u64 = 86_400;
/// The last second of the year 9999, beyond which RFC 3339 has no time.
const LAST: u64 = 253_402_300_799;

/// The time in RFC 3339, UTC, to the second: that of `SOURCE_DATE_EPOCH` where it is set and valid
/// (<https://reproducible-builds.org/specs/source-date-epoch/>), else the clock's.
pub(super) fn now() -> String {
    stamp(seconds())
}

/// The same in seconds since 1970.
pub(super) fn seconds() -> u64 {
    let asked = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    asked.filter(|seconds| *seconds <= LAST).unwrap_or_else(clock)
}

/// The same for people, to the minute.
pub(super) fn utc() -> String {
    let stamp = now();
    format!("{} UTC", stamp.get(..16).unwrap_or(&stamp).replace('T', " "))
}

/// Seconds since 1970, in RFC 3339.
fn stamp(seconds: u64) -> String {
    let (year, month, day) = date(i64::try_from(seconds / DAY).unwrap_or(i64::MAX / 2));
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_what_date_says() {
        // `date -u -d @SECONDS +%FT%TZ`
        for (seconds, said) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(stamp(seconds), said);
        }
    }
}
