//! systemd's unit files and drop-ins (man 7 systemd.syntax).

use super::{Refusal, lines, only};

/// Lenient: the assignments of one key in one section, in order. A line that ends in a
/// backslash goes on in the next, comments between are passed over.
pub fn scan(text: &str, section: &str, key: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut here = false;
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) || (line.is_empty() && joined.is_empty()) {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            joined.push_str(part);
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = std::mem::take(&mut joined);
        if let Some(name) = whole.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            here = name == section;
        } else if let Some((name, value)) = whole.split_once('=')
            && here
            && name.trim() == key
        {
            values.push(value.trim().to_owned());
        }
    }
    values
}

/// A time span in whole seconds (man 7 systemd.time): `3min`, `1min 30s`, `180`; 0 for `0`,
/// `infinity` and nothing, which are all no watchdog.
pub fn seconds(text: &str) -> Option<u64> {
    if text.is_empty() || text == "infinity" {
        return Some(0);
    }
    let mut millis = 0_u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let after = after.trim_start();
        let (unit, after) =
            after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let factor = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1000,
            "ms" | "msec" => 1,
            "m" | "min" | "minute" | "minutes" => 60_000,
            "h" | "hr" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            _ => return None,
        };
        millis = number.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(millis)?;
        rest = after.trim_start();
    }
    Some(millis / 1000)
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
    fn time_spans() {
        for (text, expected) in [
            ("3min", Some(180)),
            ("1min 30s", Some(90)),
            ("180", Some(180)),
            ("2min30", Some(150)),
            ("500ms", Some(0)),
            ("1h", Some(3600)),
            ("0", Some(0)),
            ("", Some(0)),
            ("infinity", Some(0)),
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
