//! systemd-sysctl at boot, then tuned.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hvtune::facts::Machine;

use crate::kernel::number;
use crate::limits::{Limit, Limits, by_name, longer, smaller, systemd, tops};

/// What is known of a key before and after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Default,
    Is(i64),
    Unsure,
}

/// Keys without a partner.
const ALONE: &[(&str, i64, i64)] = &[
    ("kernel/hung_task_timeout_secs", 0, 2_147_483),
    ("kernel/hung_task_warnings", -1, 2_147_483_647),
    ("kernel/hung_task_panic", 0, 1),
    ("kernel/panic", -2_147_483_648, 2_147_483_647),
    ("kernel/softlockup_panic", 0, 1),
    ("vm/swappiness", 0, 100),
];
const PAIRS: &[&str] =
    &["vm/dirty_bytes", "vm/dirty_ratio", "vm/dirty_background_bytes", "vm/dirty_background_ratio"];

/// The values as the kernel holds them.
#[derive(Debug)]
struct Values {
    alone: BTreeMap<&'static str, Known>,
    /// Bytes and percent, of the limit and of the background limit: writing one sets its partner to 0
    /// (`dirty_bytes_handler`, <https://github.com/torvalds/linux/blob/v6.12/mm/page-writeback.c>).
    dirty: [Option<(i64, i64)>; 2],
}

impl Values {
    fn new() -> Self {
        let alone = ALONE.iter().map(|(key, ..)| (*key, Known::Default)).collect();
        Self { alone, dirty: [Some((0, 20)), Some((0, 10))] }
    }

    /// One write; what the kernel refuses changes nothing.
    fn write(&mut self, key: &str, value: &[u8]) {
        let value = number(value);
        if let Some((key, low, high)) = ALONE.iter().find(|(name, ..)| *name == key) {
            match value {
                Some(value) if (*low..=*high).contains(&value) => self.alone.insert(key, Known::Is(value)),
                // Whether it is refused or cut depends on the kernel.
                Some(_) => self.alone.insert(key, Known::Unsure),
                None => None,
            };
        }
        let Some(at) = PAIRS.iter().position(|name| *name == key) else { return };
        let Some((bytes, percent)) = &mut self.dirty[at / 2] else { return };
        match (at % 2, value) {
            (0, Some(value)) if value >= 8192 && value != *bytes => (*bytes, *percent) = (value, 0),
            (1, Some(value)) if (0..=100).contains(&value) && value != *percent => {
                (*bytes, *percent) = (0, value);
            }
            _ => {}
        }
    }
}

/// One line: a value, or a name that globs are to leave out.
type Line = (String, Option<Vec<u8>>);

fn lines(bytes: &[u8], version: Option<u32>) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.is_empty() || line.starts_with(b"#") || line.starts_with(b";") {
            continue;
        }
        let (key, value) = match line.iter().position(|byte| *byte == b'=') {
            Some(at) => (&line[..at], Some(line[at + 1..].trim_ascii().to_vec())),
            None => (line, None),
        };
        let key = String::from_utf8_lossy(key.trim_ascii()).into_owned();
        // Since 243; before, it is part of a name that no key has.
        let (optional, key) = match key.strip_prefix('-') {
            Some(rest) if version.is_some() => (true, rest.to_owned()),
            _ => (false, key),
        };
        if value.is_some() || optional {
            lines.push((normal(&key), value));
        }
    }
    lines
}

/// Dots and slashes change places where a dot comes first.
fn normal(key: &str) -> String {
    match key.find(['.', '/']) {
        Some(at) if key[at..].starts_with('.') => key
            .chars()
            .map(|c| {
                if c == '.' {
                    '/'
                } else if c == '/' {
                    '.'
                } else {
                    c
                }
            })
            .collect(),
        _ => key.to_owned(),
    }
}

/// All lines to what is written in the end: a key keeps its place where it gets the value that it has.
fn merged(files: &BTreeMap<String, Vec<u8>>, version: Option<u32>) -> Vec<Line> {
    let mut merged: Vec<Line> = Vec::new();
    for (key, value) in files.values().flat_map(|bytes| lines(bytes, version)) {
        if let Some(at) = merged.iter().position(|(name, _)| *name == key) {
            if merged[at].1 == value {
                continue;
            }
            merged.remove(at);
        }
        merged.push((key, value));
    }
    merged
}

fn is_glob(key: &str) -> bool {
    key.contains(['*', '?', '['])
}

/// Shell patterns of the kinds that [`crate::writers`] makes: `*` and `?`, neither for a slash.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text)
                || text.split_first().is_some_and(|(c, after)| *c != b'/' && matches(pattern, after))
        }
        (Some((b'?', rest)), Some((c, after))) => *c != b'/' && matches(rest, after),
        (Some((one, rest)), Some((other, after))) => one == other && matches(rest, after),
        _ => false,
    }
}

