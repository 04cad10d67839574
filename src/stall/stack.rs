//! From a mount down to the host, and what is said of the file system on top.

use super::errors;
use super::fate::{Fate, Span, Timer};
use super::given_up::aborted;
use super::kernel;
use super::layers;
use super::resumes;
use super::view::View;
use super::{Prospect, Standing, Trouble};
use crate::facts::{Attribute, Class, Disk, Mount, Role};

/// Every writable mount on storage, then every swap on storage, in three states.
pub(super) fn standings(views: [View<'_>; 3]) -> Vec<Standing> {
    let now = views[0];
    let mounts = now.machine.mounts.iter().filter(|mount| !mount.read_only).map(|mount| {
        let mut stack = vec![mount.fstype.clone()];
        stack.extend(mount.device.iter().filter(|device| Some(*device) != mount.disk.as_ref()).cloned());
        let below = Below { disks: mount.disks().collect(), all: mount.others.is_some() };
        let mut standing = standing(views, &mount.point, &mount.fstype, &below, stack, aborted(mount));
        standing.follows = follows(&mount.fstype, &mount.options, now);
        standing.notes = notes(mount, now);
        standing
    });
    let memory = |name: &str| now.disk(name).is_some_and(|disk| disk.class == Class::Zram);
    let swaps =
        now.machine.swaps.iter().filter(|swap| !swap.disk.as_deref().is_some_and(memory)).map(|swap| {
            let stack = vec!["swap".to_owned()];
            let below = Below { disks: swap.disks().collect(), all: swap.others.is_some() };
            standing(views, &swap.path, "swap", &below, stack, None)
        });
    mounts.chain(swaps).collect()
}

/// What a mount or swap stands on.
struct Below<'a> {
    /// The known disks and maps.
    disks: Vec<&'a str>,
    /// Whether these are all of them.
    all: bool,
}

fn standing<'a>(
    views: [View<'a>; 3],
    mount: &str,
    fstype: &str,
    below: &Below<'a>,
    mut stack: Vec<String>,
    aborted: Option<&str>,
) -> Standing {
    let mut disks = Vec::new();
    storeys(views[0], below.disks.clone(), &mut stack, &mut disks);
    let prospects = Trouble::ALL.into_iter().filter_map(|trouble| {
        let mut fates = [None, None, None];
        for ((fate, view), booted) in fates.iter_mut().zip(views).zip([false, false, true]) {
            // A file system that gave up is given back by the next boot, if fsck can.
            let aborted = aborted.filter(|_| !booted);
            *fate = Some(one_fate(view, below, mount, trouble, aborted)?);
        }
        let [Some(now), Some(after_apply), Some(after_reboot)] = fates else { return None };
        Some(Prospect { trouble, now, after_apply, after_reboot })
    });
    let uncured = below.disks.iter().find_map(|disk| errors::uncured(views[2], disk, 0));
    Standing {
        mount: mount.to_owned(),
        fstype: fstype.to_owned(),
        prospects: prospects.collect(),
        uncured,
        stack,
        disks,
        follows: follows(fstype, &[], views[0]),
        notes: Vec::new(),
        short: None,
    }
}

fn one_fate(
    view: View<'_>,
    below: &Below<'_>,
    mount: &str,
    trouble: Trouble,
    aborted: Option<&str>,
) -> Option<Fate> {
    let unknown = match (below.disks.is_empty(), below.all) {
        (true, _) => Some(format!("the disk below {mount}")),
        (false, false) => Some(format!("the other disks below {mount}")),
        (false, true) => None,
    };
    // Of paths and units that nobody knows to be there nothing is said.
    let unknown = unknown.filter(|_| !matches!(trouble, Trouble::PathLoss | Trouble::Unit));
    let unknown = unknown.map(|fact| Fate::at_least(0, fact));
    // A file system over several disks lives as long as the first of them, whatever its profile: that one
    // of them may be missing is not taken for granted.
    let fates = below.disks.iter().filter_map(|disk| layers::fate(view, disk, trouble));
    let resumes = resumes::within(view, &below.disks, trouble).filter(|_| below.all);
    let below = fates.chain(unknown).reduce(Fate::or_sooner)?;
    // What has given up already does not go on.
    let below = Fate { resumes_within: resumes.filter(|_| below.at > Span::Seconds(0)), ..below };
    if let Some(option) = aborted {
        let timer = Timer {
            layer: mount.to_owned(),
            knob: "mount option".to_owned(),
            value: option.to_owned(),
            fires: Span::Seconds(0),
            then: "the file system has given up already".to_owned(),
        };
        return Some(Fate::ends(vec![timer]).or_sooner(below));
    }
    // Where an error is handed up before, no task waits.
    match kernel::panic(view).filter(|panic| !trouble.is_errors() || panic.at < below.at) {
        Some(panic) => Some(below.or_sooner(panic)),
        None => Some(below),
    }
}

