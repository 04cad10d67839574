//! How much memory the machine has, and which file systems fstab gives it.

use crate::facts::{ExtMount, Gap, ServedMount};
use crate::formats::bytes::decode;
use crate::formats::fstab::{self, Entry, FSTAB};
use crate::root::Root;

use super::{needed, noted};

const MEMINFO: &str = "proc/meminfo";

/// `MemTotal` in bytes.
pub fn read_total(machine: &Root, gaps: &mut Vec<Gap>) -> Option<u64> {
    let text = needed(gaps, "memory", MEMINFO, machine.read_text(MEMINFO))?;
    let total = parse_total(&text);
    if total.is_none() {
        gaps.push(Gap::new("memory", MEMINFO, "no MemTotal in kB"));
    }
    total
}

/// The `MemTotal:` line, kB to bytes (man 5 `proc_meminfo`: the unit is KiB, whatever it is called).
pub(crate) fn parse_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// The text of `/etc/fstab`, empty where there is none; bytes that are no UTF-8 keep their place.
pub fn read_fstab(root: &Root, gaps: &mut Vec<Gap>) -> String {
    let bytes = noted(gaps, "fstab", FSTAB, root.read(FSTAB)).into_value();
    bytes.map(|bytes| decode(&bytes)).unwrap_or_default()
}

/// File systems that know `errors=panic`.
pub fn parse_ext(fstab: &str) -> Vec<ExtMount> {
    let entries = fstab::scan(fstab).into_iter().map(|entry| (entry, false));
    let odd = fstab::scan_odd(fstab).into_iter().map(|entry| (entry, true));
    let ext = entries.chain(odd).filter(|(entry, _)| entry.is_ext());
    ext.map(|(entry, odd)| ext_mount(&entry, odd)).collect()
}

/// File systems of which a server answers, also those that are mounted later or by hand.
pub fn parse_served(fstab: &str) -> Vec<ServedMount> {
    let entries = fstab::scan(fstab).into_iter().chain(fstab::scan_odd(fstab));
    let served = entries.filter(|entry| fstab::is_served(entry.fstype));
    served.map(|entry| ServedMount { point: entry.point(), fstype: entry.fstype.to_owned() }).collect()
}

fn ext_mount(entry: &Entry<'_>, odd: bool) -> ExtMount {
    ExtMount {
        device: entry.device.to_owned(),
        mount: entry.mount.to_owned(),
        point: entry.point(),
        errors: entry.errors().map(str::to_owned),
        spare: entry.is_spare(),
        odd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ext_file_systems_of_fstab() {
        let text = "UUID=a / ext4 errors=remount-ro 0 1\nUUID=b /my\\040data/ ext3 noauto 0 0\nc /c ext4\nd /d xfs x\n";
        let show = |ext: &ExtMount| {
            format!("{} {} {:?} {:?} {}", ext.device, ext.point, ext.errors, ext.spare, ext.odd)
        };
        let found: Vec<String> = parse_ext(text).iter().map(show).collect();
        assert_eq!(
            found,
            [
                "UUID=a / Some(\"remount-ro\") None false",
                "UUID=b /my data None Some(\"not mounted at boot (noauto)\") false",
                "c /c None None true",
            ]
        );
    }

    #[test]
    fn what_a_server_answers_for_is_known_by_its_type() {
        let text = "nas:/home /home nfs4 defaults 0 0\n//nas/x /my\\040x cifs noauto 0 0\n\
                    sshfs#a:/ /a fuse user\nlxcfs /b fuse.lxcfs x 0 0\nfusectl /c fusectl x\nUUID=a / ext4 x 0 1\nhost:/z /z 9p\n";
        let found: Vec<String> =
            parse_served(text).iter().map(|mount| format!("{} {}", mount.fstype, mount.point)).collect();
        assert_eq!(found, ["nfs4 /home", "cifs /my x", "fuse /a", "9p /z"]);
    }

    #[test]
    fn the_first_line_of_meminfo_counts() {
        let text = "MemTotal:       24683656 kB\nMemFree:        22164088 kB\nMemAvailable:   23921640 kB\n";
        assert_eq!(parse_total(text), Some(24_683_656 * 1024));
        for text in
            ["", "MemFree: 1 kB\n", "MemTotal: x kB\n", "MemTotal: 5\n", "MemTotal: 99999999999999999999 kB"]
        {
            assert_eq!(parse_total(text), None, "{text}");
        }
    }
}
