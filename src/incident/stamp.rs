//! Points in time as logs write them: read, reckoned with, and written again in the same form.

use super::month::{self, ENGLISH, english};
use crate::civil;

/// A microsecond is the unit of all times here.
pub(super) const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 86_400 * SECOND;
/// A year for stamps that have none: the differences within a log are what counts.
const NO_YEAR: i64 = 2001;
const LEAP: i64 = 2004;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// How a stamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `Aug  1 07:46:06`, with a blank or a zero before a small day.
    Syslog { zero: bool },
    /// `Sat Dec 20 08:03:14 2025`
    Ctime,
    /// `2026-05-04T11:33:18.000000+02:00`, with its sign between date and time, and before the fraction.
    Iso { between: char, point: char },
    /// `Sun 2026-03-29 01:58:42 CEST`
    Full,
    /// `1435700000.123456`
    Unix,
    /// `Mar29 01:58`: minutes only, and differences after them (`dmesg -e`).
    Minute,
}

/// A wall clock's time, local as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wall {
    /// Microseconds since 1970, as if the zone were UTC.
    at: i64,
    form: Form,
    digits: u8,
    /// As it is written: `+02:00`, `Z`, `CEST`.
    zone: String,
}

/// When something was said: by the wall clock, and since the machine's start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Moment {
    pub(super) wall: Option<Wall>,
    /// Microseconds since the start.
    pub(super) up: Option<i64>,
}

impl Moment {
    /// Seconds from here to a later one of the same boot: by the uptime where both have it.
    pub(super) fn until(&self, later: &Self) -> Option<i64> {
        if let (Some(from), Some(to)) = (self.up, later.up) {
            return Some(to - from);
        }
        let (from, to) = (self.wall.as_ref()?, later.wall.as_ref()?);
        // Of stamps that are minutes, only what follows within one is known.
        let same = from.at.div_euclid(MINUTE) == to.at.div_euclid(MINUTE);
        (same || !from.is_coarse()).then(|| to.utc() - from.utc())
    }

    /// So much earlier.
    pub(super) fn before(&self, by: i64) -> Self {
        let wall = self.wall.clone().map(|wall| Wall { at: wall.at - by, ..wall });
        Self { wall, up: self.up.map(|up| up - by) }
    }

    /// As the log writes it; the uptime where it has no wall clock.
    pub(super) fn text(&self) -> Option<String> {
        self.wall.as_ref().map(Wall::text).or_else(|| self.up.map(uptime_text))
    }
}

