//! Sysctl files of others, as systemd-sysctl and procps read them.

use crate::facts::{Gap, SysctlFile, SysctlFiles};
use crate::formats::bytes::decode;
use crate::formats::sysctl::read::{Line, key_of, read, read_procps};
use crate::root::Root;

use super::layers::{Found, Layers, Notes};
use super::reader::Reader;
use super::units;

const SYSCTLS: Layers = Layers { below: "sysctl.d", ending: ".conf", fact: "writers.sysctls" };

/// procps reads it after everything else, systemd-sysctl not at all.
pub(super) const SYSCTL_CONF: &str = "etc/sysctl.conf";

/// SUSE's drop-in that has systemd-sysctl read a file of the running kernel's first.
const PER_KERNEL: &str = "usr/lib/systemd/system/systemd-sysctl.service.d/50-kernel-uname_r.conf";

/// Sysctl keys that matter here; one that ends in `_` stands for all that begin so.
const KEYS: &[&str] = &[
    "vm.swappiness",
    "vm.dirty_",
    "kernel.hung_task_",
    "kernel.panic",
    "kernel.softlockup_panic",
    "kernel.watchdog_thresh",
];

/// Whether a key is one of those.
pub(super) fn is_watched(key: &str) -> bool {
    !key.contains(['*', '?', '['])
        && KEYS.iter().any(|known| key == *known || (known.ends_with('_') && key.starts_with(known)))
}

/// The files.
pub(super) fn read_all(reader: &mut Reader<'_>) -> SysctlFiles {
    let Reader { root, tops, listed, notes, gaps } = reader;
    let found = SYSCTLS.read(root, tops, notes, gaps);
    let conf = text_of(root, SYSCTL_CONF, notes, gaps);
    let layered = found.iter().map(|file| (file.path.as_str(), file.text.as_str()));
    SysctlFiles {
        layered: layered.clone().filter_map(|(path, text)| file(path, read(text))).collect(),
        procps: layered.filter_map(|(path, text)| file(path, read_procps(text))).collect(),
        per_kernel: per_kernel(root, notes, gaps),
        hidden_in_run: hidden_in_run(root, &found, notes, gaps),
        conf: conf.and_then(|text| file(SYSCTL_CONF, read_procps(&text))),
        service: units::fixed(root, listed, "systemd-sysctl.service"),
        systemd: units::version(root),
    }
}

/// A file's text, every byte kept.
fn text_of(root: &Root, path: &str, notes: &mut Notes, gaps: &mut Vec<Gap>) -> Option<String> {
    match root.read(path) {
        Ok(bytes) => bytes.map(|bytes| decode(&bytes)),
        Err(error) => {
            notes.unread(gaps, SYSCTLS.fact, SYSCTLS.below, path, &error);
            None
        }
    }
}

/// The files below /run whose names stand in /etc too.
fn hidden_in_run(root: &Root, found: &[Found], notes: &mut Notes, gaps: &mut Vec<Gap>) -> Vec<SysctlFile> {
    if !matches!(root.kind("run/sysctl.d"), Ok(Some(_))) {
        return Vec::new();
    }
    let names = found.iter().filter_map(|file| file.path.strip_prefix("etc/sysctl.d/"));
    let paths = names.map(|name| format!("run/sysctl.d/{name}"));
    paths.filter_map(|path| file(&path, read_procps(&text_of(root, &path, notes, gaps)?))).collect()
}

/// A file with the lines that may concern a key of ours: named, by a wildcard, or left out.
pub(super) fn file(path: &str, lines: Vec<Line>) -> Option<SysctlFile> {
    let lines: Vec<Line> =
        lines.into_iter().filter(|line| line.is_glob() || is_watched(&key_of(&line.key))).collect();
    (!lines.is_empty()).then(|| SysctlFile { path: path.to_owned(), lines })
}

fn per_kernel(root: &Root, notes: &mut Notes, gaps: &mut Vec<Gap>) -> Vec<SysctlFile> {
    let Some(text) = text_of(root, PER_KERNEL, notes, gaps) else { return Vec::new() };
    let mut paths = Vec::new();
    if text.contains("/boot/sysctl.conf-%v") {
        let entries = root.list("boot").ok().flatten().unwrap_or_default().into_iter();
        let names = entries.map(|entry| entry.name).filter(|name| name.starts_with("sysctl.conf-"));
        paths.extend(names.map(|name| format!("boot/{name}")));
    }
    if text.contains("/lib/modules/%v/sysctl.conf") {
        let entries = root.list("usr/lib/modules").ok().flatten().unwrap_or_default().into_iter();
        paths.extend(entries.map(|entry| format!("usr/lib/modules/{}/sysctl.conf", entry.name)));
    }
    let mut files = Vec::new();
    for path in paths {
        files.extend(text_of(root, &path, notes, gaps).and_then(|text| file(&path, read(&text))));
    }
    files
}
