//! The programs of a root that make boot files.

/// Which of those that the boot stack has a use for are installed, by their files below `/usr/bin` and
/// `/usr/sbin`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BootTools {
    /// What makes the initramfs; `None` where nothing known is installed.
    pub initramfs: Option<Initramfs>,
    /// What its configuration says of drivers; `None` where that maker's is not known to us, and on a running
    /// machine, where nobody asks.
    pub drivers: Option<Drivers>,
    /// Which files it copies into the initramfs; `None` where that maker's rules are not known to us.
    pub copies: Option<Copies>,
    /// Debian's `update-grub`.
    pub update_grub: bool,
    /// `grub2-mkconfig` or `grub-mkconfig`, whichever is installed, where there is no `update-grub`.
    pub mkconfig: Option<&'static str>,
    /// `rpm-ostree`
    pub rpm_ostree: bool,
    /// openSUSE's `sdbootutil`.
    pub sdbootutil: bool,
    /// It is one that reads `/etc/kernel/cmdline.d` (since March 2026).
    pub cmdline_d: bool,
}

/// Which files an initramfs's maker copies, as far as its rules depend on its version and configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copies {
    /// Whose rules they are: those of initramfs-tools or of dracut.
    pub by: Initramfs,
    /// With dracut: files below `/etc` are copied (`hostonly`); `None` = could not tell.
    pub hostonly: Option<bool>,
    /// What says so.
    pub because: String,
    /// With dracut: rules of udev below `/etc` are among them, as since 103; `None` = could not tell.
    pub rules: Option<bool>,
    /// With dracut: systemd runs in the initramfs; `None` = could not tell.
    pub systemd: Option<bool>,
    /// Files that the configuration names, below the root.
    pub named: Vec<String>,
    /// Why no initramfs is made anew but by the administrator; `None` where nothing says so.
    pub held: Option<String>,
}

/// An initramfs that is there for an installed kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The file, below the root.
    pub path: String,
    /// The kernel's release.
    pub kernel: String,
    /// When it was written, in nanoseconds since 1970; `None` = could not tell, as in an offline root, where
    /// times may be anybody's.
    pub made: Option<i64>,
}

/// What the configuration of an initramfs's maker says of drivers, without ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drivers {
    /// Whose configuration it is: that of initramfs-tools or of dracut.
    pub by: Initramfs,
    /// Which are taken without being named.
    pub taken: Taken,
    /// What says so: file, line and setting, or that nothing does.
    pub because: String,
    /// Modules that are named, with underscores.
    pub named: Vec<String>,
    /// Patterns of modules that are left out, each for a whole name.
    pub left_out: Vec<String>,
    /// What says so; empty where nothing is left out.
    pub left_out_by: String,
    /// Why a file of ours that names drivers is not read, or is undone; `None` where it counts.
    pub undone: Option<Undone>,
}

/// What becomes of a file of ours that names drivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// It has no effect; why.
    Certainly(String),
    /// It may have none; why.
    Perhaps(String),
}

/// The drivers that an initramfs holds without being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Those of all storage and network adapters.
    StorageAndNetwork,
    /// Those of all storage adapters.
    Storage,
    /// Those of all network adapters.
    Network,
    /// Those that the machine needs on which it is made.
    ThatMachine,
    /// None.
    OnlyNamed,
    /// Only a shell that runs can tell.
    Unknown,
}

/// Programs that make an initramfs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initramfs {
    /// `update-initramfs`: initramfs-tools, and newer Debian packages of dracut.
    InitramfsTools,
    /// `dracut`
    Dracut,
    /// Arch's `mkinitcpio`.
    Mkinitcpio,
    /// kernel-install calls another one (`initrd_generator=` of install.conf), or mkosi-initrd alone is there.
    KernelInstall,
}

impl Initramfs {
    /// The name in text.
    pub fn name(self) -> &'static str {
        match self {
            Self::InitramfsTools => "initramfs-tools",
            Self::Dracut => "dracut",
            Self::Mkinitcpio => "mkinitcpio",
            Self::KernelInstall => "a program of kernel-install's",
        }
    }
}