fn at_boot(values: &mut Values, merged: &[Line], globs: bool) {
    let explicit = |key: &str| merged.iter().any(|(name, _)| name == key);
    for (key, value) in merged {
        let Some(value) = value else { continue };
        if !is_glob(key) {
            values.write(key, value);
            continue;
        }
        let known = ALONE.iter().map(|(name, ..)| *name).chain(PAIRS.iter().copied());
        for name in known.filter(|name| globs && matches(key.as_bytes(), name.as_bytes())) {
            if !explicit(name) {
                values.write(name, value);
            }
        }
    }
}

/// The [sysctl] section of tuned's profile, those that it includes first.
fn profile(root: &Path, name: &str, depth: usize) -> Vec<(String, String)> {
    let dirs = ["etc/tuned", "etc/tuned/profiles", "usr/lib/tuned", "usr/lib/tuned/profiles"];
    let mut texts = dirs.iter().map(|dir| fs::read_to_string(root.join(dir).join(name).join("tuned.conf")));
    let Some(text) = texts.find_map(Result::ok).filter(|_| depth < 8) else { return Vec::new() };
    let (mut set, mut section) = (Vec::new(), String::new());
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        match line.split_once('=') {
            _ if line.starts_with('[') => line.clone_into(&mut section),
            Some((key, value)) if section == "[main]" && key.trim() == "include" => {
                set.extend(profile(root, value.trim(), depth + 1));
            }
            Some((key, value)) if section == "[sysctl]" => {
                set.push((normal(key.trim()), value.trim().to_owned()));
            }
            _ => {}
        }
    }
    set
}

/// tuned writes its profile when it starts, then /run and /etc again
/// (`_apply_system_sysctl`, <https://github.com/redhat-performance/tuned/blob/master/tuned/plugins/plugin_sysctl.py>).
fn tuned(root: &Path, values: &mut Values) -> Option<()> {
    let Ok(active) = fs::read_to_string(root.join("etc/tuned/active_profile")) else { return Some(()) };
    if !root.join("usr/sbin/tuned").exists() {
        return Some(());
    }
    for (key, value) in active.split_whitespace().flat_map(|name| profile(root, name, 0)) {
        values.write(&key, value.as_bytes());
    }
    let again = by_name(&[root.join("run/sysctl.d"), root.join("etc/sysctl.d")], ".conf")?;
    for (key, value) in again.values().flat_map(|bytes| lines(bytes, None)) {
        // A key behind a dash is one that it does not find.
        values.write(&key, &value.unwrap_or_default());
    }
    let last = fs::read(root.join("etc/sysctl.conf")).unwrap_or_default();
    for (key, value) in lines(&last, None) {
        values.write(&key, &value.unwrap_or_default());
    }
    Some(())
}

pub(crate) fn read(root: &Path, machine: &Machine, args: Option<&[String]>) -> Limits {
    let version = systemd(root);
    let mut values = Values::new();
    // Kernels before 5.8 know no such argument.
    let knows = machine.kernel.as_ref().is_some_and(|kernel| kernel.at_least(5, 8));
    for arg in args.into_iter().flatten().filter(|_| knows) {
        if let Some((key, value)) = arg.strip_prefix("sysctl.").and_then(|arg| arg.split_once('=')) {
            values.write(&normal(key), value.as_bytes());
        }
    }
    let Some(files) = by_name(&tops(root, "sysctl.d"), ".conf") else { return Limits::new() };
    at_boot(&mut values, &merged(&files, version), version.is_some_and(|version| version >= 247));
    if tuned(root, &mut values).is_none() {
        return Limits::new();
    }
    let mut limits = Limits::new();
    for (key, value) in &values.alone {
        let Known::Is(value) = *value else { continue };
        let limit = match *key {
            "kernel/hung_task_timeout_secs" => longer(value, value == 0),
            "kernel/hung_task_warnings" => longer(value, value < 0),
            "vm/swappiness" => smaller(value.into()),
            _ => continue,
        };
        limits.insert(key.replace('/', "."), limit);
    }
    limits.extend(dirty(&values, machine));
    limits
}

/// The two limits in bytes (`domain_dirty_limits`); a background limit that is no lower than the limit
/// is halved.
fn dirty(values: &Values, machine: &Machine) -> Vec<(String, Limit)> {
    let (Some(memory), [Some(limit), Some(background)]) = (machine.memory, values.dirty) else {
        return Vec::new();
    };
    let effective = |(bytes, percent): (i64, i64)| match bytes {
        0 => i128::from(memory) * i128::from(percent) / 100,
        bytes => bytes.into(),
    };
    let limit = effective(limit);
    let background = if effective(background) >= limit { limit / 2 } else { effective(background) };
    vec![
        ("vm.dirty limit".to_owned(), smaller(limit)),
        ("vm.dirty background limit".to_owned(), smaller(background)),
    ]
}
