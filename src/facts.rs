//! What is known about the machine and the root, as plain data.
//!
//! Two halves: [`Machine`] is what only a running machine knows, [`System`] is
//! what the root knows. Nothing here touches a file; nothing here decides.
//! Not knowing is a value: `None` (or [`Attribute::Unknown`]) means "could not
//! tell", and the reason stands in [`Facts::gaps`]. Absence is another value:
//! an empty list, `false`, [`Attribute::Absent`].

use std::collections::{BTreeMap, BTreeSet};

use crate::cmdline::Cmdline;

/// Everything that a decision may rest on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The running (or captured, or assumed) machine; `None` = could not tell.
    pub machine: Option<Machine>,
    /// The root: distribution, installed kernels, boot stack, other writers.
    pub system: System,
    /// What could not be read, in reading order.
    pub gaps: Vec<Gap>,
}

/// One fact that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which fact: `disks.sda.scheduler`, `hypervisor.cpuid`.
    pub fact: String,
    /// The path that was tried, relative to its root.
    pub path: String,
    /// The reason, in words.
    pub why: String,
}

impl Gap {
    /// A gap, from its three texts.
    pub fn new(fact: &str, path: &str, why: impl Into<String>) -> Self {
        Self { fact: fact.to_owned(), path: path.to_owned(), why: why.into() }
    }
}

/// An attribute file: its value, or that it is not there, or that it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Attribute<T> {
    /// The file was read and understood.
    Is(T),
    /// The kernel does not have this attribute.
    Absent,
    /// It could not be read or understood; a [`Gap`] says why. Also: nobody looked.
    #[default]
    Unknown,
}

impl<T> Attribute<T> {
    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// The value itself, where there is one.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// Processor architecture, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// `x86_64`
    X86_64,
    /// `aarch64`
    Aarch64,
    /// Anything else.
    Other,
}

impl Arch {
    /// The kernel's own name for it (`uname -m`).
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Other => "other",
        }
    }
}

/// What only a running machine knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// `--assume`: the kind is given, sizes are unknown, nothing was looked at.
    pub assumed: bool,
    /// Processor architecture.
    pub arch: Option<Arch>,
    /// Under what it runs; `None` = could not tell.
    pub hypervisor: Option<Hypervisor>,
    /// What the verdict on the hypervisor rests on, in the order looked at.
    pub evidence: Vec<Evidence>,
    /// Present processors.
    pub cpus: Option<u32>,
    /// `MemTotal` in bytes.
    pub memory: Option<u64>,
    /// The running kernel.
    pub kernel: Option<KernelRelease>,
    /// The running kernel's command line.
    pub cmdline: Option<Cmdline>,
    /// Every block device that is a whole disk or a map, by name; `None` = could not tell.
    pub disks: Option<Vec<Disk>>,
    /// Mounted file systems that rest on a block device.
    pub mounts: Vec<Mount>,
    /// Active swap.
    pub swaps: Vec<Swap>,
    /// Live `/proc/sys` values of the keys in [`crate::probe::SYSCTL_KEYS`]; a key that the kernel lacks is absent.
    pub sysctls: BTreeMap<String, String>,
    /// Live `/sys/module/MODULE/parameters/NAME` values, by `module.name`.
    pub parameters: BTreeMap<String, String>,
}

/// One observation behind the hypervisor verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where it was seen: `cpuid 0x40000000`, `sys/bus/vmbus/devices`.
    pub from: String,
    /// What was seen there.
    pub found: String,
    /// What it speaks for.
    pub means: String,
}

/// Under what the machine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hypervisor {
    /// No hypervisor: bare metal.
    NotVirtual,
    /// A guest of Hyper-V, Azure included.
    HyperV(HyperV),
    /// The Hyper-V root (parent) partition: it owns the hardware and is no guest.
    RootPartition,
    /// Windows Subsystem for Linux 2: a Hyper-V utility VM whose kernel and disks Windows owns.
    Wsl,
    /// A container; the inner name (`docker`, `lxc`, `systemd-nspawn`) where known.
    Container(String),
    /// Another hypervisor, by name (`kvm`, `vmware`, `xen`, …).
    Other(String),
}

