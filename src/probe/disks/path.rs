//! What a path in sysfs says by itself. Pure: no link is followed here, only read as text.

/// A SCSI disk's place in sysfs: `…/hostN/…/H:C:T:L/block/sdX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scsi<'a> {
    /// Up to and including `hostN`.
    pub(super) host_dir: &'a str,
    /// `hostN`
    pub(super) host: &'a str,
    /// Up to and including `H:C:T:L`.
    pub(super) device_dir: &'a str,
    /// `H:C:T:L`
    pub(super) hctl: &'a str,
    /// `sessionN` between the host and the device.
    pub(super) session: Option<&'a str>,
}

impl<'a> Scsi<'a> {
    /// Reads it off a resolved path; `None` where no SCSI device is the parent.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let (block, _) = split_last(path)?;
        let (device_dir, "block") = split_last(block)? else { return None };
        let (_, hctl) = split_last(device_dir)?;
        let mut numbers = hctl.split(':');
        let number = numbers.next().filter(|number| is_number(number))?;
        if numbers.clone().count() != 3 || !numbers.all(is_number) {
            return None;
        }
        let mut session = None;
        let mut at = device_dir;
        loop {
            let (parent, last) = split_last(at)?;
            if last.strip_prefix("host") == Some(number) {
                return Some(Self { host_dir: at, host: last, device_dir, hctl, session });
            }
            if last.strip_prefix("session").is_some_and(is_number) {
                session = Some(last);
            }
            at = parent;
        }
    }

    /// The logical unit number.
    pub(super) fn lun(&self) -> &'a str {
        self.hctl.rsplit(':').next().unwrap_or_default()
    }
}

/// The namespace's numbers: `nvme0n1` → (0, None, 1), `nvme0c1n1` → (0, Some(1), 1).
pub(crate) fn parse_nvme(name: &str) -> Option<(u32, Option<u32>, u32)> {
    let (front, namespace) = name.strip_prefix("nvme")?.split_once('n')?;
    let namespace = namespace.parse().ok()?;
    match front.split_once('c') {
        Some((subsystem, controller)) => {
            Some((subsystem.parse().ok()?, Some(controller.parse().ok()?), namespace))
        }
        None => Some((front.parse().ok()?, None, namespace)),
    }
}

/// Where a link in the directory `base` leads, by its text alone. An absolute
/// target and a climbing `..` stay below the root, as they do in the kernel's own walk.
pub(crate) fn resolve(base: &str, target: &str) -> String {
    let mut path = String::with_capacity(base.len() + target.len() + 1);
    if !target.starts_with('/') {
        path.push_str(base.trim_matches('/'));
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => path.truncate(path.rfind('/').unwrap_or(0)),
            part => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(part);
            }
        }
    }
    path.shrink_to_fit();
    path
}

/// The directory of a path and its last name.
pub(crate) fn split_last(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('/')
}

/// The whole disk's name in a partition's, by the kernel's own rule: the number
/// follows the name, after a `p` where the name ends in a digit
/// (`bdev_name` in <https://github.com/torvalds/linux/blob/v6.12/lib/vsprintf.c>).
pub(crate) fn whole_disk(partition: &str) -> Option<&str> {
    let stem = partition.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == partition.len() || stem.is_empty() {
        return None;
    }
    match stem.strip_suffix('p') {
        Some(disk) if disk.ends_with(|c: char| c.is_ascii_digit()) => Some(disk),
        _ => Some(stem),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORVSC: &str = "sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/\
                           f8b3781a-1e82-4818-a1c3-63d806ec15bb/host0/target0:0:0/0:0:0:1/block/sdb";

    #[test]
    fn a_storvsc_disk_says_host_and_address() {
        let scsi = Scsi::of(STORVSC).unwrap();
        assert_eq!((scsi.host, scsi.hctl, scsi.lun(), scsi.session), ("host0", "0:0:0:1", "1", None));
        assert!(scsi.host_dir.ends_with("f8b3781a-1e82-4818-a1c3-63d806ec15bb/host0"));
        assert!(scsi.device_dir.ends_with("/target0:0:0/0:0:0:1"));
    }

    #[test]
    fn an_iscsi_disk_says_its_session() {
        let scsi = Scsi::of("sys/devices/platform/host3/session1/target3:0:0/3:0:0:1/block/sdb").unwrap();
        assert_eq!((scsi.host, scsi.session), ("host3", Some("session1")));
        assert_eq!(scsi.host_dir, "sys/devices/platform/host3");
    }

    #[test]
    fn what_is_no_scsi_disk_has_no_address() {
        for path in [
            "sys/devices/virtual/block/dm-0",
            "sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda",
            "sys/devices/pci0000:00/0000:00:05.0/nvme/nvme0/nvme0n1",
            "sys/devices/platform/0:0:0/block/x",
            "sys/devices/platform/0:0:0:x/block/x",
            "sys/devices/platform/host1/0:0:0:0/block/sda",
            "sda",
            "",
        ] {
            assert_eq!(Scsi::of(path), None, "{path}");
        }
    }

    #[test]
    fn links_resolve_by_their_text() {
        for (base, target, path) in [
            ("sys/block", "../devices/virtual/block/dm-0", "sys/devices/virtual/block/dm-0"),
            ("sys/dev/block", "../../devices/x/block/sda/sda1", "sys/devices/x/block/sda/sda1"),
            ("sys/block", "/sys/devices/virtual/block/loop0", "sys/devices/virtual/block/loop0"),
            ("sys/block", "../../../../etc", "etc"),
            ("sys/block", "./x//y", "sys/block/x/y"),
            ("sys", "..", ""),
        ] {
            assert_eq!(resolve(base, target), path, "{base} {target}");
        }
    }

    #[test]
    fn a_partition_names_its_disk() {
        for (partition, disk) in [
            ("sda2", Some("sda")),
            ("sdaa15", Some("sdaa")),
            ("nvme0n1p1", Some("nvme0n1")),
            ("md0p3", Some("md0")),
            ("mmcblk0p1", Some("mmcblk0")),
            ("loop1p1", Some("loop1")),
            ("cciss!c0d0p1", Some("cciss!c0d0")),
            ("sda", None),
            ("42", None),
        ] {
            assert_eq!(whole_disk(partition), disk, "{partition}");
        }
    }

    #[test]
    fn namespaces_give_their_numbers() {
        assert_eq!(parse_nvme("nvme0n1"), Some((0, None, 1)));
        assert_eq!(parse_nvme("nvme2c13n4"), Some((2, Some(13), 4)));
        for name in ["nvme0", "nvme0n1p1", "sda", "nvmen1", "nvme0cn1"] {
            assert_eq!(parse_nvme(name), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_is_too_odd(base in "[a-c/.]{0,12}", target in "[ -~é]{0,40}") {
            let path = resolve(&base, &target);
            proptest::prop_assert!(!target.starts_with('/') || path.split('/').all(|part| part != ".."));
            let _ = (Scsi::of(&target), whole_disk(&target), parse_nvme(&target));
        }
    }
}
