//! What blkid found on disks and partitions, as udev's database has it: a member of a pool that no driver
//! has taken yet shows nowhere else.

use std::collections::BTreeSet;

use crate::facts::{Attribute, Class, Disk, Gap, is_member};
use crate::probe::disks::{find, resolve};
use crate::probe::noted;
use crate::root::Root;

/// udev's database: a file for each device, of block devices `bMAJOR:MINOR`
/// (<https://github.com/systemd/systemd/blob/v252/src/libsystemd/sd-device/device-private.c>,
/// `device_update_db`).
const DATABASE: &str = "run/udev/data";

/// VMBus disks by what is known of their signatures.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Signed {
    /// Those that carry, themselves or on a partition, the signature of one of several parts.
    pub(super) members: BTreeSet<String>,
    /// Those of which something could not be read.
    pub(super) perhaps: BTreeSet<String>,
}

/// Reads what udev's database says of the disks; what cannot be read is a gap, and its disks may be members.
pub(super) fn read(machine: &Root, disks: &[Disk], gaps: &mut Vec<Gap>) -> Signed {
    let mut signed = Signed::default();
    if !disks.iter().any(asked) {
        return signed;
    }
    let all = || disks.iter().filter(|disk| asked(disk)).map(|disk| disk.name.clone());
    let entries = match noted(gaps, "signatures", DATABASE, machine.list(DATABASE)) {
        Attribute::Is(entries) => entries,
        Attribute::Absent => Vec::new(),
        Attribute::Unknown => {
            signed.perhaps.extend(all());
            Vec::new()
        }
    };
    for entry in entries.into_iter().filter(|entry| is_scsi_disk(&entry.name)) {
        let Some(number) = entry.name.strip_prefix('b') else { continue };
        let link = format!("sys/dev/block/{number}");
        let target = match noted(gaps, "signatures", &link, machine.read_link(&link)) {
            Attribute::Is(target) => resolve("sys/dev/block", &target),
            Attribute::Absent => continue,
            // It may be of any of them.
            Attribute::Unknown => {
                signed.perhaps.extend(all());
                continue;
            }
        };
        // A partition's directory lies in its disk's.
        let disk = target.rsplit('/').take(2).find_map(|name| disks.get(find(disks, name)?));
        let Some(disk) = disk.filter(|disk| asked(disk)) else { continue };
        let path = format!("{DATABASE}/{}", entry.name);
        match noted(gaps, "signatures", &path, machine.read_text(&path)) {
            Attribute::Is(text) if parse_signature(&text).is_some_and(is_member) => {
                signed.members.insert(disk.name.clone());
            }
            Attribute::Unknown => drop(signed.perhaps.insert(disk.name.clone())),
            _ => {}
        }
    }
    signed
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
    use crate::probe::disks::blank;
    use crate::root::laid_out;

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

    fn scsi(name: &str) -> Disk {
        let mut disk = blank(name, String::new());
        (disk.class, disk.live.max_retries) = (Class::StorvscScsi, Attribute::Is(5));
        disk
    }

    /// What could not be read is told from what is not there: its disks may be members.
    #[test]
    fn what_could_not_be_read_may_be_a_member() {
        let link = |number: &str, name: &str| {
            (format!("sys/dev/block/{number}"), format!("-> ../../devices/x/block/{name}"))
        };
        let links = [link("8:0", "sda"), link("8:16", "sdb"), link("8:17", "sdb/sdb1"), link("8:32", "sdc")];
        let signed = |more: &[(&str, &str)]| {
            let links = links.iter().map(|(path, target)| (path.as_str(), target.as_str()));
            let files: Vec<(&str, &str)> = links.chain(more.iter().copied()).collect();
            let (_dir, machine) = laid_out(&files);
            let mut gaps = Vec::new();
            let found = read(&machine, &[scsi("sda"), scsi("sdb"), scsi("sdc")], &mut gaps);
            let names = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(" ");
            (names(found.members), names(found.perhaps), gaps.len())
        };
        let told = |members: &str, perhaps: &str, gaps| (members.to_owned(), perhaps.to_owned(), gaps);
        assert_eq!(signed(&[]), told("", "", 0));
        let entries = [("run/udev/data/b8:0", "E:ID_FS_TYPE=ext4\n"), ("run/udev/data/b8:17", ENTRY)];
        assert_eq!(signed(&entries), told("sdb", "", 0));
        // A directory is read by nobody.
        assert_eq!(signed(&[("run/udev/data/b8:17/x", ""), ("run/udev/data/b8:0", "")]), told("", "sdb", 1));
    }
}