/// `12.4`
pub(super) fn uptime_text(up: i64) -> String {
    let (sign, up) = (if up < 0 { "-" } else { "" }, up.abs());
    let text = format!("{sign}{}.{:06}", up / SECOND, up % SECOND);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Wall {
    /// Microseconds since 1970 in UTC, where a zone is written; local ones else.
    pub(super) fn utc(&self) -> i64 {
        self.at - self.offset().unwrap_or(0)
    }

    /// Microseconds since 1970, as if the zone were UTC.
    pub(super) fn local(&self) -> i64 {
        self.at
    }

    /// What the zone is ahead of UTC.
    fn offset(&self) -> Option<i64> {
        let (sign, digits) = match self.zone.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return Some(0).filter(|_| matches!(self.zone.as_str(), "Z" | "UTC" | "GMT")),
        };
        let digits = digits.replace(':', "");
        let (hours, minutes) = digits.split_at_checked(2)?;
        let minutes = if minutes.is_empty() { 0 } else { minutes.parse::<i64>().ok()? };
        Some(sign * (hours.parse::<i64>().ok()? * 60 + minutes) * MINUTE)
    }

    /// Whether no year is written.
    pub(super) fn has_no_year(&self) -> bool {
        matches!(self.form, Form::Syslog { .. } | Form::Minute)
    }

    /// Whether the difference to others is not known to the second.
    pub(super) fn is_coarse(&self) -> bool {
        self.form == Form::Minute
    }

    /// Later by a difference, or a year.
    pub(super) fn later(&self, by: i64) -> Self {
        Self { at: self.at + by, ..self.clone() }
    }

    /// The same in the next year, where stamps have no year and a log goes from December to January.
    pub(super) fn next_year(&self) -> Self {
        self.later(365 * DAY)
    }

    /// Of the journal's `__REALTIME_TIMESTAMP`.
    pub(super) fn of_micros(at: i64) -> Self {
        Self { at, form: Form::Iso { between: 'T', point: '.' }, digits: 6, zone: "Z".to_owned() }
    }

    /// `07:45:29`
    pub(super) fn time_of_day(&self) -> String {
        let seconds = self.at.div_euclid(SECOND);
        let of_day = seconds.rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
    }

    /// As it was written.
    pub(super) fn text(&self) -> String {
        let (year, month, day) = civil::date(self.at.div_euclid(DAY));
        let name = usize::try_from(month - 1).ok().and_then(|at| ENGLISH.get(at)).unwrap_or(&"");
        let weekday = usize::try_from(self.at.div_euclid(DAY).rem_euclid(7)).unwrap_or(0);
        let weekday = WEEKDAYS.get(weekday).unwrap_or(&"");
        let time = self.time_of_day();
        let micros = format!("{:06}", self.at.rem_euclid(SECOND));
        let fraction = micros.get(..usize::from(self.digits)).unwrap_or(&micros);
        let with = |point: char| {
            if fraction.is_empty() { time.clone() } else { format!("{time}{point}{fraction}") }
        };
        match self.form {
            Form::Syslog { zero: true } => format!("{name} {day:02} {}", with('.')),
            Form::Syslog { zero: false } => format!("{name} {day:2} {}", with('.')),
            Form::Ctime => format!("{weekday} {name} {day:2} {time} {year}"),
            Form::Iso { between, point } => {
                format!("{year:04}-{month:02}-{day:02}{between}{}{}", with(point), self.zone)
            }
            Form::Full => {
                format!("{weekday} {year:04}-{month:02}-{day:02} {} {}", with('.'), self.zone)
            }
            Form::Unix => format!("{}.{micros}", self.at.div_euclid(SECOND)),
            Form::Minute => format!("{name}{day:2} {}", time.get(..5).unwrap_or(&time)),
        }
    }

    /// A stamp at the beginning of a text, and what follows it.
    pub(super) fn parse(text: &str) -> Option<(Self, &str)> {
        let first = *text.as_bytes().first()?;
        if first.is_ascii_digit() {
            return iso(text).or_else(|| unix(text)).or_else(|| foreign(text));
        }
        let Some((word, after)) = text.split_at_checked(3) else { return foreign(text) };
        if WEEKDAYS.contains(&word) {
            return ctime(after.strip_prefix(' ')?).or_else(|| full(after.strip_prefix(' ')?));
        }
        let Some(month) = english(word) else { return foreign(text) };
        let here = minute(month, after).or_else(|| syslog(month, after.strip_prefix(' ')?));
        here.or_else(|| foreign(text))
    }
}

/// `апр 21 13:59:39`, and `Di Mär  5 08:03:14 2025`, which is written in English again.
fn foreign(text: &str) -> Option<(Wall, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let has_day = |rest: &str| rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if has_day(rest) {
        return syslog(month::other(word)?, rest);
    }
    let (name, rest) = rest.split_once(' ').filter(|(_, rest)| word.len() < 12 && has_day(rest))?;
    dated(english(name).or_else(|| month::other(name))?, rest)
}

/// A number at the beginning, of so many digits at most, and what follows it.
pub(super) fn number(text: &str, most: usize) -> Option<(i64, &str)> {
    let end = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// Microseconds of a fraction's digits, how many they are, and what follows them.
pub(super) fn fraction(text: &str) -> (i64, u8, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count().min(9);
    let (digits, rest) = text.split_at_checked(end).unwrap_or(("", text));
    let six: String = digits.chars().chain("000000".chars()).take(6).collect();
    (six.parse().unwrap_or(0), u8::try_from(end.min(6)).unwrap_or(6), rest)
}

/// `HH:MM:SS` with a fraction: microseconds, its digits, and what follows.
fn time<'a>(text: &'a str, points: &str) -> Option<(i64, u8, char, &'a str)> {
    let (hours, text) = number(text, 2)?;
    let (minutes, text) = number(text.strip_prefix(':')?, 2)?;
    let (seconds, text) = number(text.strip_prefix(':')?, 2)?;
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let at = (hours * 3600 + minutes * 60 + seconds) * SECOND;
    match text.chars().next().filter(|point| points.contains(*point)) {
        Some(point) if text.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
            let (micros, digits, rest) = fraction(text.get(1..)?);
            Some((at + micros, digits, point, rest))
        }
        _ => Some((at, 0, '.', text)),
    }
}

