//! How the root boots, and what the next kernel gets on its command line.

use super::{BootTools, Image, Uki};
use crate::formats::boot_line::{BootLine, Configured};
use crate::stores::Store;

/// How the root boots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Boot {
    /// Which stack; see persistence of the kernel command line.
    pub stack: BootStack,
    /// Why it was taken for that.
    pub because: String,
    /// What leaves it open whether the machine boots by that stack; `None`: nothing does.
    pub unsure: Option<String>,
    /// Other stacks that look alive too, and why.
    pub others: Vec<(BootStack, String)>,
    /// What `/etc/default/grub` and all that it sources configure.
    pub configured: Configured,
    /// What the boot entries that are there pass, and what a kernel that comes later inherits.
    pub lines: Vec<BootLine>,
    /// The files that our arguments go to, in the order in which they are written; empty on a stack with
    /// none.
    pub stores: Vec<StoreFile>,
    /// A directory of argument files, found besides `/etc/default/grub.d`; asked for by [`Self::own`].
    pub listed: Option<Fragment>,
    /// Unified kernel images, on a stack that boots them.
    pub uki: Option<Uki>,
    /// What could not be read or understood of the entries.
    pub doubts: Vec<String>,
    /// Programs of the root that make this stack's boot files.
    pub tools: BootTools,
    /// The one menu that grub-mkconfig made, below the root; `None` where there is none, or more than one.
    pub menu: Option<String>,
    /// Whether the menu was made before a file that our arguments go to was written; `None` = could not tell, as in
    /// an offline root, where times may be anybody's.
    pub menu_older: Option<bool>,
    /// `/etc/kernel/cmdline` is there, on a stack that takes a new kernel's arguments from it.
    pub kernel_cmdline: bool,
    /// Each installed kernel's initramfs, where it lies in `/boot` by a name that its makers give.
    pub images: Vec<Image>,
}

impl Boot {
    /// Whether openSUSE's sdbootutil makes the boot entries, from `/etc/kernel/cmdline` and beside it.
    pub fn by_sdbootutil(&self) -> bool {
        self.stack == BootStack::SystemdBoot && self.tools.sdbootutil
    }

    /// The directory of argument files that this stack reads, and in which one file is ours. Which of them it
    /// is, is decided here alone.
    pub fn own(&self) -> Option<Fragment> {
        match self.stack {
            stack if stack.has_fragment() => Some(Fragment::GrubD),
            BootStack::Bootc | BootStack::SystemdBoot => self.listed,
            _ => None,
        }
    }

    /// Whether hvtune writes this root's kernel arguments: to a file of its own, or to files of others.
    pub fn is_written(&self) -> bool {
        self.own().is_some() || !self.stores.is_empty() || self.has_addon()
    }

    /// Whether they go to an addon of ours.
    pub fn has_addon(&self) -> bool {
        self.uki.as_ref().is_some_and(|uki| uki.by_hand.is_none())
    }
}

/// Directories of argument files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragment {
    /// `/etc/default/grub.d`
    GrubD,
    /// [`KARGS`]
    Kargs,
    /// [`CMDLINE`]
    Cmdline,
}

/// What bootc reads of an image.
pub const KARGS: &str = "usr/lib/bootc/kargs.d";
/// What sdbootutil puts behind `/etc/kernel/cmdline`.
pub const CMDLINE: &str = "etc/kernel/cmdline.d";

/// A file that holds a command line, to which arguments of ours go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFile {
    /// The file, below the root.
    pub path: String,
    /// Its format.
    pub store: Store<'static>,
    /// Why no argument can be put there, where that is so and the stack needs it.
    pub problem: Option<String>,
}

/// Boot stacks told apart (first hit wins).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BootStack {
    /// bootc image.
    Bootc,
    /// rpm-ostree / ostree without bootc.
    Ostree,
    /// Flatcar.
    Flatcar,
    /// SUSE transactional-update (SLE Micro, `MicroOS`).
    TransactionalUpdate,
    /// Unified kernel images.
    Uki,
    /// nullboot of confidential Ubuntu guests: shim boots a sealed image, GRUB is not asked.
    Nullboot,
    /// systemd-boot.
    SystemdBoot,
    /// SUSE's perl-bootloader with GRUB.
    SuseGrub,
    /// GRUB with BLS entries whose options are `$kernelopts` (EL 8).
    GrubBlsKernelopts,
    /// GRUB with static BLS entries (EL 9, Fedora).
    GrubBls,
    /// GRUB without BLS, no /etc/default/grub.d (EL 7).
    GrubMkconfig,
    /// Azure Linux whose /etc/default/grub sources grub.d.
    AzureLinuxGrubD,
    /// Azure Linux with grubenv `kernelopts`.
    AzureLinuxGrubenv,
    /// Debian, Ubuntu: grub-mkconfig that sources /etc/default/grub.d.
    DebianGrub,
    /// No boot loader found where /boot holds a kernel: none, or one we do not know.
    Unrecognised,
    /// Nothing to tell it by: /boot or the ESP may be unmounted.
    #[default]
    Unknown,
}

impl BootStack {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Bootc,
        Self::Ostree,
        Self::Flatcar,
        Self::TransactionalUpdate,
        Self::Uki,
        Self::Nullboot,
        Self::SystemdBoot,
        Self::SuseGrub,
        Self::GrubBlsKernelopts,
        Self::GrubBls,
        Self::GrubMkconfig,
        Self::AzureLinuxGrubD,
        Self::AzureLinuxGrubenv,
        Self::DebianGrub,
        Self::Unrecognised,
        Self::Unknown,
    ];

    /// Whether `/etc/default/grub.d` is read, so that our arguments have a file of their own.
    pub fn has_fragment(self) -> bool {
        matches!(self, Self::DebianGrub | Self::AzureLinuxGrubD)
    }

    /// Those that a policy may name.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|stack| !matches!(stack, Self::Unrecognised | Self::Unknown))
    }

    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootc => "bootc",
            Self::Ostree => "ostree",
            Self::Flatcar => "flatcar",
            Self::TransactionalUpdate => "transactional-update",
            Self::Uki => "uki",
            Self::Nullboot => "nullboot",
            Self::SystemdBoot => "systemd-boot",
            Self::SuseGrub => "suse-grub",
            Self::GrubBlsKernelopts => "grub-bls-kernelopts",
            Self::GrubBls => "grub-bls",
            Self::GrubMkconfig => "grub-mkconfig",
            Self::AzureLinuxGrubD => "azurelinux-grub.d",
            Self::AzureLinuxGrubenv => "azurelinux-grubenv",
            Self::DebianGrub => "debian-grub",
            Self::Unrecognised => "unrecognised",
            Self::Unknown => "unknown",
        }
    }
}
