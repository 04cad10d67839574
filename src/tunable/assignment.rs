//! What is set: a knob, the value it is to have, and what must hold besides.

use crate::facts::{DEVICES, Disk, EMERGENCY, MANAGER, OTHER_DEVICES};
use crate::scale::{Position, Scale};
use crate::value::Value;

/// One knob and the value it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Which knob.
    pub target: Target,
    /// How exactly.
    pub want: Want,
    /// What must also hold on the device when the rule runs.
    pub guard: Option<Guard>,
}

impl Assignment {
    /// An assignment without a guard.
    pub fn new(target: Target, want: Want) -> Self {
        Self { target, want, guard: None }
    }

    /// Whether what was found will do.
    pub fn met_by(&self, found: &str) -> bool {
        self.want.met_by(self.target.scale(), found)
    }

    /// Where the knob is turned, in JSON and text; no two assignments of a plan have the same knob and
    /// place. Where a class gets a scheduler for each of the kernel's two request paths, the legacy one
    /// is told apart.
    pub fn place(&self) -> String {
        let place = self.target.place();
        let scheduler = matches!(self.target, Target::Udev { attr: UdevAttr::Scheduler, .. });
        if scheduler && self.want.value().as_str() == "noop" { format!("{place},legacy") } else { place }
    }

    /// What the knob must hold.
    pub fn wanted(&self) -> Wanted {
        if let Target::DropKernelArg(_) = self.target {
            return Wanted::ABSENT;
        }
        Wanted { op: self.want.op(), value: Some(self.want.value()) }
    }

    /// The same with a guard.
    #[must_use]
    pub fn guarded(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }
}

/// What a udev rule looks at on the device, at boot, before it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The scheduler file names this one, active or not.
    Offers(&'static str),
    /// `nr_requests` is above this number now, so that writing the number cannot be refused.
    RequestsAbove(u64),
    /// The disk calls itself rotational.
    Rotational,
}

/// A knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A key of `/proc/sys`, with dots.
    Sysctl(&'static str),
    /// An attribute of every device of a class, written by udev.
    Udev {
        /// Which devices.
        select: Select,
        /// Which attribute.
        attr: UdevAttr,
    },
    /// A module's parameter; `render` decides between modprobe.d and the command line.
    ModuleOption {
        /// Module with underscores.
        module: &'static str,
        /// Parameter.
        option: &'static str,
    },
    /// A setting of open-iscsi's: in its file for new node records, in the records, and live.
    Iscsi(&'static str),
    /// A setting of the Azure agent's.
    Waagent(&'static str),
    /// An option of the file systems in `/etc/fstab` that know it.
    Fstab(&'static str),
    /// A key of multipath.conf.
    Multipath {
        /// Section: `defaults` or `overrides`.
        section: &'static str,
        /// Key.
        key: &'static str,
    },
    /// A property of a systemd service.
    Unit {
        /// The service: `systemd-journald.service`.
        unit: &'static str,
        /// The property: `WatchdogSec`.
        property: &'static str,
    },
    /// A driver that the initramfs must hold.
    Driver(&'static str),
    /// A variable of initramfs-tools, raised before it waits for root.
    Premount(&'static str),
    /// A kernel argument to add.
    KernelArg(&'static str),
    /// A kernel argument to take away wherever the distribution or the administrator put it.
    DropKernelArg(&'static str),
}

/// A class of devices that one rule line selects; never a single device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Select {
    /// Disks of synthetic SCSI controllers.
    StorvscScsi,
    /// Disks of synthetic SCSI controllers that no array, pool or map stands on.
    StorvscScsiAlone,
    /// Disks of synthetic IDE controllers.
    StorvscIde,
    /// Disks of synthetic IDE controllers that no array, pool or map stands on.
    StorvscIdeAlone,
    /// LUNs behind synthetic Fibre Channel adapters.
    StorvscFc,
    /// LUNs of in-guest iSCSI sessions.
    Iscsi,
    /// LUNs of in-guest iSCSI sessions that multipath does not use as paths.
    IscsiSinglePath,
    /// Azure remote disks over NVMe.
    NvmeAzureRemote,
    /// NVMe devices passed through by VMBus PCI, other than Azure's own.
    NvmePassthrough,
    /// Device-mapper multipath maps.
    Multipath,
}

impl Select {
    /// Whether a disk of this class is selected. Roles count where the rule looks at them too.
    pub fn takes(self, disk: &Disk) -> bool {
        let same = disk.class.name() == self.name();
        match self {
            Self::IscsiSinglePath => same && !disk.is_path(),
            Self::StorvscScsiAlone | Self::StorvscIdeAlone => same && disk.is_alone(),
            Self::NvmeAzureRemote | Self::NvmePassthrough => same && !disk.is_hidden(),
            _ => same,
        }
    }

    /// What is selected, in JSON and text, unlike every other selection: the class, then what narrows it.
    pub fn selected(self) -> String {
        match self {
            Self::IscsiSinglePath => format!("{},no-path", self.name()),
            Self::StorvscScsiAlone | Self::StorvscIdeAlone => format!("{},alone", self.name()),
            _ => self.name().to_owned(),
        }
    }

    /// The name of the class in JSON, text and the udev mark.
    pub fn name(self) -> &'static str {
        match self {
            Self::StorvscScsi | Self::StorvscScsiAlone => "storvsc-scsi",
            Self::StorvscIde | Self::StorvscIdeAlone => "storvsc-ide",
            Self::StorvscFc => "storvsc-fc",
            Self::Iscsi | Self::IscsiSinglePath => "iscsi",
            Self::NvmeAzureRemote => "nvme-azure-remote",
            Self::NvmePassthrough => "nvme",
            Self::Multipath => "multipath",
        }
    }
}

/// The attributes that rules of ours write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UdevAttr {
    /// `queue/scheduler`
    Scheduler,
    /// `queue/nr_requests`
    NrRequests,
    /// `queue/read_ahead_kb`
    ReadAheadKb,
    /// `queue/io_timeout`, milliseconds
    IoTimeout,
    /// `device/timeout`, seconds
    Timeout,
    /// `max_retries` of the disk's `scsi_disk` device
    MaxRetries,
}

impl UdevAttr {
    /// The knob's name: the attribute's path below the disk, of `max_retries` its last part.
    pub fn path(self) -> &'static str {
        match self {
            Self::Scheduler => "queue/scheduler",
            Self::NrRequests => "queue/nr_requests",
            Self::ReadAheadKb => "queue/read_ahead_kb",
            Self::IoTimeout => "queue/io_timeout",
            Self::Timeout => "device/timeout",
            Self::MaxRetries => "max_retries",
        }
    }
}

/// What a knob must hold: a comparison with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `=`, `>=`, `<=`, or `absent`.
    pub op: &'static str,
    /// What to compare with; `None` where the knob must be absent.
    pub value: Option<Value>,
}

impl Wanted {
    /// Something that must not be there.
    pub const ABSENT: Self = Self { op: "absent", value: None };
}

/// How exactly a value is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// This value.
    Exactly(Value),
    /// This number or more: a larger one, set by whoever, is left alone.
    AtLeast(u64),
    /// This number or less: a smaller one, set by whoever, is left alone.
    AtMost(u64),
}

impl Want {
    /// The value to write.
    pub fn value(&self) -> Value {
        match self {
            Self::Exactly(value) => value.clone(),
            Self::AtLeast(number) | Self::AtMost(number) => Value::number(*number),
        }
    }

    /// How what is found is compared with the value.
    pub fn op(&self) -> &'static str {
        match self {
            Self::Exactly(_) => "=",
            Self::AtLeast(_) => ">=",
            Self::AtMost(_) => "<=",
        }
    }

    /// How it is wanted, in words: `10`, `at least 240`.
    pub fn phrase(&self) -> String {
        match self {
            Self::Exactly(value) => value.to_string(),
            Self::AtLeast(number) => format!("at least {number}"),
            Self::AtMost(number) => format!("at most {number}"),
        }
    }

    /// Whether what was found will do, on the knob's own scale.
    pub fn met_by(&self, scale: Scale, found: &str) -> bool {
        let have = || scale.position(found);
        let wanted = |number: u64| Position::At(i64::try_from(number).unwrap_or(i64::MAX));
        match self {
            Self::Exactly(value) => {
                found.split_ascii_whitespace().eq(value.as_str().split_ascii_whitespace())
            }
            Self::AtLeast(number) => have().is_some_and(|have| have >= wanted(*number)),
            Self::AtMost(number) => have().is_some_and(|have| have <= wanted(*number)),
        }
    }
}

