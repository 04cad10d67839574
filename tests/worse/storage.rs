//! open-iscsi's settings and multipath's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::limits::{FOREVER, Limit, Limits, longer};

/// Whether a number stands for ever.
type IsForever = fn(i64) -> bool;

const KEYS: &[(&str, IsForever)] = &[
    ("node.session.timeo.replacement_timeout", |number| number < 0),
    ("node.conn[0].timeo.noop_out_interval", |number| number == 0),
    ("node.conn[0].timeo.noop_out_timeout", |number| number == 0),
    ("node.session.initial_login_retry_max", |_| false),
];

/// Every timer of iscsid.conf and of every node record.
pub(crate) fn iscsi(root: &Path) -> Limits {
    let mut files = vec![root.join("etc/iscsi/iscsid.conf")];
    for nodes in ["etc/iscsi/nodes", "var/lib/iscsi/nodes"] {
        walk(&root.join(nodes), &mut files);
    }
    let mut limits = Limits::new();
    for path in files {
        let Ok(bytes) = fs::read(&path) else { continue };
        let shown = path.strip_prefix(root).unwrap().display();
        for (key, number) in settings(&bytes) {
            if let Some((_, is_forever)) = KEYS.iter().find(|(name, _)| *name == key) {
                limits.insert(format!("{key} in {shown}"), longer(number, is_forever(number)));
            }
        }
    }
    limits
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

/// `key = number`, the last of a key; what follows the number is passed over. A key without a blank behind it
/// is none, and a last line without its end is not read: `iscsiadm` 2.1.8 and 2.1.11 take neither
/// (`idbm_recinfo_config`, <https://github.com/open-iscsi/open-iscsi/blob/master/usr/idbm.c>).
fn settings(bytes: &[u8]) -> BTreeMap<String, i64> {
    let text = String::from_utf8_lossy(bytes);
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let lines = whole.map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('=')).filter(|(key, _)| key.ends_with([' ', '\t']));
    pairs.filter_map(|(key, value)| Some((key.trim().to_owned(), leading(value.trim())?))).collect()
}

fn leading(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse::<i64>().ok().map(|number| sign * number)
}

/// What `no_path_retry` comes to for a map whose array has no entry of its own, once as if no `device`
/// of the files took it and once as if each did; a map's own `multipaths` entry is left out, as it
/// outranks all others
/// (`select_no_path_retry`, <https://github.com/opensvc/multipath-tools/blob/master/libmultipath/propsel.c>).
pub(crate) fn multipath(root: &Path) -> Limits {
    let Some(entries) = entries(root) else { return Limits::new() };
    let one = |taken: bool| {
        let sections = ["overrides", "devices", "defaults"];
        let sections = sections.iter().filter(|section| taken || **section != "devices");
        let last = |section: &str, key: &str| {
            let all = entries.iter().filter(|entry| entry.section == section && entry.key == key);
            all.filter_map(|entry| value(key, &entry.value)).next_back()
        };
        let first = |key: &str| sections.clone().find_map(|section| last(section, key));
        // Without the key, the older word in `features` counts.
        first("no_path_retry").or_else(|| first("features")).unwrap_or((0, "fail".to_owned()))
    };
    let limit = |(rank, shown)| Limit { rank, shown };
    Limits::from([
        ("no_path_retry of an array that no device entry takes".to_owned(), limit(one(false))),
        ("no_path_retry of an array that the device entries take".to_owned(), limit(one(true))),
    ])
}

fn value(key: &str, text: &str) -> Option<(i128, String)> {
    let rank = match (key, text) {
        ("features", text) if text.contains("queue_if_no_path") => FOREVER,
        ("features", _) => return None,
        (_, "fail") => 0,
        (_, "queue") => FOREVER,
        (_, number) => number.parse().ok()?,
    };
    Some((rank, format!("{key} {text}")))
}

#[derive(Debug)]
struct Entry {
    section: String,
    key: String,
    value: String,
}

/// The entries of multipath.conf and of conf.d by name; `None` where one of them cannot be read.
fn entries(root: &Path) -> Option<Vec<Entry>> {
    if !root.join("usr/sbin/multipathd").exists() {
        return None;
    }
    let mut paths = vec![root.join("etc/multipath.conf")];
    if let Ok(dir) = fs::read_dir(root.join("etc/multipath/conf.d")) {
        let mut more: Vec<PathBuf> = dir.map(|entry| entry.unwrap().path()).collect();
        more.retain(|path| path.extension().is_some_and(|ending| ending == "conf"));
        more.sort();
        paths.extend(more);
    }
    paths.retain(|path| fs::symlink_metadata(path).is_ok());
    let mut entries = Vec::new();
    for path in paths {
        let bytes = fs::read(path).ok()?;
        scan(&String::from_utf8_lossy(&bytes), &mut entries);
    }
    Some(entries)
}

/// One entry or brace a line, as [`crate::writers`] makes them; a comment begins with `#` or `!`.
fn scan(text: &str, entries: &mut Vec<Entry>) {
    let mut open: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split(['#', '!']).next().unwrap_or_default().trim();
        if let Some(name) = line.strip_suffix('{') {
            open.push(name.trim().to_owned());
        } else if line == "}" {
            open.pop();
        } else if let (Some(section), Some((key, value))) =
            (open.first(), line.split_once(char::is_whitespace))
        {
            let (section, key) = (section.clone(), key.to_owned());
            entries.push(Entry { section, key, value: value.trim().trim_matches('"').to_owned() });
        }
    }
}
