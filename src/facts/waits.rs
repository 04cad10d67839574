//! What a boot waits for, and how long, as the files of the root say it. Plain data.

use super::{Attribute, UnitLine, UnreadFile};

/// Names by which systemd's own settings are read like units: all devices, and its manager's configuration.
pub const DEVICES: &str = "dev-.device";
/// Devices that systemd names by their place below /sys: see [`DEVICES`].
pub const OTHER_DEVICES: &str = "sys-.device";
/// See [`DEVICES`].
pub const MANAGER: &str = "system.conf";
/// What a boot ends in that waited in vain.
pub const EMERGENCY: &str = "emergency.target";
/// All of them, each with a drop-in of ours.
pub const WAITS: [&str; 4] = [DEVICES, OTHER_DEVICES, MANAGER, EMERGENCY];
/// The service that asks for the password there.
pub const EMERGENCY_SERVICE: &str = "emergency.service";
/// What a unit is told to start with it. Each line adds to those before it, and none takes one away.
pub const WANTS: &str = "Wants";
/// What hvtune's package has for a restart out of it.
pub const RESTART_TIMER: &str = "hvtune-emergency.timer";

/// Waits of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waits {
    /// Seconds that systemd was built with for what starts and for devices; `None` = nobody looked.
    pub built_in: Option<u64>,
    /// Lines of `/etc/fstab` that a boot waits for.
    pub fstab: Vec<FstabWait>,
    /// `event_timeout` of udev's own files, in reading order.
    pub udev: Vec<UnitLine>,
    /// Those of them that could not be read.
    pub udev_unread: Vec<UnreadFile>,
    /// The `init` of initramfs-tools sleeps for as long as `rootdelay=` says, at every boot; absent where there
    /// is no such `init`.
    pub rootdelay_sleeps: Attribute<bool>,
    /// The device to resume from that the configuration of initramfs-tools names.
    pub resume: Attribute<String>,
    /// The first line of `/etc/crypttab` with a disk to unlock; `None` where there is none, unknown where the
    /// file could not be read.
    pub crypttab: Option<Attribute<u32>>,
}

/// A file system or swap of `/etc/fstab` on a block device, that is mounted at boot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FstabWait {
    /// What is mounted, as written.
    pub device: String,
    /// Where, escapes undone; `swap` for swap.
    pub point: String,
    /// Type: `ext4`.
    pub fstype: String,
    /// `nofail`: the boot goes on without it.
    pub nofail: bool,
    /// `_netdev`: it belongs to what comes after the network.
    pub netdev: bool,
    /// `x-systemd.device-timeout=`, as written.
    pub device_timeout: Option<String>,
    /// `x-systemd.mount-timeout=`, as written.
    pub mount_timeout: Option<String>,
}