/// Kernel arguments that count while a boot waits, and at no other time.
const OF_A_BOOT: &[&str] = &["udev.event_timeout", "rd.retry", "rd.shell", "rd.emergency"];

impl Target {
    /// Whether it counts while the guest boots, and at no other time: nothing is gained by a restart for its sake.
    pub fn is_of_a_boot(&self) -> bool {
        match self {
            Self::Premount(_) | Self::Unit { unit: EMERGENCY, .. } => true,
            Self::KernelArg(key) => OF_A_BOOT.contains(key),
            Self::ModuleOption { module, option } => (*module, *option) == ("nvme_core", "admin_timeout"),
            _ => false,
        }
    }

    /// The knob's name in JSON and text.
    pub fn knob(&self) -> String {
        match self {
            Self::Sysctl(key)
            | Self::KernelArg(key)
            | Self::DropKernelArg(key)
            | Self::Iscsi(key)
            | Self::Waagent(key)
            | Self::Fstab(key)
            | Self::Driver(key)
            | Self::Premount(key)
            | Self::Multipath { key, .. } => (*key).to_owned(),
            Self::Unit { property, .. } => (*property).to_owned(),
            Self::Udev { attr, .. } => attr.path().to_owned(),
            Self::ModuleOption { module, option } => format!("{module}.{option}"),
        }
    }

    /// The order of its values.
    pub fn scale(&self) -> Scale {
        Scale::of(&self.knob())
    }

    /// The section of systemd's configuration that a property stands in, where that is none of a service's.
    pub fn section(&self) -> Option<&'static str> {
        match self {
            Self::Unit { unit: DEVICES | OTHER_DEVICES | EMERGENCY, .. } => Some("Unit"),
            Self::Unit { unit: MANAGER, .. } => Some("Manager"),
            _ => None,
        }
    }

    /// Where the knob is turned, in words.
    fn place(&self) -> String {
        match self {
            Self::Sysctl(_) => "sysctl".to_owned(),
            Self::Udev { select, .. } => format!("udev:{}", select.selected()),
            Self::ModuleOption { .. } => "module".to_owned(),
            Self::Iscsi(_) => "iscsi".to_owned(),
            Self::Waagent(_) => "waagent".to_owned(),
            Self::Fstab(_) => "fstab".to_owned(),
            Self::Multipath { .. } => "multipath".to_owned(),
            Self::Unit { unit, .. } => format!("unit:{unit}"),
            Self::Driver(_) | Self::Premount(_) => "initramfs".to_owned(),
            Self::KernelArg(_) => "cmdline".to_owned(),
            Self::DropKernelArg(_) => "cmdline-remove".to_owned(),
        }
    }
}
