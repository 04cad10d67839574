//! Timers that daemons hold: systemd's watchdogs, the backup daemon.

use std::collections::BTreeMap;

use crate::facts::{Gap, WATCHED, Watchdog};
use crate::formats::unit;
use crate::marker::BASE_NAME;
use crate::root::{Dir, Kind, Result, Root};

use super::noted;

/// Highest first (man 5 systemd.unit); the last is the fourth on a merged `/usr`.
const UNITS: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

/// How drop-ins' names end.
const CONF: &str = ".conf";

/// Watchdogs of the services that are installed.
pub fn read_watchdogs(root: &Root, gaps: &mut Vec<Gap>) -> Vec<Watchdog> {
    let merged = matches!(root.read_link("lib"), Ok(Some(_)));
    let tops = UNITS.iter().take(UNITS.len() - usize::from(merged));
    let dirs: Vec<Dir<'_>> =
        tops.filter_map(|top| noted(gaps, "watchdogs", top, root.dir(top)).into_value()).collect();
    let read = |unit: &&str| match read_watchdog(root, &dirs, unit) {
        Ok(found) => found,
        Err(error) => {
            gaps.push(Gap::new("watchdogs", unit, error.reason()));
            None
        }
    };
    WATCHED.iter().filter_map(read).collect()
}

fn read_watchdog(root: &Root, dirs: &[Dir<'_>], unit: &str) -> Result<Option<Watchdog>> {
    let mut found = None;
    for dir in dirs {
        if let Some(kind) = dir.kind(unit)? {
            found = Some((dir, kind));
            break;
        }
    }
    let Some((dir, kind)) = found else { return Ok(None) };
    let path = format!("{}/{unit}", dir.path());
    // A masked unit is a link to /dev/null, which is no regular file.
    let masked =
        kind == Kind::Link && dir.read_link(unit)?.is_some_and(|target| target.ends_with("/dev/null"));
    let Some(text) = (if masked { None } else { root.read_text(&path)? }) else { return Ok(None) };
    let mut watchdog = Watchdog { unit: unit.to_owned(), seconds: 0, with_ours: 0, path: path.clone() };
    take(&mut watchdog, &path, &text);
    for (path, text) in drop_ins(root, dirs, unit)? {
        take(&mut watchdog, &path, &text);
    }
    Ok(Some(watchdog))
}

/// The drop-ins of a unit in systemd's order: by name, of equal names the highest directory's.
fn drop_ins(root: &Root, dirs: &[Dir<'_>], unit: &str) -> Result<Vec<(String, String)>> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for dir in dirs {
        let Some(below) = dir.dir(&format!("{unit}.d"))? else { continue };
        for entry in below.entries()?.into_iter().filter(|entry| entry.name.ends_with(CONF)) {
            files.entry(entry.name.clone()).or_insert(format!("{}/{}", below.path(), entry.name));
        }
    }
    let mut texts = Vec::new();
    for path in files.into_values() {
        let masked = root.read_link(&path)?.is_some_and(|target| target.ends_with("/dev/null"));
        if masked {
            continue;
        }
        texts.extend(root.read_text(&path)?.map(|text| (path, text)));
    }
    Ok(texts)
}

/// What one file says counts over the files before it.
fn take(watchdog: &mut Watchdog, path: &str, text: &str) {
    for value in unit::scan(text, "Service", "WatchdogSec") {
        let Some(seconds) = unit::seconds(&value) else { continue };
        watchdog.with_ours = seconds;
        if !is_ours(path) {
            watchdog.seconds = seconds;
            path.clone_into(&mut watchdog.path);
        }
    }
}

fn is_ours(path: &str) -> bool {
    path.ends_with(&format!("/{BASE_NAME}.conf"))
}

/// Where distributions put the daemon that freezes file systems for the host's backup.
const VSS_DAEMONS: &[&str] =
    &["usr/sbin/hv_vss_daemon", "usr/sbin/hypervvssd", "usr/lib/hyper-v/bin/hv_vss_daemon"];

/// Whether that daemon is installed.
pub fn read_vss_daemon(root: &Root, gaps: &mut Vec<Gap>) -> bool {
    VSS_DAEMONS.iter().any(|path| noted(gaps, "vss", path, root.kind(path)).value().is_some())
}

/// Where the Azure agent keeps its extensions.
const EXTENSIONS: &str = "var/lib/waagent";
/// In the name of the extension by which Azure Backup freezes every file system; a publisher stands
/// before it and a version behind it
/// (<https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup>).
const SNAPSHOT: &str = "VMSnapshotLinux";

/// Whether that extension is there.
pub fn read_snapshot_extension(root: &Root, gaps: &mut Vec<Gap>) -> bool {
    let listed = noted(gaps, "vss", EXTENSIONS, root.list(EXTENSIONS)).into_value();
    listed.into_iter().flatten().any(|entry| entry.kind == Kind::Dir && entry.name.contains(SNAPSHOT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::laid_out;

    #[test]
    fn units_and_drop_ins_lie_over_each_other() {
        let service = |watchdog: &str| format!("[Service]\nWatchdogSec={watchdog}\n");
        let journald = "usr/lib/systemd/system/systemd-journald.service";
        let (_dir, root) = laid_out(&[
            ("lib", "-> usr/lib"),
            (journald, &service("3min")),
            (&format!("{journald}.d/50-a.conf"), &service("4min")),
            ("etc/systemd/system/systemd-journald.service.d/50-a.conf", &service("5min")),
            ("etc/systemd/system/systemd-journald.service.d/90-hvtune.conf", &service("360")),
            ("usr/lib/systemd/system/systemd-udevd.service", &service("3min")),
            ("etc/systemd/system/systemd-udevd.service", &service("1min")),
            ("usr/lib/systemd/system/systemd-logind.service", &service("3min")),
            ("etc/systemd/system/systemd-logind.service", "-> /dev/null"),
            ("usr/lib/systemd/system/systemd-resolved.service", "[Service]\nExecStart=/x\n"),
        ]);
        let mut gaps = Vec::new();
        let found: Vec<String> = read_watchdogs(&root, &mut gaps)
            .iter()
            .map(|w| format!("{} {} {} {}", w.unit, w.seconds, w.with_ours, w.path))
            .collect();
        assert_eq!(
            found,
            [
                "systemd-journald.service 300 360 etc/systemd/system/systemd-journald.service.d/50-a.conf",
                "systemd-udevd.service 60 60 etc/systemd/system/systemd-udevd.service",
                "systemd-resolved.service 0 0 usr/lib/systemd/system/systemd-resolved.service",
            ]
        );
        assert_eq!(gaps, []);
    }

    #[test]
    fn the_extension_that_freezes_is_found_by_its_directory() {
        let found = |path: &str| {
            let (_dir, root) = laid_out(&[(path, "")]);
            read_snapshot_extension(&root, &mut Vec::new())
        };
        let publisher = "Microsoft.Azure.RecoveryServices";
        assert!(found(&format!(
            "var/lib/waagent/{publisher}.VMSnapshotLinux-1.0.9246.0/HandlerManifest.json"
        )));
        assert!(!found(&format!("var/lib/waagent/{publisher}.VMSnapshotLinux__1.0.9246.0.zip")));
        assert!(!found("var/lib/waagent/Microsoft.Azure.Monitor.AzureMonitorLinuxAgent-1.33.4/x"));
    }
}
