//! Timers that daemons hold: systemd's watchdogs, the backup daemon.

use crate::facts::{Attribute, Gap, Unit, UnitFile, WATCHED, Watchdog};
use crate::formats::unit;
use crate::root::{Kind, Root};

use super::noted;

/// Watchdogs of the services that are installed, as they are now.
pub fn watchdogs(units: &[Unit]) -> Vec<Watchdog> {
    let watched = units.iter().filter(|unit| WATCHED.contains(&unit.name.as_str()));
    watched.filter_map(watchdog).collect()
}

fn watchdog(unit: &Unit) -> Option<Watchdog> {
    let fragment = unit.fragment.as_ref()?;
    let (name, path) = (unit.name.clone(), fragment.path.clone());
    let mut watchdog = Watchdog { unit: name, seconds: 0, with_ours: 0, path };
    take(&mut watchdog, fragment);
    for drop_in in unit.drop_ins.iter().filter(|drop_in| drop_in.replaced_by.is_none()) {
        take(&mut watchdog, &drop_in.file);
    }
    Some(watchdog)
}

/// What one file says counts over the files before it.
fn take(watchdog: &mut Watchdog, file: &UnitFile) {
    for line in file.lines.iter().filter(|line| line.section == "Service" && line.key == "WatchdogSec") {
        let Some(seconds) = unit::seconds(&line.value) else { continue };
        watchdog.with_ours = seconds;
        if !file.ours {
            watchdog.seconds = seconds;
            file.path.clone_into(&mut watchdog.path);
        }
    }
}

/// What a node of a cluster has: corosync (Pacemaker, SBD), cman, OCFS2's own stack.
const CLUSTERS: &[&str] =
    &["etc/corosync/corosync.conf", "etc/cluster/cluster.conf", "etc/ocfs2/cluster.conf"];

/// Which of these is there.
pub fn read_cluster(root: &Root, gaps: &mut Vec<Gap>) -> Attribute<String> {
    let mut found = Attribute::Absent;
    for path in CLUSTERS {
        match noted(gaps, "cluster", path, root.kind(path)) {
            Attribute::Is(_) => return Attribute::Is((*path).to_owned()),
            Attribute::Unknown => found = Attribute::Unknown,
            Attribute::Absent => {}
        }
    }
    found
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
        let marked = |body: &str| format!("{}{body}", crate::marker::marker_line(body.as_bytes()));
        let journald = "usr/lib/systemd/system/systemd-journald.service";
        let (_dir, root) = laid_out(&[
            ("lib", "-> usr/lib"),
            (journald, &service("3min")),
            (&format!("{journald}.d/50-a.conf"), &service("4min")),
            ("etc/systemd/system/systemd-journald.service.d/50-a.conf", &service("5min")),
            ("etc/systemd/system/systemd-journald.service.d/90-hvtune.conf", &marked(&service("360"))),
            ("usr/lib/systemd/system/systemd-udevd.service", &service("3min")),
            ("etc/systemd/system/systemd-udevd.service", &service("1min")),
            ("usr/lib/systemd/system/systemd-logind.service", &service("3min")),
            ("etc/systemd/system/systemd-logind.service", "-> /dev/null"),
            ("usr/lib/systemd/system/systemd-resolved.service", "[Service]\nExecStart=/x\n"),
            ("usr/lib/systemd/system/systemd-networkd.service", &service("3min")),
            ("usr/lib/systemd/system/systemd-networkd.service.d/90-hvtune.conf", &marked(&service("360"))),
            ("etc/systemd/system/systemd-networkd.service.d/90-hvtune.conf", "-> /dev/null"),
        ]);
        let mut gaps = Vec::new();
        let units = super::super::units::read(&root, WATCHED, &mut gaps);
        let found: Vec<String> = watchdogs(&units)
            .iter()
            .map(|w| format!("{} {} {} {}", w.unit, w.seconds, w.with_ours, w.path))
            .collect();
        assert_eq!(
            found,
            [
                "systemd-journald.service 300 360 etc/systemd/system/systemd-journald.service.d/50-a.conf",
                "systemd-udevd.service 60 60 etc/systemd/system/systemd-udevd.service",
                // Ours is masked.
                "systemd-networkd.service 180 180 usr/lib/systemd/system/systemd-networkd.service",
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