/// Adds one line per storey: `vg-root (lvm)`, `sda + sdb`, `VMBus SCSI`.
fn storeys<'a>(view: View<'a>, mut level: Vec<&'a str>, stack: &mut Vec<String>, disks: &mut Vec<String>) {
    while !level.is_empty() {
        let mut below: Vec<&str> = Vec::new();
        let mut labels = Vec::new();
        let mut hosts: Vec<String> = Vec::new();
        for name in level {
            // A ring of maps ends where it closes.
            if disks.iter().any(|met| met == name) {
                continue;
            }
            disks.push(name.to_owned());
            let Some(disk) = view.disk(name) else {
                labels.push(name.to_owned());
                continue;
            };
            labels.push(label(view, disk));
            hosts.extend(host(disk).filter(|host| !hosts.contains(host)));
            for slave in disk.slaves.iter().map(String::as_str) {
                if !below.contains(&slave) {
                    below.push(slave);
                }
            }
        }
        if !labels.is_empty() {
            stack.push(labels.join(" + "));
        }
        if !hosts.is_empty() {
            stack.push(hosts.join(" + "));
        }
        level = below;
    }
}

fn label(view: View<'_>, disk: &Disk) -> String {
    let timers = view.machine.timers.as_ref();
    let name = timers.and_then(|timers| timers.maps.get(&disk.name)).unwrap_or(&disk.name);
    let level = timers.and_then(|timers| timers.levels.get(&disk.name)).and_then(Attribute::value);
    match (&disk.class, level) {
        (Class::Md, Some(level)) => format!("{name} ({level})"),
        (Class::Lvm | Class::Crypt | Class::Multipath { .. } | Class::Md | Class::Loop, _) => {
            format!("{name} ({})", disk.class.name())
        }
        _ => name.clone(),
    }
}

/// Where a disk that stands on no other hangs.
fn host(disk: &Disk) -> Option<String> {
    Some(match &disk.class {
        Class::StorvscScsi => "VMBus SCSI".to_owned(),
        Class::StorvscIde => "VMBus IDE".to_owned(),
        Class::StorvscFc => "VMBus Fibre Channel".to_owned(),
        Class::Iscsi { session } => format!("iSCSI {session}"),
        Class::NvmeAzureRemote => "Azure NVMe, remote".to_owned(),
        Class::NvmeAzureLocal => "Azure NVMe, local".to_owned(),
        Class::Nvme if disk.slaves.is_empty() => "NVMe".to_owned(),
        Class::Virtio => "virtio".to_owned(),
        _ => return None,
    })
}

/// Whether a file system panics the kernel where I/O fails (`errors=panic` of ext4's options).
pub fn panics_on_errors(fstype: &str, options: &[String]) -> bool {
    matches!(fstype, "ext2" | "ext3" | "ext4") && options.iter().any(|option| option == "errors=panic")
}

/// What follows when I/O fails
/// (<https://docs.kernel.org/admin-guide/ext4.html>, errors=;
/// <https://docs.kernel.org/admin-guide/xfs.html>, error handling).
fn follows(fstype: &str, options: &[String], view: View<'_>) -> String {
    if panics_on_errors(fstype, options) {
        return format!("ext4 panics the kernel, which {}", kernel::after_panic(view));
    }
    let text = match fstype {
        "ext2" | "ext3" | "ext4" => "ext4 aborts its journal; no write succeeds until fsck",
        "xfs" => "XFS shuts down at the first failed log write; unmount and mount again",
        "btrfs" => "btrfs aborts the transaction and goes read-only",
        "vfat" => "FAT goes read-only",
        "swap" => "whatever needs a page from it is killed",
        _ => "I/O errors reach programs",
    };
    text.to_owned()
}

fn notes(mount: &Mount, view: View<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let policy = mount.device.as_ref().and_then(|device| view.machine.timers.as_ref()?.errors.get(device));
    if let Some(errors) = policy.and_then(|policy| policy.ext4_errors.value()).filter(|errors| **errors > 0) {
        notes.push(format!(
            "ext4 has recorded {errors} errors since the last fsck, so it may have given up already"
        ));
    }
    let limit = |value: Option<&i64>| value.is_some_and(|value| *value >= 0);
    if policy.is_some_and(|p| limit(p.xfs_retries.value()) || limit(p.xfs_retry_seconds.value())) {
        notes.push(
            "XFS is told to give up on metadata (error/metadata/default), so it shuts down sooner".to_owned(),
        );
    }
    let has = |role| mount.disks().filter_map(|name| view.disk(name)).any(|disk| disk.roles.contains(&role));
    if has(Role::PerhapsTemporary) {
        notes.push("could not tell whether it is on Azure's temporary disk".to_owned());
    }
    if has(Role::AzureTemporary) {
        notes.push("Azure's temporary disk: local to the host and lost with it".to_owned());
    }
    notes
}
