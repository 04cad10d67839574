//! The kinds of file that are rendered, and the template of each.

use super::Effect;

/// The kinds of file that are rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// udev rules
    Udev,
    /// sysctl.d
    Sysctl,
    /// modprobe.d
    Modprobe,
    /// /etc/default/grub.d
    Grub,
    /// bootc's `kargs.d`, in an image
    Kargs,
    /// `/etc/kernel/cmdline.d`, which sdbootutil reads
    Cmdline,
    /// multipath/conf.d
    Multipath,
    /// A drop-in of a systemd service; one file for each
    Unit,
    /// Drivers that an initramfs's maker is told to take
    Drivers,
    /// How long systemd waits: for all devices, or for whatever says nothing of its own; one file for each
    Waits,
    /// A script that initramfs-tools runs before it waits for root
    Premount,
}

impl Format {
    /// All of them, in the order of files in a plan.
    pub const ALL: [Self; 11] = [
        Self::Udev,
        Self::Sysctl,
        Self::Modprobe,
        Self::Grub,
        Self::Kargs,
        Self::Cmdline,
        Self::Multipath,
        Self::Unit,
        Self::Drivers,
        Self::Waits,
        Self::Premount,
    ];

    /// The template's file name, embedded and under `/etc/hvtune/templates/`.
    pub fn template(self) -> &'static str {
        match self {
            Self::Udev => "udev.rules.tera",
            Self::Sysctl => "sysctl.conf.tera",
            Self::Modprobe => "modprobe.conf.tera",
            Self::Grub => "grub.cfg.tera",
            Self::Kargs => "kargs.toml.tera",
            Self::Cmdline => "cmdline.conf.tera",
            Self::Multipath => "multipath.conf.tera",
            Self::Unit => "unit.conf.tera",
            Self::Drivers => "drivers.conf.tera",
            Self::Waits => "waits.conf.tera",
            Self::Premount => "premount.sh.tera",
        }
    }

    pub(super) fn embedded(self) -> &'static str {
        match self {
            Self::Udev => include_str!("../../templates/udev.rules.tera"),
            Self::Sysctl => include_str!("../../templates/sysctl.conf.tera"),
            Self::Modprobe => include_str!("../../templates/modprobe.conf.tera"),
            Self::Grub => include_str!("../../templates/grub.cfg.tera"),
            Self::Kargs => include_str!("../../templates/kargs.toml.tera"),
            Self::Cmdline => include_str!("../../templates/cmdline.conf.tera"),
            Self::Multipath => include_str!("../../templates/multipath.conf.tera"),
            Self::Unit => include_str!("../../templates/unit.conf.tera"),
            Self::Drivers => include_str!("../../templates/drivers.conf.tera"),
            Self::Waits => include_str!("../../templates/waits.conf.tera"),
            Self::Premount => include_str!("../../templates/premount.sh.tera"),
        }
    }

    /// What must follow before such a file takes effect.
    pub fn effect(self) -> Effect {
        match self {
            Self::Udev => Effect::ReloadUdev,
            Self::Sysctl => Effect::WriteSysctl,
            Self::Modprobe | Self::Drivers | Self::Premount => Effect::Initramfs,
            Self::Grub => Effect::BootMenu,
            Self::Kargs | Self::Cmdline => Effect::BootEntries,
            Self::Multipath => Effect::ReloadMultipath,
            Self::Unit | Self::Waits => Effect::ReloadUnits,
        }
    }

    /// Permission bits of such a file.
    pub(super) fn mode(self) -> u32 {
        if self == Self::Premount { 0o755 } else { 0o644 }
    }
}
