//! systemd's unit files and drop-ins (man 7 systemd.syntax).

use super::{Refusal, bytes, lines, only};

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Line number, from 1; of several that were joined the last.
    pub line: u32,
    /// Section, without its brackets.
    pub section: String,
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

/// What systemd makes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Read {
    /// The assignments, in order.
    pub lines: Vec<Line>,
    /// The line at which it stops reading, and why: what follows does not count.
    pub stops: Option<(u32, &'static str)>,
}

/// Lenient: what systemd reads of a unit or a drop-in (`config_parse` and `parse_line`,
/// <https://github.com/systemd/systemd/blob/v252/src/shared/conf-parser.c>). A line that ends in a
/// backslash goes on in the next, comments between are passed over; a line that is no UTF-8 and a
/// section header without its end are the end of the file.
pub fn read(text: &str) -> Read {
    let mut read = Read::default();
    let mut section: Option<String> = None;
    let mut joined = String::new();
    let mut last = 0;
    for (number, line) in (1..).zip(physical(text)) {
        last = number;
        if line.trim_start_matches(BLANKS).starts_with(['#', ';']) {
            continue;
        }
        joined.push_str(line.strip_prefix('\u{feff}').unwrap_or(line));
        let backslashes = joined.len() - joined.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            joined.pop();
            joined.push(' ');
            continue;
        }
        let whole = std::mem::take(&mut joined);
        if let Err(why) = take(&mut read, &mut section, number, &whole) {
            read.stops = Some((number, why));
            return read;
        }
    }
    if !joined.is_empty() {
        read.stops = take(&mut read, &mut section, last, &joined).err().map(|why| (last, why));
    }
    read
}

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

fn take(read: &mut Read, section: &mut Option<String>, line: u32, whole: &str) -> Result<(), &'static str> {
    let whole = whole.trim_matches(BLANKS);
    if whole.chars().any(bytes::is_odd) {
        return Err("it is not UTF-8");
    }
    if let Some(header) = whole.strip_prefix('[') {
        let name = header.strip_suffix(']').ok_or("its section header does not end")?;
        if name.chars().any(|c| c.is_control() || matches!(c, '"' | '\'' | '\\')) {
            return Err("its section header holds odd characters");
        }
        *section = Some(name.to_owned());
    } else if let (Some(section), Some((key, value))) = (section, whole.split_once('='))
        && !key.is_empty()
    {
        let (key, value) = (key.trim_matches(BLANKS).to_owned(), value.trim_matches(BLANKS).to_owned());
        read.lines.push(Line { line, section: section.clone(), key, value });
    }
    Ok(())
}

/// A text's lines: each of a line feed, a carriage return and a NUL ends one, and so do two or three
/// that differ (`read_line_full`, <https://github.com/systemd/systemd/blob/v252/src/basic/fileio.c>).
fn physical(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.find(['\n', '\r', '\0']).unwrap_or(rest.len()));
        let mut ends = String::new();
        for c in after.chars().take_while(|c| matches!(c, '\n' | '\r' | '\0')) {
            if ends.contains(c) {
                break;
            }
            ends.push(c);
        }
        found.push(line);
        rest = after.get(ends.len()..).unwrap_or_default();
    }
    found
}

/// Lenient: the assignments of one key in one section, in order.
pub fn scan(text: &str, section: &str, key: &str) -> Vec<String> {
    let lines = read(text).lines.into_iter();
    lines.filter(|line| line.section == section && line.key == key).map(|line| line.value).collect()
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// So many microseconds.
    Micros(u64),
    /// `infinity`
    Infinity,
}