fn day(text: &str) -> Option<(i64, bool, &str)> {
    let (padded, zero) = (text.strip_prefix(' '), text.starts_with('0'));
    let (day, rest) = number(padded.unwrap_or(text), 2)?;
    (1..=31).contains(&day).then_some((day, zero || (padded.is_none() && day > 9), rest))
}

fn syslog(month: i64, text: &str) -> Option<(Wall, &str)> {
    let (day, zero, rest) = day(text)?;
    let rest = rest.strip_prefix(' ')?;
    let (year, rest) = match number(rest, 4) {
        Some((year, after)) if year > 1969 && after.starts_with(' ') => (year, after.get(1..)?),
        _ => (if (month, day) == (2, 29) { LEAP } else { NO_YEAR }, rest),
    };
    let (time, digits, _, rest) = time(rest, ".")?;
    let zero = zero && text.starts_with('0');
    let at = civil::days(year, month, day) * DAY + time;
    Some((Wall { at, form: Form::Syslog { zero }, digits, zone: String::new() }, rest))
}

fn ctime(text: &str) -> Option<(Wall, &str)> {
    dated(english(text.get(..3)?)?, text.get(4..)?)
}

/// Day, time and year of a month.
fn dated(month: i64, text: &str) -> Option<(Wall, &str)> {
    let (day, _, rest) = day(text)?;
    let (time, digits, _, rest) = time(rest.strip_prefix(' ')?, ".")?;
    let (year, rest) = number(rest.strip_prefix(' ')?, 4)?;
    let at = civil::days(year, month, day) * DAY + time;
    Some((Wall { at, form: Form::Ctime, digits, zone: String::new() }, rest))
}

fn date(text: &str) -> Option<(i64, &str)> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
    let fits = year > 1969 && (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then(|| (civil::days(year, month, day) * DAY, rest))
}

fn iso(text: &str) -> Option<(Wall, &str)> {
    let (date, rest) = date(text)?;
    let between = rest.chars().next().filter(|c| matches!(c, 'T' | ' ' | '_'))?;
    let (time, digits, point, rest) = time(rest.get(1..)?, ".,")?;
    let length = match rest.as_bytes() {
        [b'Z', ..] => 1,
        [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].iter().all(|c| c.is_ascii_digit()) => 6,
        [b'+' | b'-', a, b, c, d, ..] if [a, b, c, d].iter().all(|c| c.is_ascii_digit()) => 5,
        [b'+' | b'-', a, b, ..] if [a, b].iter().all(|c| c.is_ascii_digit()) => 3,
        _ => 0,
    };
    let (zone, rest) = rest.split_at_checked(length)?;
    let form = Form::Iso { between, point };
    Some((Wall { at: date + time, form, digits, zone: zone.to_owned() }, rest))
}

