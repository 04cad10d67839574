//! Block devices, mounts and swap, as plain data.

use std::collections::BTreeSet;

use super::Attribute;

/// What kind of storage a block device is; see tunables of the same names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Disk of a synthetic SCSI controller, pass-through disks included.
    StorvscScsi,
    /// Disk of a synthetic IDE controller.
    StorvscIde,
    /// LUN behind a synthetic Fibre Channel adapter.
    StorvscFc,
    /// LUN of an in-guest iSCSI session (`session1`).
    Iscsi {
        /// The session's kernel name.
        session: String,
    },
    /// Azure remote disk over NVMe.
    NvmeAzureRemote,
    /// Azure local (temporary) NVMe disk.
    NvmeAzureLocal,
    /// Any other NVMe namespace, passed through (DDA) or bare metal.
    Nvme,
    /// Device-mapper multipath map, with its paths' names.
    Multipath {
        /// Names of the path disks.
        paths: Vec<String>,
    },
    /// LVM logical volume.
    Lvm,
    /// dm-crypt map.
    Crypt,
    /// md array.
    Md,
    /// virtio disk.
    Virtio,
    /// Loop device.
    Loop,
    /// Compressed RAM disk.
    Zram,
    /// Anything else.
    Other,
}

impl Class {
    /// The name in JSON, text and the udev mark.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StorvscScsi => "storvsc-scsi",
            Self::StorvscIde => "storvsc-ide",
            Self::StorvscFc => "storvsc-fc",
            Self::Iscsi { .. } => "iscsi",
            Self::NvmeAzureRemote => "nvme-azure-remote",
            Self::NvmeAzureLocal => "nvme-azure-local",
            Self::Nvme => "nvme",
            Self::Multipath { .. } => "multipath",
            Self::Lvm => "lvm",
            Self::Crypt => "crypt",
            Self::Md => "md",
            Self::Virtio => "virtio",
            Self::Loop => "loop",
            Self::Zram => "zram",
            Self::Other => "other",
        }
    }

    /// One of the three classes served by `hv_storvsc`.
    pub fn is_storvsc(&self) -> bool {
        matches!(self, Self::StorvscScsi | Self::StorvscIde | Self::StorvscFc)
    }
}

/// What a disk is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Below the root file system.
    Root,
    /// Below `/boot` or `/boot/efi`.
    Boot,
    /// Below active swap.
    Swap,
    /// Below another mounted file system.
    Data,
    /// Azure's temporary (resource) disk: local to the host, lost with it.
    AzureTemporary,
    /// Where Azure has its temporary disk, but what would tell could not be read.
    PerhapsTemporary,
    /// A medium that comes and goes: a stick, a card.
    Removable,
    /// A path of a multipath map.
    Path,
    /// Below an array, a pool or a file system over several disks, which must see its errors to go on
    /// without it.
    Member,
    /// What would tell whether it is a member could not be read.
    PerhapsMember,
}

impl Role {
    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Boot => "boot",
            Self::Swap => "swap",
            Self::Data => "data",
            Self::AzureTemporary => "azure-temporary",
            Self::PerhapsTemporary => "perhaps-azure-temporary",
            Self::Removable => "removable",
            Self::Path => "path",
            Self::Member => "member",
            Self::PerhapsMember => "perhaps-member",
        }
    }
}

/// A block device: a whole disk or a map, never a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Kernel name: `sda`, `dm-0`, `nvme0n1`.
    pub name: String,
    /// Where sysfs has it, resolved: `sys/devices/…/block/sda`.
    pub path: String,
    /// What kind it is.
    pub class: Class,
    /// What it is used for.
    pub roles: BTreeSet<Role>,
    /// The SCSI host above it (`host0`), where there is one.
    pub host: Option<String>,
    /// SCSI address `H:C:T:L`, where there is one.
    pub hctl: Option<String>,
    /// Disks directly below it (dm, md, NVMe head: controllers' namespaces), by name.
    pub slaves: Vec<String>,
    /// SCSI vendor, trimmed and made printable: for people, and to find the array's entry in multipath's
    /// table as multipath does; nothing else is decided by it.
    pub vendor: String,
    /// SCSI or NVMe model, likewise.
    pub model: String,
    /// What the device allows.
    pub limits: Limits,
    /// What it is set to.
    pub live: Live,
}

