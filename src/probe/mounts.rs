//! Mounted file systems and swap, and the disks that they stand on.

mod devices;
pub(crate) mod parse;

use std::collections::BTreeMap;

use crate::facts::{Disk, Gap, Mount, ServedMount, Swap};
use crate::formats::fstab::is_served;
use crate::root::Root;

use super::noted;

use devices::Devices;
use parse::Line;

/// Thousands of mounts are normal on a container host, at some 200 bytes each.
const LIMIT: usize = 16 << 20;

/// The kernel takes no more swap areas than this (`MAX_SWAPFILES`,
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/swap.h>).
const MOST_SWAPS: usize = 32;

/// What is mounted, and active swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// What rests on a block device, and the root whatever it rests on.
    pub mounts: Vec<Mount>,
    /// What a server answers for.
    pub served: Vec<ServedMount>,
    /// Active swap.
    pub swaps: Vec<Swap>,
}

/// Reads all of it. `disks`: sorted by name; `None` where they could not be read, so
/// that nothing stands on a known one.
pub fn read(machine: &Root, disks: Option<&[Disk]>, gaps: &mut Vec<Gap>) -> Mounted {
    let text = read_text(machine, "proc/self/mountinfo", "mounts", gaps);
    let lines: Vec<Line<'_>> = text.lines().filter_map(parse::mount_line).collect();
    let odd = text.lines().count() - lines.len();
    if odd > 0 {
        let why = format!("lines that are not as the kernel documents them: {odd}");
        gaps.push(Gap::new("mounts", "proc/self/mountinfo", why));
    }
    let lines = uncovered(lines);
    let mut devices = Devices::new(machine, disks);
    let mounts =
        lines.iter().filter(|line| line.stands_on_storage()).map(|line| mount(line, &mut devices, gaps));
    let mut mounts: Vec<Mount> = mounts.collect();
    if let Some(root) = mounts.iter_mut().find(|mount| mount.point == "/") {
        complete(machine, root, gaps);
    }
    let served = lines.iter().filter(|line| is_served(line.fstype));
    let served = served
        .map(|line| ServedMount { point: line.point.to_string(), fstype: line.fstype.to_owned() })
        .collect();
    let text = read_text(machine, "proc/swaps", "swaps", gaps);
    let swaps = parse::swaps(&text).into_iter().take(MOST_SWAPS);
    let swaps = swaps.map(|area| swap(area, &lines, &mut devices, gaps)).collect();
    Mounted { mounts, served, swaps }
}

/// Adds what the root's superblock says of errors. Mount tables show the option only where it differs from
/// the superblock's, this file shows it always (`ext4_seq_options_show`,
/// <https://github.com/torvalds/linux/blob/v6.12/fs/ext4/super.c>).
fn complete(machine: &Root, root: &mut Mount, gaps: &mut Vec<Gap>) {
    let is_errors = |option: &str| option.starts_with("errors=");
    let Some(device) = root.device.as_ref().filter(|_| root.fstype.starts_with("ext")) else { return };
    if root.options.iter().any(|option| is_errors(option)) {
        return;
    }
    let path = format!("proc/fs/ext4/{device}/options");
    let text = noted(gaps, "mounts./.errors", &path, machine.read_text(&path)).into_value();
    root.options.extend(text.iter().flat_map(|text| text.lines()).find(|o| is_errors(o)).map(str::to_owned));
}

fn read_text(machine: &Root, path: &str, fact: &str, gaps: &mut Vec<Gap>) -> String {
    let why = match machine.read_at_most(path, LIMIT) {
        // A mount point may be any bytes; one that is not text must not hide the others.
        Ok(Some(bytes)) => return String::from_utf8_lossy(&bytes).into_owned(),
        // A kernel without swap has no proc/swaps.
        Ok(None) if fact == "swaps" => return String::new(),
        Ok(None) => "it is not there".to_owned(),
        Err(error) => error.reason(),
    };
    gaps.push(Gap { fact: fact.to_owned(), path: path.to_owned(), why });
    String::new()
}

/// What can be seen: a later mount on the same point covers the earlier.
fn uncovered(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut last = BTreeMap::new();
    last.extend(lines.iter().enumerate().map(|(at, line)| (line.point.to_string(), at)));
    let seen = |at: usize, line: &Line<'_>| last.get(line.point.as_ref()) == Some(&at);
    lines.into_iter().enumerate().filter(|(at, line)| seen(*at, line)).map(|(_, line)| line).collect()
}

fn mount(line: &Line<'_>, devices: &mut Devices<'_>, gaps: &mut Vec<Gap>) -> Mount {
    let (disk, device) = match devices.of_mount(line, gaps) {
        Some((disk, device)) => (Some(disk), Some(device)),
        None => (None, None),
    };
    let others = devices.others(line, disk.as_deref(), device.as_deref(), gaps);
    Mount {
        point: line.point.to_string(),
        fstype: line.fstype.to_owned(),
        read_only: line.options().any(|option| option == "ro"),
        disk,
        others,
        device,
        options: line.options().map(str::to_owned).collect(),
    }
}

fn swap(area: parse::Area, lines: &[Line<'_>], devices: &mut Devices<'_>, gaps: &mut Vec<Gap>) -> Swap {
    let parse::Area { path, is_file, priority } = area;
    if !is_file {
        let disk = devices.of_source(&path, "swaps", gaps).map(|(disk, _)| disk);
        return Swap { path, disk, others: Some(Vec::new()), priority };
    }
    let holder = lines.iter().filter(|line| line.holds(&path)).max_by_key(|line| line.point.len());
    let Some(line) = holder else { return Swap { path, disk: None, others: Some(Vec::new()), priority } };
    let found = devices.of_mount(line, gaps);
    let (disk, device) = found.map_or((None, None), |(disk, device)| (Some(disk), Some(device)));
    let others = devices.others(line, disk.as_deref(), device.as_deref(), gaps);
    Swap { path, disk, others, priority }
}

#[cfg(test)]
mod tests;