impl Hypervisor {
    /// The name in JSON and text: `hyperv`, `none`, `wsl`, `container`, or the other's name.
    pub fn kind(&self) -> &str {
        match self {
            Self::NotVirtual => "none",
            Self::HyperV(_) => "hyperv",
            Self::RootPartition => "hyperv-root",
            Self::Wsl => "wsl",
            Self::Container(_) => "container",
            Self::Other(name) => name,
        }
    }
}

/// A Hyper-V guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HyperV {
    /// On Azure; `None` = could not tell.
    pub azure: Option<bool>,
    /// Generation 1 (BIOS) or 2 (UEFI).
    pub generation: Option<u8>,
    /// A confidential virtual machine's kind.
    pub isolation: Option<Isolation>,
    /// VMBus devices by class, counted.
    pub vmbus: BTreeMap<VmbusClass, u32>,
}

/// Isolation of a Hyper-V guest (CPUID 0x4000000C EBX bits 3:0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Not isolated.
    None,
    /// Virtualisation-based security.
    Vbs,
    /// AMD SEV-SNP.
    Snp,
    /// Intel TDX.
    Tdx,
}

impl Isolation {
    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Vbs => "vbs",
            Self::Snp => "snp",
            Self::Tdx => "tdx",
        }
    }
}

/// VMBus device classes that matter here (include/linux/hyperv.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VmbusClass {
    /// Synthetic SCSI controller.
    Scsi,
    /// Synthetic IDE controller (generation 1).
    Ide,
    /// Synthetic Fibre Channel adapter.
    FibreChannel,
    /// PCI pass-through: SR-IOV, DDA, Azure NVMe.
    Pci,
    /// Network adapter.
    Nic,
    /// Dynamic memory.
    Balloon,
    /// Any other class.
    Other,
}

/// A kernel release string and its numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelRelease {
    /// Major, minor, patch; a missing patch is 0.
    pub version: (u32, u32, u32),
    /// The whole string: `6.1.0-18-cloud-amd64`.
    pub release: String,
}

impl KernelRelease {
    /// Reads `6.1.0-18-amd64`, `3.10.0-1160.el7.x86_64`, `6.18`; `None` where no `N.N` leads.
    pub fn parse(text: &str) -> Option<Self> {
        let release = text.trim();
        let digits = |part: &str| -> Option<u32> {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end)?.parse().ok()
        };
        let mut parts = release.splitn(3, '.');
        let major = digits(parts.next()?)?;
        let minor = digits(parts.next()?)?;
        let patch = parts.next().and_then(digits).unwrap_or(0);
        Some(Self { version: (major, minor, patch), release: release.to_owned() })
    }

    /// At least this major and minor version.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.version.0, self.version.1) >= (major, minor)
    }

    /// Red Hat's 3.10 of release 7, whose storvsc is not that of 3.10.
    pub fn is_el7(&self) -> bool {
        self.version.0 == 3 && self.version.1 == 10 && self.release.contains(".el7")
    }
}

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
    /// A path of a multipath map.
    Path,
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
            Self::Path => "path",
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
    /// SCSI vendor, trimmed and made printable: for people only, never for a decision.
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
    /// Options of mount and superblock.
    pub options: Vec<String>,
}

/// An active swap area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// As in `/proc/swaps`.
    pub path: String,
    /// The disk or map it stands on; `None` = could not tell.
    pub disk: Option<String>,
}

/// What the root knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    /// The root is not that of the running machine.
    pub offline: bool,
    /// Of the distribution.
    pub os: Option<OsRelease>,
    /// Processor architecture, by the dynamic loader's name.
    pub arch: Option<Arch>,
    /// Installed kernels, oldest first; `None` = could not tell.
    pub kernels: Option<Vec<InstalledKernel>>,
    /// How it boots.
    pub boot: Boot,
    /// Other writers of the same knobs.
    pub owners: Owners,
    /// Files that carry our marker.
    pub ours: Vec<OwnFile>,
}

/// A file of ours found in the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Its path below the root, no leading slash.
    pub path: String,
    /// Ids of the tunables named in its comments.
    pub ids: BTreeSet<String>,
}

/// `os-release`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    /// `ID`
    pub id: String,
    /// `ID_LIKE`, split.
    pub id_like: Vec<String>,
    /// `VERSION_ID`
    pub version_id: String,
    /// `PRETTY_NAME`, made printable.
    pub pretty_name: String,
}

