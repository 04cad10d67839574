//! What is known about the machine and the root, as plain data.
//!
//! Two halves: [`Machine`] is what only a running machine knows, [`System`] is
//! what the root knows. Nothing here touches a file; nothing here decides.
//! Not knowing is a value: `None` (or [`Attribute::Unknown`]) means "could not
//! tell", and the reason stands in [`Facts::gaps`]. Absence is another value:
//! an empty list, `false`, [`Attribute::Absent`].

mod boot;
mod kernels;
mod members;
mod modprobe;
mod multipath;
mod storage;
mod system;
mod timers;
mod tools;
mod uki;
mod units;
mod waits;
mod writers;

use std::collections::BTreeMap;

use crate::cmdline::Cmdline;
use crate::order::Named;

pub use crate::attribute::Attribute;
pub use crate::formats::boot_line::{BootArg, BootLine, Configured, Holds, LineKind};
pub use boot::{Boot, BootStack, CMDLINE, Fragment, KARGS, StoreFile};
pub use kernels::KernelRelease;
pub use members::{ARRAY_SIGNATURE, LEGS, MEMBER_SIGNATURES, is_leg, is_member};
pub use modprobe::{ModprobeFile, ModprobeLine};
pub use multipath::{MultipathFiles, MultipathLine};
pub use storage::{Class, Disk, Limits, Live, Mount, Role, ServedMount, Swap};
pub use system::{
    ExtMount, IdleAgent, InstalledKernel, ModuleFact, OsRelease, OwnFile, RuleFile, SwapGround, SwapSource,
    System, Waagent, Writers,
};
pub use timers::{
    ErrorPolicy, IscsiFile, IscsiFiles, IscsiSetting, MultipathSetting, SETTING, ScsiTimers, Session, Timers,
    UnreadFile, WATCHED, Watchdog, served,
};
pub use tools::{BootTools, Copies, Drivers, Image, Initramfs, Taken, Undone};
pub use uki::{AddonMaker, Uki};
pub use units::{DropIn, UNIT_DIRS, Unit, UnitFile, UnitLine, drop_in_dirs, is_fleeting};
pub use waits::{
    DEVICES, EMERGENCY, EMERGENCY_SERVICE, FstabWait, MANAGER, OTHER_DEVICES, RESTART_TIMER, WAITS, WANTS,
    Waits,
};
pub use writers::{
    BootScript, Chosen, FileWrites, Hides, LAYERS, Mask, Note, Programs, Saptune, SysctlFile, SysctlFiles,
    Tuned, Ufw, UnitState, Unread,
};

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

impl Facts {
    /// The machine, where it is the running one and the root is its own: live values count, and can be changed.
    pub fn running(&self) -> Option<&Machine> {
        self.machine.as_ref().filter(|machine| machine.origin == Origin::Live && !self.system.offline)
    }

    /// Whether files are made for a machine to come, so that vendor directories are the place.
    pub fn for_image(&self) -> bool {
        self.running().is_none()
    }

    /// Makes the root a layer, which serves machines of every size: of a recorded one the kind alone counts.
    #[must_use]
    pub fn into_layer(mut self) -> Self {
        self.system.layer = true;
        let recorded = |machine: &Machine| machine.origin == Origin::Captured;
        if let Some(machine) = self.machine.take_if(|machine| recorded(machine)) {
            self.machine = Some(machine.of_its_kind());
        }
        self
    }

    /// Leaves of the machine what a template keeps: the kind. Sizes and devices are another's in each clone.
    #[must_use]
    pub fn into_template(mut self) -> Self {
        self.machine = self.machine.map(Machine::of_its_kind);
        self
    }

    /// Whether a file of ours can have this path here.
    pub fn takes(&self, path: &str) -> bool {
        !self.system.layer || path.starts_with("usr/")
    }

    /// Whether hvtune itself puts arguments on the kernel command line of this root.
    pub fn writes_arguments(&self) -> bool {
        let boot = &self.system.boot;
        boot.is_written() && (!self.system.layer || boot.own() == Some(Fragment::Kargs))
    }

    /// Whether nothing beyond the files may be done here: the root or the machine is another's.
    pub fn files_only(&self) -> bool {
        let captured = self.machine.as_ref().is_some_and(|machine| machine.origin == Origin::Captured);
        self.system.offline || captured
    }
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

/// Where the machine half comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// The running machine.
    #[default]
    Live,
    /// A capture: true of some machine, not of this one.
    Captured,
    /// `--assume`: the kind is given, sizes are unknown, nothing was looked at.
    Assumed,
}

/// What only a running machine knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// Where all of this comes from.
    pub origin: Origin,
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
    /// Whether the firmware starts only what is signed by a key that it takes; `None` = could not tell.
    pub secure_boot: Option<bool>,
    /// Every block device that is a whole disk or a map, by name; `None` = could not tell.
    pub disks: Option<Vec<Disk>>,
    /// Mounted file systems that rest on a block device.
    pub mounts: Vec<Mount>,
    /// Mounted file systems of which a server answers: NFS, SMB, FUSE and their like.
    pub served: Vec<ServedMount>,
    /// Active swap.
    pub swaps: Vec<Swap>,
    /// Live `/proc/sys` values of the keys in [`crate::probe::SYSCTL_KEYS`]; a key that the kernel lacks is absent.
    pub sysctls: BTreeMap<String, String>,
    /// Live `/sys/module/MODULE/parameters/NAME` values, by `module.name`.
    pub parameters: BTreeMap<String, String>,
    /// iSCSI sessions by kernel name (`session1`).
    pub sessions: Named<Session>,
    /// Timers below mounts and swap; `None` = nobody looked, as few commands need them.
    pub timers: Option<Timers>,
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

impl Machine {
    /// A machine of the same kind, sizes and devices unknown.
    fn of_its_kind(self) -> Self {
        let hypervisor = self.hypervisor.map(|hypervisor| match hypervisor {
            Hypervisor::HyperV(HyperV { azure, .. }) => {
                Hypervisor::HyperV(HyperV { azure, ..HyperV::default() })
            }
            other => other,
        });
        let (origin, arch, evidence) = (Origin::Assumed, self.arch, self.evidence);
        Self { origin, arch, hypervisor, evidence, ..Self::default() }
    }

    /// Whether nothing was looked at: `--assume`.
    pub fn is_assumed(&self) -> bool {
        self.origin == Origin::Assumed
    }

    /// Whether an iSCSI session serves paths of multipath maps, whose daemon writes its own `recovery_tmo`.
    pub fn serves_paths(&self, session: &str) -> bool {
        let of_session = |disk: &Disk| matches!(&disk.class, Class::Iscsi { session: own } if own == session);
        self.disks.iter().flatten().any(|disk| disk.is_path() && of_session(disk))
    }
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
