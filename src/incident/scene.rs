//! What a log says of its machine: which disk has which address and which driver, and under what it runs.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, Log};
use super::table::Id;
use crate::facts::{Class, Facts};

/// More SCSI hosts than a guest of Hyper-V has controllers: what is numbered higher came and went.
const CONTROLLERS: u32 = 6;

/// How a disk is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Storvsc,
    Iscsi,
    /// Nothing says so but its host's number.
    PerhapsIscsi,
    /// A medium that is pulled out.
    Removable,
    Other,
    Unknown,
}

impl Transport {
    pub(super) fn is_iscsi(self) -> bool {
        matches!(self, Self::Iscsi | Self::PerhapsIscsi)
    }
}

/// What is known of the machine.
#[derive(Debug, Default)]
pub(super) struct Scene {
    disks: BTreeMap<String, String>,
    drivers: BTreeMap<String, String>,
    vendors: BTreeMap<String, String>,
    classes: BTreeMap<String, String>,
    removable: BTreeSet<String>,
    /// Disks that refused a command that they do not know.
    refused: BTreeSet<String>,
    /// Ports of ATA on which a command expired.
    frozen: BTreeSet<String>,
    pub(super) is_hyperv: bool,
    pub(super) has_iscsi: bool,
    pub(super) has_multipath: bool,
    pub(super) has_sense: bool,
    /// File systems by device: `ext4`.
    pub(super) file_systems: BTreeMap<String, String>,
}

impl Scene {
    pub(super) fn new(log: &Log, facts: Option<&Facts>) -> Self {
        let mut scene = Self::default();
        for event in &log.events {
            scene.look(event);
        }
        let machine = facts.and_then(|facts| facts.machine.as_ref());
        for disk in machine.iter().flat_map(|machine| machine.disks.iter().flatten()) {
            scene.classes.insert(disk.name.clone(), disk.class.name().to_owned());
            scene.has_iscsi |= matches!(disk.class, Class::Iscsi { .. });
        }
        scene.is_hyperv |= machine
            .and_then(|machine| machine.hypervisor.as_ref())
            .is_some_and(|hypervisor| hypervisor.kind() == "hyperv");
        for mount in machine.iter().flat_map(|machine| &machine.mounts) {
            if let Some(device) = &mount.device {
                scene.file_systems.entry(device.clone()).or_insert(mount.fstype.clone());
            }
        }
        scene
    }

    fn look(&mut self, event: &Event) {
        let hctl = event.get("hctl").to_owned();
        if event.has("disk") && !hctl.is_empty() {
            self.disks.insert(hctl.clone(), event.get("disk").to_owned());
        }
        match event.id {
            Id::ScsiHost => {
                self.drivers.insert(event.get("n").to_owned(), event.get("driver").to_owned());
            }
            Id::ScsiVendor => {
                self.vendors.insert(hctl, event.get("vendor").to_owned());
            }
            Id::ScsiAttached if event.has("removable") => {
                self.removable.insert(event.get("disk").to_owned());
            }
            Id::ScsiAddSense if event.get("text").contains("Medium not present") => {
                self.removable.insert(self.disk_of(event));
            }
            Id::ScsiAddSense
                if ["Invalid command operation code", "Invalid field in"]
                    .iter()
                    .any(|text| event.get("text").starts_with(text)) =>
            {
                self.refused.insert(self.disk_of(event));
            }
            Id::AtaTimeout if event.has("what") => {
                self.frozen.insert(event.get("port").to_owned());
            }
            Id::StorvscStatus | Id::StorvscSetup => self.is_hyperv = true,
            Id::ScsiSense => self.has_sense = true,
            Id::Hypervisor => self.is_hyperv |= !event.has("name") || event.get("name").contains("Hyper-V"),
            Id::IscsiConnError | Id::IscsiPingTimeout | Id::IscsiRecoveryTimeout | Id::IscsidConnError => {
                self.has_iscsi = true;
            }
            Id::DmFailPath | Id::MpathActive | Id::MpathRecovery | Id::MpathChecker => {
                self.has_multipath = true;
            }
            _ => {}
        }
        let named = match event.id {
            Id::Jbd2Abort | Id::Ext4Aborted | Id::Ext4Ro | Id::Ext4Io | Id::Ext4Recover => "ext4",
            Id::BtrfsRo => "btrfs",
            Id::Mounted if event.get("fs").starts_with("EXT") => "ext4",
            Id::XfsShutdown | Id::XfsError | Id::Mounted => "xfs",
            _ => return,
        };
        self.file_systems.insert(event.get("dev").to_owned(), named.to_owned());
    }