impl Disk {
    /// One path of a multipath map.
    pub fn is_path(&self) -> bool {
        self.roles.contains(&Role::Path)
    }

    /// A path of an NVMe head, `nvme0c1n1`: no event of it reaches udev, so no rule does (`GENHD_FL_HIDDEN`,
    /// <https://github.com/torvalds/linux/blob/v6.12/block/genhd.c>, `device_add_disk`).
    pub fn is_hidden(&self) -> bool {
        self.name.strip_prefix("nvme").is_some_and(|rest| rest.contains('c'))
    }

    /// Whether nothing else could go on without it: no map, array or pool stands on it, and what lies on it
    /// is not lost with the host anyway. What could not be told is no.
    pub fn is_alone(&self) -> bool {
        let shared =
            [Role::Path, Role::Member, Role::PerhapsMember, Role::AzureTemporary, Role::PerhapsTemporary];
        !shared.iter().any(|role| self.roles.contains(role))
    }
}

/// What a device allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// `can_queue` of its SCSI host: commands in flight at most.
    pub can_queue: Attribute<u64>,
    /// Hardware queues of its SCSI host.
    pub nr_hw_queues: Attribute<u64>,
    /// Tags of hardware queue 0 (`mq/0/nr_tags`); absent on the legacy path.
    pub nr_tags: Attribute<u64>,
    /// Schedulers that the kernel offers for it now, in its order.
    pub schedulers: Attribute<Vec<String>>,
}

/// What a device is set to now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// The scheduler in use.
    pub scheduler: Attribute<String>,
    /// `queue/nr_requests`.
    pub nr_requests: Attribute<u64>,
    /// `device/timeout` in seconds (SCSI).
    pub timeout: Attribute<u64>,
    /// `queue/io_timeout` in milliseconds.
    pub io_timeout: Attribute<u64>,
    /// `queue/read_ahead_kb`.
    pub read_ahead_kb: Attribute<u64>,
    /// `queue/rotational`.
    pub rotational: Attribute<bool>,
    /// `scsi_disk/H:C:T:L/max_retries`: -1 = no limit.
    pub max_retries: Attribute<i64>,
}

/// A mounted file system on a block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted, as in mountinfo, octal escapes undone.
    pub point: String,
    /// File system type.
    pub fstype: String,
    /// Mounted read-only.
    pub read_only: bool,
    /// The block device (disk or map) that it stands on, a partition's whole disk; `None` = could not tell.
    pub disk: Option<String>,
    /// Further disks or maps, of a file system that spans several; `None` = could not tell.
    pub others: Option<Vec<String>>,
    /// The block device itself, a partition where it is one: `sda2`, `dm-0`; `None` = could not tell.
    pub device: Option<String>,
    /// Options of mount and superblock.
    pub options: Vec<String>,
}

/// A file system of which a server answers, not a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedMount {
    /// Where it is mounted, octal escapes undone.
    pub point: String,
    /// Type: `nfs4`, `fuse.sshfs`.
    pub fstype: String,
}

impl Mount {
    /// Every disk or map that is known to be below it.
    pub fn disks(&self) -> impl Iterator<Item = &str> {
        self.disk.iter().chain(self.others.iter().flatten()).map(String::as_str)
    }
}

/// An active swap area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// As in `/proc/swaps`.
    pub path: String,
    /// The disk or map it stands on; `None` = could not tell.
    pub disk: Option<String>,
    /// Further ones on one of which it may stand instead, where its file system spans several;
    /// `None` = could not tell.
    pub others: Option<Vec<String>>,
    /// The area of the highest priority is used first; `None` = could not tell.
    pub priority: Option<i64>,
}

impl Swap {
    /// Every disk or map that is known to be below it.
    pub fn disks(&self) -> impl Iterator<Item = &str> {
        self.disk.iter().chain(self.others.iter().flatten()).map(String::as_str)
    }
}
