//! What is known of the device of an event and of its parents.

use crate::facts::{Class, Disk};
use crate::tunable::Select;

/// The devices of a disk whose events can write to it, in the order in which their events come:
/// an event waits for those of the devices above it (`event_is_blocked`,
/// <https://github.com/systemd/systemd/blob/v252/src/udev/udevd.c>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The SCSI device, `H:C:T:L`.
    Scsi,
    /// Its `scsi_disk` device.
    ScsiDisk,
    /// What holds the read-ahead, `MAJOR:MINOR`.
    Bdi,
    /// The block device.
    Block,
    /// A partition of it.
    Partition,
}

impl Place {
    pub(super) const ALL: [Self; 5] = [Self::Scsi, Self::ScsiDisk, Self::Bdi, Self::Block, Self::Partition];

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Scsi => "the SCSI device",
            Self::ScsiDisk => "the scsi_disk device",
            Self::Bdi => "the bdi device",
            Self::Block => "the disk",
            Self::Partition => "a partition",
        }
    }
}

/// Stands for a name that is not known, as a whole component of a path.
pub(super) const SOME: char = '\u{f8ff}';

/// A disk that was seen, or any of a class.
#[derive(Debug, Clone)]
pub(super) struct Subject<'a> {
    /// The disk; `None` for any of the class.
    pub(super) disk: Option<&'a Disk>,
    /// Its class.
    pub(super) class: Class,
    /// Its kernel name; [`SOME`] where it is not known.
    pub(super) name: String,
    /// Its SCSI address, likewise; empty where it is no SCSI disk.
    pub(super) hctl: String,
    /// Where the SCSI device lies, from `/devices`; for others, the directory above the disk.
    pub(super) above: String,
}

impl<'a> Subject<'a> {
    /// A disk that was seen.
    pub(super) fn of_disk(disk: &'a Disk) -> Self {
        let path = disk.path.strip_prefix("sys").unwrap_or(&disk.path);
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        let hctl = disk.hctl.clone().unwrap_or_default();
        let above = if hctl.is_empty() { above } else { above.strip_suffix("/block").unwrap_or(above) };
        Self {
            class: disk.class.clone(),
            name: disk.name.clone(),
            hctl,
            above: above.to_owned(),
            disk: Some(disk),
        }
    }

    /// Any disk of a class.
    pub(super) fn of_class(select: Select) -> Self {
        let session = || Class::Iscsi { session: SOME.to_string() };
        let class = match select {
            Select::StorvscScsi | Select::StorvscScsiAlone => Class::StorvscScsi,
            Select::StorvscIde | Select::StorvscIdeAlone => Class::StorvscIde,
            Select::StorvscFc => Class::StorvscFc,
            Select::Iscsi | Select::IscsiSinglePath => session(),
            Select::NvmeAzureRemote => Class::NvmeAzureRemote,
            Select::NvmePassthrough => Class::Nvme,
            Select::Multipath => Class::Multipath { paths: Vec::new() },
        };
        let scsi = class.is_storvsc() || matches!(class, Class::Iscsi { .. });
        let some = || SOME.to_string();
        Self {
            disk: None,
            class,
            name: some(),
            hctl: if scsi { some() } else { String::new() },
            above: format!("/devices/{SOME}"),
        }
    }

    /// Whether it hangs on a SCSI host.
    pub(super) fn is_scsi(&self) -> bool {
        !self.hctl.is_empty()
    }

    /// Where a device of it lies, from `/devices`.
    pub(super) fn devpath(&self, place: Place) -> String {
        let Self { name, hctl, above, .. } = self;
        let block = if self.is_scsi() { "/block" } else { "" };
        match place {
            Place::Scsi => above.clone(),
            Place::ScsiDisk => format!("{above}/scsi_disk/{hctl}"),
            Place::Bdi => format!("/devices/virtual/bdi/{SOME}"),
            Place::Block => format!("{above}{block}/{name}"),
            Place::Partition => format!("{above}{block}/{name}/{SOME}"),
        }
    }

    /// The device's own name.
    pub(super) fn sysname(&self, place: Place) -> &str {
        match place {
            Place::Scsi | Place::ScsiDisk => &self.hctl,
            Place::Block => &self.name,
            Place::Bdi | Place::Partition => "\u{f8ff}",
        }
    }
}