/// Units of time and their microseconds; the first that fits counts (`extract_multiplier`).
const UNITS: &[(&str, u64)] = &[
    ("seconds", 1_000_000),
    ("second", 1_000_000),
    ("sec", 1_000_000),
    ("s", 1_000_000),
    ("minutes", 60_000_000),
    ("minute", 60_000_000),
    ("min", 60_000_000),
    ("months", 2_629_800_000_000),
    ("month", 2_629_800_000_000),
    ("M", 2_629_800_000_000),
    ("msec", 1_000),
    ("ms", 1_000),
    ("m", 60_000_000),
    ("hours", 3_600_000_000),
    ("hour", 3_600_000_000),
    ("hr", 3_600_000_000),
    ("h", 3_600_000_000),
    ("days", 86_400_000_000),
    ("day", 86_400_000_000),
    ("d", 86_400_000_000),
    ("weeks", 604_800_000_000),
    ("week", 604_800_000_000),
    ("w", 604_800_000_000),
    ("years", 31_557_600_000_000),
    ("year", 31_557_600_000_000),
    ("y", 31_557_600_000_000),
    ("usec", 1),
    ("us", 1),
    ("\u{3bc}s", 1),
    ("\u{b5}s", 1),
];

/// A span as systemd reads it: `3min`, `1.5h 20`, `infinity`; `None` where it refuses it, nothing
/// included (`parse_time`, <https://github.com/systemd/systemd/blob/v252/src/basic/time-util.c>).
pub fn span(text: &str) -> Option<Span> {
    if text.trim_matches(BLANKS) == "infinity" {
        return Some(Span::Infinity);
    }
    let mut micros = 0_u64;
    let mut rest = text.trim_start_matches(BLANKS);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let unsigned = rest.strip_prefix('+').unwrap_or(rest);
        let (whole, after) = unsigned.split_at(digits(unsigned));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(fraction) => fraction.split_at(digits(fraction)),
            None => ("", after),
        };
        let fraction_missing = fraction.is_empty() && unsigned.get(whole.len()..)?.starts_with('.');
        if fraction_missing || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let unit_at = after.trim_start_matches(BLANKS);
        let unit = UNITS.iter().find(|(name, _)| unit_at.starts_with(name));
        let (factor, after_unit) = match unit {
            Some((name, factor)) => (*factor, unit_at.get(name.len()..)?),
            None if unit_at.len() == after.len() && !after.is_empty() => return None,
            None => (1_000_000, unit_at),
        };
        let whole = if whole.is_empty() {
            0
        } else {
            whole.parse::<u64>().ok().filter(|n| i64::try_from(*n).is_ok())?
        };
        micros = whole.checked_mul(factor)?.checked_add(micros)?;
        let mut part = factor / 10;
        for digit in fraction.bytes() {
            micros = micros.checked_add(u64::from(digit - b'0') * part)?;
            part /= 10;
        }
        rest = after_unit.trim_start_matches(BLANKS);
    }
    Some(Span::Micros(micros))
}

/// A watchdog's span in whole seconds, fractions cut but never to nothing; 0 for `0` and `infinity`,
/// which are no watchdog, and `None` for what systemd refuses.
pub fn seconds(text: &str) -> Option<u64> {
    Some(match span(text)? {
        Span::Infinity | Span::Micros(0) => 0,
        Span::Micros(micros) => (micros / 1_000_000).max(1),
    })
}

/// Strict: the `[Service]` assignments of a drop-in of ours, in order.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut said = lines(text)?.into_iter();
    match said.next() {
        Some((_, "[Service]")) => {}
        Some((number, _)) => return Err(Refusal::new(number, "not `[Service]`")),
        None => return Ok(Vec::new()),
    }
    said.map(|(number, line)| match line.split_once('=') {
        Some((key, value)) if only(key, "") && only(value, "") => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Refusal::new(number, "not of the form `Key=value`")),
    })
    .collect()
}

