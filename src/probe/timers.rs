//! Timers below mounts and swap that only `survive` looks at: reading them of every
//! disk would cost each other command what they never use.

use std::collections::BTreeSet;

use crate::facts::{
    Attribute, Class, Disk, ErrorPolicy, Facts, Gap, Machine, Mount, ScsiTimers, Swap, Timers,
};
use crate::root::Root;

use super::disks::find;
use super::noted;

/// Completes what was probed of a machine; nothing to do for one that was not looked at.
pub fn complete(machine: &Root, facts: &mut Facts) {
    if let Some(seen) = facts.machine.as_mut().filter(|machine| !machine.is_assumed()) {
        seen.timers = Some(read(machine, seen, &mut facts.gaps));
    }
}

/// The timers of every device below a mount or swap.
pub(super) fn read(root: &Root, machine: &Machine, gaps: &mut Vec<Gap>) -> Timers {
    let mut timers = Timers::default();
    let disks = machine.disks.as_deref().unwrap_or_default();
    for disk in below(disks, machine) {
        read_disk(root, disk, &mut timers, gaps);
    }
    // Of one that is read-only, too: that may be what came of an error.
    for (fstype, device) in
        machine.mounts.iter().filter_map(|mount| Some((&mount.fstype, mount.device.as_ref()?)))
    {
        if !timers.errors.contains_key(device) {
            timers.errors.insert(device.clone(), read_policy(root, fstype, device, gaps));
        }
    }
    timers
}

/// Every disk below a mount or swap, in order of name.
fn below<'a>(disks: &'a [Disk], machine: &Machine) -> Vec<&'a Disk> {
    let mounts = machine.mounts.iter().flat_map(Mount::disks);
    let mut open: Vec<&str> = mounts.chain(machine.swaps.iter().flat_map(Swap::disks)).collect();
    let mut met = BTreeSet::new();
    while let Some(at) = open.pop().and_then(|name| find(disks, name)) {
        if met.insert(at) {
            open.extend(disks.get(at).iter().flat_map(|disk| disk.slaves.iter().map(String::as_str)));
        }
    }
    met.into_iter().filter_map(|at| disks.get(at)).collect()
}

fn read_disk(root: &Root, disk: &Disk, timers: &mut Timers, gaps: &mut Vec<Gap>) {
    let (below, files) = match (&disk.hctl, disk.name.starts_with("dm-"), disk.class == Class::Md) {
        (Some(_), _, _) => (disk.path.rsplit_once("/block/").map(|(device, _)| device), "state"),
        (None, true, _) => (Some(disk.path.as_str()), "dm/name"),
        (None, _, true) => (Some(disk.path.as_str()), "md/level"),
        _ => return,
    };
    let Some(path) = below else { return };
    let fact = format!("disks.{}", disk.name);
    let Some(dir) = noted(gaps, &fact, path, root.dir(path)).into_value() else { return };
    let mut text = |file: &str| {
        let name = file.rsplit('/').next().unwrap_or(file);
        noted(gaps, &format!("{fact}.{name}"), &format!("{path}/{file}"), dir.read_text(file))
    };
    let first = text(files);
    match files {
        "dm/name" => {
            let name = first.into_value().map(|name| super::printable(&name));
            timers.maps.extend(name.map(|name| (disk.name.clone(), name)));
        }
        "md/level" => drop(timers.levels.insert(disk.name.clone(), first)),
        _ => {
            let mut scsi = ScsiTimers { state: first, ..ScsiTimers::default() };
            // Error handling never runs on a disk whose driver re-arms its timer.
            if !disk.class.is_storvsc() {
                scsi.eh_timeout = parsed(text("eh_timeout"));
            }
            timers.scsi.insert(disk.name.clone(), scsi);
        }
    }
}

/// A number, where that is one: what is none tells nothing.
fn parsed<T: std::str::FromStr>(text: Attribute<String>) -> Attribute<T> {
    match text {
        Attribute::Is(text) => text.trim().parse().map_or(Attribute::Unknown, Attribute::Is),
        Attribute::Absent => Attribute::Absent,
        Attribute::Unknown => Attribute::Unknown,
    }
}

/// What ext4 and XFS say in sysfs
/// (<https://docs.kernel.org/admin-guide/xfs.html>, error handling;
/// <https://docs.kernel.org/admin-guide/ext4.html>, /sys entries).
fn read_policy(root: &Root, fstype: &str, device: &str, gaps: &mut Vec<Gap>) -> ErrorPolicy {
    let nothing = ErrorPolicy {
        ext4_errors: Attribute::Absent,
        xfs_retries: Attribute::Absent,
        xfs_retry_seconds: Attribute::Absent,
    };
    let path = match fstype {
        "ext2" | "ext3" | "ext4" => format!("sys/fs/ext4/{device}"),
        "xfs" => format!("sys/fs/xfs/{device}/error/metadata/default"),
        _ => return nothing,
    };
    let fact = format!("errors.{device}");
    let dir = match noted(gaps, &fact, &path, root.dir(&path)) {
        Attribute::Is(dir) => dir,
        Attribute::Absent => return nothing,
        Attribute::Unknown => return ErrorPolicy::default(),
    };
    let mut text = |file: &str| noted(gaps, &fact, &format!("{path}/{file}"), dir.read_text(file));
    if fstype == "xfs" {
        let (retries, seconds) = (text("max_retries"), text("retry_timeout_seconds"));
        return ErrorPolicy { xfs_retries: parsed(retries), xfs_retry_seconds: parsed(seconds), ..nothing };
    }
    ErrorPolicy { ext4_errors: parsed(text("errors_count")), ..nothing }
}
