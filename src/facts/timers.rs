//! Timers that end a stall, as plain data: what only `hvtune survive` and the
//! tunables of iSCSI, multipath and systemd look at.

use std::collections::BTreeMap;

use super::Attribute;
use crate::order::Named;

/// What only a running machine knows of timers, beside the disks' own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timers {
    /// SCSI disks below a mount or swap, by disk.
    pub scsi: Named<ScsiTimers>,
    /// Names that device-mapper devices were given, by disk.
    pub maps: BTreeMap<String, String>,
    /// RAID levels (`raid1`), by md disk.
    pub levels: Named<Attribute<String>>,
    /// What file systems say of errors, by block device (`sda2`, `dm-0`).
    pub errors: Named<ErrorPolicy>,
}

/// Error handling of a SCSI disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScsiTimers {
    /// `device/state`: `running`, `blocked`, `transport-offline`, `offline`.
    pub state: Attribute<String>,
    /// `device/eh_timeout`: seconds that error handling gives each of its own commands.
    pub eh_timeout: Attribute<u64>,
}

/// An iSCSI session of the kernel's initiator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Session {
    /// `recovery_tmo` in seconds: how long I/O waits for a dropped session; -1 = for ever.
    pub recovery_tmo: Attribute<i64>,
    /// `recv_tmo` of its connection: seconds of silence before a NOP is sent; 0 = never.
    pub noop_interval: Attribute<u64>,
    /// `ping_tmo` of its connection: seconds that the answer to a NOP may take.
    pub noop_timeout: Attribute<u64>,
    /// `abort_tmo`, `lu_reset_tmo`, `tgt_reset_tmo`: seconds that each step of error handling may take.
    pub handling: [Attribute<u64>; 3],
}

/// What a file system does about errors, and those that it met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorPolicy {
    /// ext4: errors recorded in the superblock since the last fsck.
    pub ext4_errors: Attribute<u64>,
    /// XFS: `error/metadata/default/max_retries`; -1 = for ever.
    pub xfs_retries: Attribute<i64>,
    /// XFS: `error/metadata/default/retry_timeout_seconds`; -1 = for ever.
    pub xfs_retry_seconds: Attribute<i64>,
}

/// A file that is there and could not be read: whatever it says is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadFile {
    /// Below the root.
    pub path: String,
    /// Why.
    pub why: String,
}

impl UnreadFile {
    /// One sentence: which file, and why.
    pub fn said(&self) -> String {
        format!("{} could not be read: {}", self.path, self.why)
    }
}

/// open-iscsi's files, as far as they hold a timer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IscsiFiles {
    /// `iscsid.conf`: what new node records get.
    pub conf: Option<IscsiFile>,
    /// Node records that discovery wrote, by path: what a session gets at login.
    pub records: Vec<IscsiFile>,
    /// Files and directories of theirs that could not be read.
    pub unread: Vec<UnreadFile>,
}

/// One of open-iscsi's files: `key = value` lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IscsiFile {
    /// Below the root.
    pub path: String,
    /// The settings that hold a timer; the last of a key counts.
    pub settings: Named<IscsiSetting>,
    /// A record that is a link, which is somebody's arrangement: read, but not edited.
    pub linked: bool,
}

/// One setting of such a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IscsiSetting {
    /// Line number, from 1.
    pub line: u32,
    /// The number that open-iscsi takes it for.
    pub value: i64,
    /// As written.
    pub shown: String,
}

impl IscsiFile {
    /// A setting as a number.
    pub fn number(&self, key: &str) -> Option<i64> {
        Some(self.settings.get(key)?.value)
    }
}

/// One timer of multipath.conf or its drop-ins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipathSetting {
    /// File, below the root.
    pub path: String,
    /// Line number, from 1.
    pub line: u32,
    /// Section: `defaults`, `overrides`, `devices`, `multipaths`, `protocol`.
    pub section: String,
    /// Key: `no_path_retry`.
    pub key: String,
    /// Value, unquoted.
    pub value: String,
}

impl MultipathSetting {
    /// Whether a file of ours says so.
    pub fn is_ours(&self) -> bool {
        self.path.ends_with("/90-hvtune.conf")
    }
}

/// systemd's own services that carry a watchdog and need the disk
/// (<https://github.com/systemd/systemd/tree/v257/units>).
pub const WATCHED: &[&str] = &[
    "systemd-journald.service",
    "systemd-udevd.service",
    "systemd-logind.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
];

/// systemd's own services that apply settings early in the boot, once, and are not tried again
/// (<https://github.com/systemd/systemd/tree/v257/units>).
pub const SETTING: &[&str] =
    &["systemd-sysctl.service", "systemd-modules-load.service", "systemd-journal-flush.service"];

/// Services that a drop-in of ours may be for: [`WATCHED`] and [`SETTING`].
pub fn served() -> impl Iterator<Item = &'static str> {
    WATCHED.iter().chain(SETTING).copied()
}

/// What systemd waits for a service's sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watchdog {
    /// `systemd-journald.service`
    pub unit: String,
    /// `WatchdogSec` in seconds, fractions cut, without what a file of ours says; 0 = off.
    pub seconds: u64,
    /// The same with what a file of ours says.
    pub with_ours: u64,
    /// The file that says the first, below the root.
    pub path: String,
}
