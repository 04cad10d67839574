//! The time that a report carries.
#![expect(clippy::disallowed_methods, reason = "this is part of the printing module")]

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 in UTC: those of `SOURCE_DATE_EPOCH` where it is set, so that the same facts give
/// the same report, else the clock's (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub(super) fn now() -> u64 {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.trim().parse().ok());
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    set.unwrap_or_else(clock)
}

/// The minute for people: `2026-11-28 22:13 UTC`.
pub(super) fn utc(seconds: u64) -> String {
    let (year, month, day) = date(seconds / 86_400);
    let minutes = seconds % 86_400 / 60;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// The date of a day since 1970, by the Gregorian calendar. Years are counted from March, so that the
/// leap day is a year's last.
fn date(day: u64) -> (u64, u64, u64) {
    // The first of March of the year 0 is 719,468 days before 1970; 400 years have 146,097 days.
    let day = day.saturating_add(719_468);
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months from March on have 153 days.
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are those of `date -u -d DATE +%s`.
    #[test]
    fn a_time_is_that_of_the_calendar() {
        for (seconds, said) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_825_600, "2000-02-29 12:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59 UTC"),
            (1_709_251_200, "2024-03-01 00:00 UTC"),
            (1_795_904_037, "2026-11-28 22:13 UTC"),
            (4_107_542_399, "2100-02-28 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), said);
        }
    }

    #[test]
    fn no_number_is_too_large() {
        assert!(utc(u64::MAX).ends_with(" UTC"));
    }
}
