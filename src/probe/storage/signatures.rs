//! What blkid found on disks and partitions, as udev's database has it: a member of a pool that no driver
//! has taken yet shows nowhere else.

use std::collections::BTreeSet;

use crate::facts::{Class, Disk, Gap, is_member};
use crate::probe::disks::{find, resolve};
use crate::probe::noted;
use crate::root::Root;

/// udev's database: a file for each device, of block devices `bMAJOR:MINOR`
/// (<https://github.com/systemd/systemd/blob/v252/src/libsystemd/sd-device/device-private.c>,
/// `device_update_db`).
const DATABASE: &str = "run/udev/data";

/// The VMBus disks that carry, themselves or on a partition, the signature of one of several parts.
pub(super) fn read(machine: &Root, disks: &[Disk], gaps: &mut Vec<Gap>) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    if !disks.iter().any(asked) {
        return members;
    }
    let listed = noted(gaps, "signatures", DATABASE, machine.list(DATABASE)).into_value();
    for entry in listed.into_iter().flatten().filter(|entry| is_scsi_disk(&entry.name)) {
        let Some(number) = entry.name.strip_prefix('b') else { continue };
        let link = format!("sys/dev/block/{number}");
        let target = noted(gaps, "signatures", &link, machine.read_link(&link)).into_value();
        let Some(target) = target.map(|target| resolve("sys/dev/block", &target)) else { continue };
        // A partition's directory lies in its disk's.
        let disk = target.rsplit('/').take(2).find_map(|name| disks.get(find(disks, name)?));
        let Some(disk) = disk.filter(|disk| asked(disk)) else { continue };
        let path = format!("{DATABASE}/{}", entry.name);
        let text = noted(gaps, "signatures", &path, machine.read_text(&path)).into_value();
        if text.as_deref().and_then(parse_signature).is_some_and(is_member) {
            members.insert(disk.name.clone());
        }
    }
    members
}

/// Whether anything is decided by what lies on the disk.
fn asked(disk: &Disk) -> bool {
    matches!(disk.class, Class::StorvscScsi | Class::StorvscIde) && disk.live.max_retries.value().is_some()
}

/// The major numbers of SCSI disks
/// (<https://docs.kernel.org/admin-guide/devices.html>, 8, 65 to 71, 128 to 135; 259 of partitions beyond 15).
fn is_scsi_disk(name: &str) -> bool {
    let major = name.strip_prefix('b').and_then(|rest| rest.split_once(':')).map(|(major, _)| major);
    let major = major.and_then(|major| major.parse::<u16>().ok());
    major.is_some_and(|major| matches!(major, 8 | 65..=71 | 128..=135 | 259))
}

/// The signature in an entry of the database: its line `E:ID_FS_TYPE=`.
pub(crate) fn parse_signature(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("E:ID_FS_TYPE="))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Debian 12, `cat /run/udev/data/b8:17`.
    const ENTRY: &str = "S:disk/by-partuuid/1ef5a4c5-01\nI:1843216\nE:ID_PART_ENTRY_NUMBER=1\n\
        E:ID_FS_LABEL=host:0\nE:ID_FS_TYPE=linux_raid_member\nE:ID_FS_USAGE=raid\nG:systemd\nQ:systemd\nV:1\n";

    #[test]
    fn the_signature_is_one_line_of_many() {
        assert_eq!(parse_signature(ENTRY), Some("linux_raid_member"));
        assert_eq!(parse_signature("I:1\nE:ID_FS_USAGE=raid\n"), None);
        for (name, is) in
            [("b8:17", true), ("b65:0", true), ("b259:3", true), ("b253:0", false), ("c8:1", false)]
        {
            assert_eq!(is_scsi_disk(name), is, "{name}");
        }
    }
}
