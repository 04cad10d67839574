//! How much memory the machine has, and what fstab gives it: swap, file systems.

use crate::facts::{ExtMount, Gap};
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

/// The text of `/etc/fstab`, empty where there is none; odd bytes are replaced, as only words of
/// ours are looked for in it.
pub fn read_fstab(root: &Root, gaps: &mut Vec<Gap>) -> String {
    let bytes = noted(gaps, "fstab", FSTAB, root.read(FSTAB)).into_value();
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// File systems that know `errors=panic`.
pub fn parse_ext(fstab: &str) -> Vec<ExtMount> {
    let entries = fstab::scan(fstab).into_iter().filter(Entry::is_ext);
    entries
        .map(|entry| ExtMount { mount: entry.mount.to_owned(), errors: entry.errors().map(str::to_owned) })
        .collect()
}

/// Whether fstab names swap that may lie on a disk that stalls: a line of type `swap` that is not `noauto` (man 5 fstab). zram is memory, and below /mnt
/// lies Azure's temporary disk, which is the host's own.
pub fn names_swap(fstab: &str) -> bool {
    let stalls = |device: &str| !["/dev/zram", "/mnt/"].iter().any(|start| device.starts_with(start));
    fstab.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (device, _, kind) = (fields.next(), fields.next(), fields.next());
        let options = fields.next().unwrap_or_default();
        kind == Some("swap")
            && device.is_some_and(|device| !device.starts_with('#') && stalls(device))
            && !options.split(',').any(|option| option == "noauto")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_of_fstab() {
        for (fstab, named) in [
            ("", false),
            ("UUID=1 / ext4 errors=remount-ro 0 1\nUUID=2 none swap sw 0 0\n", true),
            ("LABEL=swap none swap\n", true),
            ("#UUID=2 none swap sw 0 0\n# /dev/sda2 none swap sw\n", false),
            ("/dev/sda2 none swap noauto,sw 0 0\n", false),
            ("/dev/zram0 none swap defaults 0 0\n/mnt/swapfile none swap sw 0 0\n", false),
        ] {
            assert_eq!(names_swap(fstab), named, "{fstab}");
        }
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