    /// Whether a disk refused commands as unknown, as WRITE SAME and UNMAP often are.
    pub(super) fn has_refused(&self, disk: &str) -> bool {
        self.refused.contains(disk)
    }

    /// Whether commands expired on a port of ATA: `failed command` is said of errors, too.
    pub(super) fn is_frozen(&self, port: &str) -> bool {
        self.frozen.contains(port)
    }

    /// The whole disk that an event is about; empty where it names none.
    pub(super) fn disk_of(&self, event: &Event) -> String {
        let named = ["disk", "dev", "disk2", "dev2", "ns", "ctrl"].map(|field| event.get(field));
        let named = named.into_iter().find(|name| !name.is_empty());
        let by_address = || self.disks.get(event.get("hctl")).map(String::as_str);
        match named.or_else(by_address) {
            Some(name) => whole(name),
            None if event.has("hctl") => event.get("hctl").to_owned(),
            None => String::new(),
        }
    }

    /// How a disk is reached, by its name or address.
    pub(super) fn transport(&self, disk: &str) -> Transport {
        if self.removable.contains(disk) {
            return Transport::Removable;
        }
        match self.classes.get(disk).map(String::as_str) {
            Some("storvsc-scsi" | "storvsc-ide" | "storvsc-fc") => return Transport::Storvsc,
            Some("iscsi") => return Transport::Iscsi,
            Some("other") | None => {}
            Some(_) => return Transport::Other,
        }
        let address =
            self.disks.iter().find(|(_, name)| *name == disk).map_or(disk, |(hctl, _)| hctl.as_str());
        let Some((host, _)) = address.split_once(':') else { return Transport::Unknown };
        let driver = self.drivers.get(host).map_or("", String::as_str);
        let vendor = self.vendors.get(address).map_or("", String::as_str);
        // Who answers need not be who carries: a Windows server has its own units behind iSCSI, too.
        match driver {
            _ if driver.contains("storvsc") => Transport::Storvsc,
            _ if driver.contains("iSCSI") => Transport::Iscsi,
            _ if vendor == "Msft" => Transport::Storvsc,
            _ if ["LIO-ORG", "IET", "FreeNAS", "TrueNAS", "SYNOLOGY"].contains(&vendor) => Transport::Iscsi,
            _ if driver.starts_with("usb-storage") || driver.starts_with("uas") => Transport::Removable,
            "" if host.parse::<u32>().is_ok_and(|host| host >= CONTROLLERS) => Transport::PerhapsIscsi,
            "" => Transport::Unknown,
            _ => Transport::Other,
        }
    }
}

/// `sda1` is of `sda`, `nvme0n1p2` of `nvme0`, whose controller is what has trouble.
fn whole(name: &str) -> String {
    let name = name.trim_start_matches("/dev/").trim_end_matches('!');
    if let Some(rest) = name.strip_prefix("nvme") {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        return format!("nvme{}", rest.get(..digits).unwrap_or_default());
    }
    let is_letters = ["sd", "vd", "xvd", "hd"].iter().any(|kind| name.starts_with(kind));
    if is_letters { name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned() } else { name.to_owned() }
}

/// Whether a device is none of the storage that this is about: floppies, optical ones, memory, files, and what a
/// backup reads a snapshot from.
pub(super) fn is_beside(disk: &str) -> bool {
    let digits = |kind: &str| {
        disk.strip_prefix(kind)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_digit() || c == b'p'))
    };
    let snapshots = ["veeamimage", "blksnap-image"];
    ["fd", "sr", "scd", "loop", "zram", "ram", "hdc"].into_iter().chain(snapshots).any(digits)
        || disk == "hdc"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_of_its_disk() {
        for (name, disk) in [
            ("sda1", "sda"),
            ("nvme1n1p2", "nvme1"),
            ("nvme0", "nvme0"),
            ("dm-12", "dm-12"),
            ("mmcblk0p48", "mmcblk0p48"),
            ("vda", "vda"),
            ("md0", "md0"),
        ] {
            assert_eq!(whole(name), disk);
        }
        assert!(["fd0", "sr0", "loop12", "zram0"].into_iter().all(is_beside));
        assert!(!["sda", "fdx", "srv", "dm-0"].into_iter().any(is_beside));
    }
}