/// A kernel below `/usr/lib/modules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledKernel {
    /// Its release.
    pub release: KernelRelease,
    /// Per module of [`crate::probe::MODULES`]: built in, loadable, absent, or could not tell.
    pub modules: BTreeMap<String, ModuleFact>,
}

/// What an installed kernel says of one module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModuleFact {
    /// Built into the kernel image; `None` = could not tell.
    pub builtin: Option<bool>,
    /// Its parameters; `Unknown` where a compressed module hides them.
    pub parameters: Attribute<BTreeSet<String>>,
}

/// How the root boots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Boot {
    /// Which stack; see persistence of the kernel command line.
    pub stack: BootStack,
    /// Why it was taken for that.
    pub because: String,
    /// Arguments configured by others in /etc/default/grub and its directory (ours left out), in order.
    pub configured: Option<Vec<String>>,
    /// Fragments of /etc/default/grub.d that sort after ours and set the same variable.
    pub later_fragments: Vec<String>,
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
    /// The name in JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootc => "bootc",
            Self::Ostree => "ostree",
            Self::Flatcar => "flatcar",
            Self::TransactionalUpdate => "transactional-update",
            Self::Uki => "uki",
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

/// Other writers of the knobs that we set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owners {
    /// The Azure Linux agent, where its configuration is present.
    pub waagent: Option<Waagent>,
    /// azure-vm-utils' `80-azure-disk.rules` is in force.
    pub azure_vm_utils: bool,
    /// tuned's active profile, where tuned is configured.
    pub tuned: Option<String>,
    /// saptune is installed.
    pub saptune: bool,
    /// multipath-tools is configured or installed.
    pub multipath: bool,
    /// open-iscsi is configured or installed.
    pub iscsi: bool,
    /// Sysctl lines of other files, in the order in which systemd-sysctl reads them.
    pub sysctls: Vec<SysctlLine>,
    /// Attribute writes of other udev rules, in the order in which udev reads them.
    pub rules: Vec<RuleWrite>,
    /// Module options of other files, in kmod's order.
    pub options: Vec<OptionLine>,
}

/// waagent.conf, as far as it holds a timer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waagent {
    /// `OS.RootDeviceScsiTimeout`: seconds it writes to every sd disk; `None` = switched off.
    pub scsi_timeout: Option<u64>,
    /// Its file, below the root.
    pub path: String,
}

/// One assignment of somebody else's sysctl file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysctlLine {
    /// File, below the root.
    pub path: String,
    /// Line number, from 1.
    pub line: u32,
    /// Key with dots.
    pub key: String,
    /// Value as written.
    pub value: String,
}

/// One attribute write of somebody else's udev rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleWrite {
    /// File, below the root.
    pub path: String,
    /// Line number, from 1.
    pub line: u32,
    /// Attribute: `queue/scheduler`.
    pub attr: String,
    /// Value as written.
    pub value: String,
}

/// One `options` line of somebody else's modprobe.d file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionLine {
    /// File, below the root.
    pub path: String,
    /// Line number, from 1.
    pub line: u32,
    /// Module with underscores.
    pub module: String,
    /// Parameter.
    pub parameter: String,
    /// Value as written.
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_many_distributions_parse() {
        for (text, version) in [
            ("6.1.0-18-cloud-amd64\n", (6, 1, 0)),
            ("3.10.0-1160.el7.x86_64", (3, 10, 0)),
            ("6.18", (6, 18, 0)),
            ("6.12.74+deb13-cloud-amd64", (6, 12, 74)),
            ("5.15.167.4-microsoft-standard-WSL2", (5, 15, 167)),
            ("7.2-rc1", (7, 2, 0)),
        ] {
            assert_eq!(KernelRelease::parse(text).map(|k| k.version), Some(version), "{text}");
        }
        for text in ["", "x", "6", "linux-6.1"] {
            assert_eq!(KernelRelease::parse(text), None, "{text}");
        }
    }

    #[test]
    fn el7_is_not_vanilla_3_10() {
        let parse = |text| KernelRelease::parse(text).unwrap();
        assert!(parse("3.10.0-1160.el7.x86_64").is_el7());
        assert!(!parse("3.10.33").is_el7());
        assert!(!parse("6.1.0.el7").is_el7());
    }
}
