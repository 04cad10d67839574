//! systemd's watchdogs, by units and drop-ins.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hvtune::facts::WATCHED;

use crate::limits::{FOREVER, Limit, Limits, tops};

pub(crate) fn read(root: &Path) -> Limits {
    // What lies below /run is gone at the next boot.
    let mut tops = tops(root, "systemd/system");
    tops.retain(|top| !top.starts_with(root.join("run")));
    let limit = |unit: &&str| Some((format!("WatchdogSec of {unit}"), of_unit(&tops, unit)?));
    WATCHED.iter().filter_map(limit).collect()
}

/// The watchdog of a unit; `None` where it is not there, masked, or not sure.
fn of_unit(tops: &[PathBuf], unit: &str) -> Option<Limit> {
    let path = tops.iter().map(|top| top.join(unit)).find(|path| fs::symlink_metadata(path).is_ok())?;
    let mut texts = vec![text(&path)?];
    if texts.iter().all(String::is_empty) {
        return None;
    }
    // A unit's own drop-in stands before one of the same name for all services.
    let mut dropins: BTreeMap<String, PathBuf> = BTreeMap::new();
    for dir in [format!("{unit}.d"), "service.d".to_owned()] {
        for entry in tops.iter().filter_map(|top| fs::read_dir(top.join(&dir)).ok()).flatten() {
            let entry = entry.unwrap();
            if entry.path().extension().is_some_and(|ending| ending == "conf") {
                dropins.entry(entry.file_name().into_string().unwrap()).or_insert_with(|| entry.path());
            }
        }
    }
    for path in dropins.values() {
        texts.push(text(path)?);
    }
    let mut limit = Limit { rank: FOREVER, shown: "none".to_owned() };
    for value in texts.iter().flat_map(|text| watchdogs(text)) {
        // What is no time span is passed over.
        if let Some(millis) = span(&value) {
            let rank = if millis == 0 { FOREVER } else { millis.into() };
            limit = Limit { rank, shown: value };
        }
    }
    Some(limit)
}

/// A file's text, nothing of a masked one; `None` where it is not sure what systemd makes of it.
fn text(path: &Path) -> Option<String> {
    if fs::read_link(path).is_ok_and(|target| target == Path::new("/dev/null")) {
        return Some(String::new());
    }
    String::from_utf8(fs::read(path).ok()?).ok()
}

/// The values of `WatchdogSec` in `[Service]`, in order.
fn watchdogs(text: &str) -> Vec<String> {
    let (mut values, mut section) = (Vec::new(), "");
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        match line.split_once('=') {
            _ if line.starts_with('[') => section = line,
            Some((key, value)) if section == "[Service]" && key.trim() == "WatchdogSec" => {
                values.push(value.trim().to_owned());
            }
            _ => {}
        }
    }
    values
}

/// A time span in milliseconds, 0 for none (man 7 systemd.time); an empty one is refused
/// (`parse_time`, <https://github.com/systemd/systemd/blob/v252/src/basic/time-util.c>).
fn span(text: &str) -> Option<i64> {
    if text == "infinity" {
        return Some(0);
    }
    let mut millis = None;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let after = after.trim_start();
        let (unit, after) =
            after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let factor = match unit {
            "" | "s" | "sec" => 1000,
            "ms" => 1,
            "min" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        millis = Some(millis.unwrap_or(0) + number.parse::<i64>().ok()?.checked_mul(factor)?);
        rest = after.trim_start();
    }
    millis
}

#[test]
fn spans_as_systemd_reads_them() {
    for (text, expected) in [
        ("3min", Some(180_000)),
        ("1h 30s", Some(3_630_000)),
        ("infinity", Some(0)),
        ("", None),
        ("soon", None),
    ] {
        assert_eq!(span(text), expected, "{text}");
    }
}
