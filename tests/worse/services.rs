//! systemd's watchdogs, by units and drop-ins.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hvtune::facts::WATCHED;

use crate::limits::{FOREVER, Limit, Limits, by_name, systemd, tops};

pub(crate) fn read(root: &Path) -> Limits {
    // What lies below /run is gone at the next boot.
    let mut tops = tops(root, "systemd/system");
    tops.retain(|top| !top.starts_with(root.join("run")));
    let limit = |unit: &&str| Some((format!("WatchdogSec of {unit}"), of_unit(&tops, unit)?));
    let mut limits: Limits = WATCHED.iter().filter_map(limit).collect();
    limits.extend(waits(root, &tops));
    limits
}

/// How long systemd waits for what starts, for a device, and initramfs-tools for root: of the files alone.
fn waits(root: &Path, units: &[PathBuf]) -> Limits {
    let mut limits = Limits::new();
    let rank = |millis: i64| if millis == 0 { FOREVER } else { millis.into() };
    let mut put = |knob: &str, millis: i64| {
        limits.insert(knob.to_owned(), Limit { rank: rank(millis), shown: format!("{millis} ms") });
    };
    let mut tops: Vec<PathBuf> = tops(root, "systemd");
    tops.retain(|top| !top.starts_with(root.join("run")) && !top.starts_with(root.join("lib")));
    let manager = tops.iter().map(|top| top.join("system.conf")).find(|path| path.exists());
    let dirs: Vec<PathBuf> = tops.iter().map(|top| top.join("system.conf.d")).collect();
    let devices: Vec<PathBuf> = units.iter().map(|top| top.join("dev-.device.d")).collect();
    let (Some(settings), Some(devices)) = (by_name(&dirs, ".conf"), by_name(&devices, ".conf")) else {
        return limits;
    };
    let Ok(first) = manager.map_or(Ok(Vec::new()), fs::read) else { return limits };
    let last = |texts: &[&Vec<u8>], section: &str, key: &str| {
        let texts = texts.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        texts.flat_map(|text| said(&text, section, key)).filter_map(|value| span(&value)).next_back()
    };
    let texts: Vec<&Vec<u8>> = std::iter::once(&first).chain(settings.values()).collect();
    let start = last(&texts, "[Manager]", "DefaultTimeoutStartSec").unwrap_or(90_000);
    put("DefaultTimeoutStartSec", start);
    // Until 252 there is no setting of its own.
    let own = match systemd(root) {
        // Unlike the others, 0 is no time at all here (systemd 252 src/core/main.c, parse_config_file).
        Some(252..) => {
            let texts = texts.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            let lines = texts.flat_map(|text| said(&text, "[Manager]", "DefaultDeviceTimeoutSec"));
            let mut spans = lines.filter_map(|value| {
                let millis = span(&value)?;
                Some(if millis == 0 && value != "infinity" { 1 } else { millis })
            });
            spans.next_back().unwrap_or(90_000)
        }
        _ => start,
    };
    // Devices that are no disks.
    let others: Vec<PathBuf> = units.iter().map(|top| top.join("sys-.device.d")).collect();
    if let Some(others) = by_name(&others, ".conf") {
        let texts: Vec<&Vec<u8>> = others.values().collect();
        put("the wait for other devices", last(&texts, "[Unit]", "JobRunningTimeoutSec").unwrap_or(own));
    }
    let texts: Vec<&Vec<u8>> = devices.values().collect();
    if let Some(said) = last(&texts, "[Unit]", "JobRunningTimeoutSec") {
        put("the wait for a device, said", said);
    } else if own != 90_000 {
        put("the wait for a device, said", own);
    }
    if root.join("usr/sbin/update-initramfs").exists()
        && let Some(args) = crate::boot::arguments(root)
    {
        let mut argument = args.iter().filter_map(|arg| arg.strip_prefix("rootdelay=")?.parse::<i64>().ok());
        let script = ["etc", "usr/share"].into_iter().filter_map(|top| {
            let path = root.join(top).join("initramfs-tools/scripts/init-premount/90-hvtune");
            let text = fs::read_to_string(path).ok()?;
            text.split_once(" -ge ")?.1.split(' ').next()?.parse::<i64>().ok()
        });
        let longest = argument.next_back().into_iter().chain(script).max().unwrap_or(30).max(30);
        put("ROOTDELAY", longest * 1000);
    }
    limits
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
    said(text, "[Service]", "WatchdogSec")
}

/// The values of a key in a section, in order.
fn said(text: &str, within: &str, wanted: &str) -> Vec<String> {
    let (mut values, mut section) = (Vec::new(), "");
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        match line.split_once('=') {
            _ if line.starts_with('[') => section = line,
            Some((key, value)) if section == within && key.trim() == wanted => {
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