/// Strict: what a drop-in of ours says of all devices, of systemd's manager or of emergency mode, each with its
/// section: `Unit/Key`.
pub fn parse_waits(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut said = lines(text)?.into_iter();
    let section = match said.next() {
        Some((_, "[Unit]")) => "Unit",
        Some((_, "[Manager]")) => "Manager",
        Some((number, _)) => return Err(Refusal::new(number, "neither `[Unit]` nor `[Manager]`")),
        None => return Ok(Vec::new()),
    };
    said.map(|(number, line)| match line.split_once('=') {
        // A number, or the name of a unit.
        Some((key, value)) if only(key, "") && only(value, "-.") => {
            Ok((format!("{section}/{key}"), value.to_owned()))
        }
        _ => Err(Refusal::new(number, "not of the form `Key=value`")),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_looked_for_in_its_section_alone() {
        let text = "[Unit]\nWatchdogSec=1\n# [Service]\n[Service]\nExecStart=/x \\\n  # y\n  WatchdogSec=2\n\
                    WatchdogSec = 3min\n;WatchdogSec=4\nWatchdogSec=\n[Install]\nWatchdogSec=5\n";
        assert_eq!(scan(text, "Service", "WatchdogSec"), ["3min", ""]);
    }

    #[test]
    fn a_file_is_read_until_a_line_that_systemd_does_not_bear() {
        let watchdogs = |text: &str| scan(text, "Service", "WatchdogSec").join(" ");
        for (text, expected) in [
            ("[Service]\rWatchdogSec=1\r\n\rWatchdogSec=2\0WatchdogSec=3", "1 2 3"),
            ("\u{feff}[Service]\nWatchdogSec=1\n", "1"),
            ("[Service]\nWatchdogSec=1\\\n# x\n  2\nWatchdogSec=3\\\\\n", "1   2 3\\\\"),
            ("[Service]\nWatchdogSec=1\\", "1"),
            ("WatchdogSec=1\n[Service]\nWatchdogSec\n=2\n[X]\nWatchdogSec=3\n", ""),
            ("[Service]\nWatchdogSec=1\n[Unit\n[Service]\nWatchdogSec=2\n", "1"),
            ("[Service]\nWatchdogSec=1\n# \u{e0e9}\nx=\u{e0e9}\nWatchdogSec=2\n", "1"),
            ("[ Service ]\nWatchdogSec=1\n", ""),
        ] {
            assert_eq!(watchdogs(text), expected, "{text:?}");
        }
        assert_eq!(read("[Unit\n").stops, Some((1, "its section header does not end")));
        assert_eq!(read("[a'b]\n").stops, Some((1, "its section header holds odd characters")));
        assert_eq!(read("[A]\nb=\u{e0e9}\n").stops, Some((2, "it is not UTF-8")));
    }

    #[test]
    fn time_spans() {
        for (text, expected) in [
            ("3min", Some(180)),
            ("1min 30s", Some(90)),
            ("180", Some(180)),
            ("2min30", Some(150)),
            // Less than a second is a watchdog, not none.
            ("500ms", Some(1)),
            ("1h", Some(3600)),
            ("0", Some(0)),
            (" infinity ", Some(0)),
            ("1.5h 20", Some(5420)),
            ("1w2d", Some(777_600)),
            ("1M", Some(2_629_800)),
            ("5 min 3000000us", Some(303)),
            ("+3", Some(3)),
            (".5min", Some(30)),
            // systemd keeps what held before.
            ("", None),
            ("3. 1", None),
            ("5x", None),
            ("3minx", None),
            ("12.34.56", None),
            ("9999999999999999999", None),
            ("infinity 5", None),
            ("soon", None),
            ("-1", None),
            ("3 moons", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn our_own_drop_in_parses_and_nothing_else() {
        let pair = ("WatchdogSec".to_owned(), "360".to_owned());
        assert_eq!(parse("# x\n[Service]\nWatchdogSec=360\n").unwrap(), [pair]);
        for bad in
            ["[Unit]\n", "WatchdogSec=1\n", "[Service]\n[Install]\n", "[Service]\nExecStart=/bin/sh -c x\n"]
        {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
