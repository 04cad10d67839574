//! What time it is: when a result was made.
#![expect(clippy::disallowed_methods, reason = "a report says when it was made; nothing is decided by it")]

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
/// The last second of the year 9999, beyond which RFC 3339 has no time.
const LAST: u64 = 253_402_300_799;

/// The time in RFC 3339, UTC, to the second: that of `SOURCE_DATE_EPOCH` where it is set and valid
/// (<https://reproducible-builds.org/specs/source-date-epoch/>), else the clock's.
pub(super) fn now() -> String {
    let asked = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    stamp(asked.filter(|seconds| *seconds <= LAST).unwrap_or_else(clock))
}

/// Seconds since 1970, in RFC 3339.
fn stamp(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970. Years begin in March here, so that a leap day is a year's last
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
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
