//! Whether a path below `/sys` is that of a disk's attribute.

use crate::formats::glob::fits;

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is this attribute of this disk.
    Yes,
    /// It may be: the path names the disk by something that is not known here.
    Maybe,
    /// It is another's.
    No,
}

impl Fit {
    /// Where both have to be.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Maybe,
        }
    }
}

/// Compares a path, which may hold wildcards, with an attribute (`queue/scheduler`, `device/timeout`, `max_retries`)
/// of a disk by its kernel name; an empty name is a disk whose name is not known.
pub(super) fn fit(target: &str, disk: &str, attribute: &str) -> Fit {
    let parts: Vec<&str> = target.split('/').filter(|part| !part.is_empty()).collect();
    let Some(("sys", rest)) = parts.split_first().map(|(first, rest)| (*first, rest)) else { return Fit::No };
    let wanted: Vec<&str> = attribute.split('/').collect();
    match rest {
        ["block", name, attr @ ..] | ["class", "block", name, attr @ ..] => {
            by_name(name, attr, disk, &wanted)
        }
        // By place: the disk's own name stands behind `block`, if it is there.
        ["devices" | "dev" | "bus" | "class", place @ ..] => {
            let named =
                place.iter().position(|part| *part == "block" || fits(part, "block") && !place_is_dev(rest));
            match named.and_then(|at| Some((place.get(at + 1)?, place.get(at + 2..)?))) {
                Some((name, attr)) if !attr.is_empty() && !name.contains(':') => {
                    match by_name(name, attr, disk, &wanted) {
                        Fit::No => Fit::No,
                        _ => Fit::Maybe,
                    }
                }
                _ => by_place(place, &wanted),
            }
        }
        _ => Fit::No,
    }
}

/// `/sys/dev/block/MAJOR:MINOR`.
fn place_is_dev(rest: &[&str]) -> bool {
    rest.first() == Some(&"dev")
}

fn by_name(name: &str, attr: &[&str], disk: &str, wanted: &[&str]) -> Fit {
    // The SCSI device's own name of the attribute and the way to it through the disk.
    if !same_attribute(attr, wanted) {
        return Fit::No;
    }
    if disk.is_empty() {
        return Fit::Maybe;
    }
    if fits(name, disk) { Fit::Yes } else { Fit::No }
}

/// A path that names the device by its address.
fn by_place(place: &[&str], wanted: &[&str]) -> Fit {
    let ends = |attribute: &[&str]| {
        let from = place.len().checked_sub(attribute.len());
        let tail = from.and_then(|from| place.get(from..)).unwrap_or_default();
        !tail.is_empty() && same_parts(tail, attribute)
    };
    let device = wanted.strip_prefix(&["device"]).unwrap_or(wanted);
    if ends(wanted) || ends(device) { Fit::Maybe } else { Fit::No }
}

/// `device/timeout` of the disk is `timeout` of its SCSI device; `max_retries` stands below `device/scsi_disk/*`.
fn same_attribute(attr: &[&str], wanted: &[&str]) -> bool {
    match (attr, wanted) {
        (["device", "scsi_disk", _, attr], [one]) => fits(attr, one),
        (attr, ["timeout"]) => same_parts(attr, &["device", "timeout"]),
        _ => same_parts(attr, wanted),
    }
}

fn same_parts(patterns: &[&str], parts: &[&str]) -> bool {
    patterns.len() == parts.len() && patterns.iter().zip(parts).all(|(pattern, part)| fits(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_compared_with_a_disk() {
        for (target, disk, attribute, expected) in [
            ("/sys/block/sda/queue/scheduler", "sda", "queue/scheduler", Fit::Yes),
            ("/sys/block/sda/queue/scheduler", "sdb", "queue/scheduler", Fit::No),
            ("/sys/block/sd[a-c]/queue/*", "sdb", "queue/scheduler", Fit::Yes),
            ("/sys/class/block/*/queue/read_ahead_kb", "nvme0n1", "queue/read_ahead_kb", Fit::Yes),
            ("/sys/block/sda/queue/scheduler", "", "queue/scheduler", Fit::Maybe),
            ("/sys/block/sda/device/timeout", "sda", "device/timeout", Fit::Yes),
            ("/sys/block/sda/device/timeout", "sda", "timeout", Fit::Yes),
            ("/sys/block/sda/device/scsi_disk/*/max_retries", "sda", "max_retries", Fit::Yes),
            ("/sys/class/scsi_disk/0:0:0:0/max_retries", "sda", "max_retries", Fit::Maybe),
            ("/sys/class/scsi_device/0:0:0:0/device/timeout", "sda", "device/timeout", Fit::Maybe),
            ("/sys/bus/scsi/devices/0:0:0:0/timeout", "sda", "device/timeout", Fit::Maybe),
            ("/sys/dev/block/8:0/queue/scheduler", "sda", "queue/scheduler", Fit::Maybe),
            ("/sys/devices/x/host0/block/sda/queue/scheduler", "sda", "queue/scheduler", Fit::Maybe),
            ("/sys/devices/x/host0/block/sdb/queue/scheduler", "sda", "queue/scheduler", Fit::No),
            ("/sys/block/sda/queue/nr_requests", "sda", "queue/scheduler", Fit::No),
            ("/proc/sys/vm/swappiness", "sda", "queue/scheduler", Fit::No),
            ("/sys/module/nvme_core/parameters/io_timeout", "nvme0n1", "queue/io_timeout", Fit::No),
        ] {
            assert_eq!(fit(target, disk, attribute), expected, "{target} {disk} {attribute}");
        }
    }
}