fn full(text: &str) -> Option<(Wall, &str)> {
    let (date, rest) = date(text)?;
    let (time, digits, _, rest) = time(rest.strip_prefix(' ')?, ".")?;
    let (zone, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    Some((Wall { at: date + time, form: Form::Full, digits, zone: zone.to_owned() }, rest))
}

fn unix(text: &str) -> Option<(Wall, &str)> {
    let (seconds, rest) = number(text, 10)?;
    let (micros, digits, rest) = fraction(rest.strip_prefix('.')?);
    let fits = seconds > 100_000_000 && digits == 6 && rest.starts_with(' ');
    let wall = Wall { at: seconds * SECOND + micros, form: Form::Unix, digits, zone: "Z".to_owned() };
    fits.then_some((wall, rest))
}

fn minute(month: i64, text: &str) -> Option<(Wall, &str)> {
    let (day, rest) = number(text.strip_prefix(' ').unwrap_or(text), 2)?;
    let (hours, rest) = number(rest.strip_prefix(' ')?, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2)?;
    let at = civil::days(NO_YEAR, month, day) * DAY + (hours * 60 + minutes) * MINUTE;
    let fits = hours < 24 && minutes < 60 && rest.starts_with(']');
    fits.then(|| (Wall { at, form: Form::Minute, digits: 0, zone: String::new() }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_written_as_it_was_read() {
        for (text, rest) in [
            ("Aug  1 07:46:06", " localhost kernel: x"),
            ("Aug 01 07:46:06", " localhost kernel: x"),
            ("Nov 21 07:46:06.123456", " web03 x"),
            ("Feb 29 00:00:00", " x"),
            ("Sat Dec 20 08:03:14 2025", "] x"),
            ("2026-05-04T11:33:18.000000+02:00", " cp1 x"),
            ("2026-03-29T01:58:42+0100", " delph1 x"),
            ("2026-03-29T01:58:42,123456+01:00", " x"),
            ("2026-03-07 21:11:18.333008", "  Info x"),
            ("2026-03-07T21:11:02.114402Z", " INFO"),
            ("Sun 2026-03-29 01:58:42 CEST", " host x"),
            ("1435700000.123456", " host x"),
            ("Mar29 01:58", "] x"),
            ("Jun 2 03:40", "] x"),
        ] {
            let line = format!("{text}{rest}");
            let (wall, left) = Wall::parse(&line).unwrap_or_else(|| panic!("{text}"));
            let left = left.trim_start_matches(' ');
            assert_eq!((wall.text().as_str(), left), (text, rest.trim_start_matches(' ')));
        }
        for text in ["", "Foo  1 00:00:00 x", "Aug 99 00:00:00 x", "2026-13-01T00:00:00 x", "12345", "Aug"] {
            assert_eq!(Wall::parse(text), None, "{text}");
        }
    }

    #[test]
    fn other_languages_are_read() {
        for (text, english) in [
            ("апр 21 13:59:39 colo kernel: x", "Apr 21 13:59:39"),
            ("févr. 03 13:59:39 colo kernel: x", "Feb 03 13:59:39"),
            ("Mär  5 13:59:39 colo kernel: x", "Mar  5 13:59:39"),
            ("Sept 21 13:59:39 colo kernel: x", "Sep 21 13:59:39"),
            ("12月 21 13:59:39 colo kernel: x", "Dec 21 13:59:39"),
            ("Di Mär  4 08:03:14 2025] x", "Tue Mar  4 08:03:14 2025"),
        ] {
            assert_eq!(Wall::parse(text).map(|(wall, _)| wall.text()).as_deref(), Some(english), "{text}");
        }
        for text in ["sd 1:0:0:0: [sdb] x", "md 21: x", "kernel 21 13:59:39 x", "le 21 mars 13:59:39 x"] {
            assert_eq!(Wall::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_difference_counts_the_zone_and_prefers_the_uptime() {
        let at = |text: &str, up| Moment { wall: Wall::parse(text).map(|(wall, _)| wall), up };
        let (from, to) = (at("2026-03-29T01:56:42+0100 ", None), at("2026-03-29T03:00:04+0200 ", None));
        assert_eq!(from.until(&to), Some(202 * SECOND));
        let (from, to) = (at("Aug  1 07:46:06 ", Some(1)), at("Aug  1 07:46:06 ", Some(5)));
        assert_eq!(from.until(&to), Some(4));
        assert_eq!(at("Jan  1 00:00:05 ", None).before(10 * SECOND).text().unwrap(), "Dec 31 23:59:55");
        assert_eq!(at("Mar  1 00:00:05 ", None).before(10 * SECOND).text().unwrap(), "Feb 28 23:59:55");
        assert_eq!(Moment { wall: None, up: Some(12_400_000) }.text().unwrap(), "12.4");
        assert_eq!(at("x", None).until(&to), None);
    }
}
