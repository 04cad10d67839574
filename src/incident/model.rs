//! How long the default plan holds, by the stall model: on the machine of a capture, or on one that is made of
//! what the log shows.

use super::kind::Kind;
use crate::facts::{
    Attribute, Class, Disk, Facts, HyperV, Hypervisor, InstalledKernel, KernelRelease, Limits, Live, Machine,
    Mount, Role, Session, Timers, Unit, UnitFile, UnitLine, Watchdog,
};
use crate::order::set;
use crate::policy::Policy;
use crate::stall::{self, Column, Span, Trouble};
use crate::tunables;

/// What the log shows of a disk and its timers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shown {
    /// Disks as the kernel calls them.
    pub(super) disks: Vec<String>,
    pub(super) release: Option<String>,
    pub(super) is_hyperv: bool,
    /// `replacement_timeout`.
    pub(super) recovery: Option<i64>,
    /// `noop_out_interval` and `noop_out_timeout`.
    pub(super) noop: Option<(i64, i64)>,
    /// Whether error handling dropped the session.
    pub(super) handled: bool,
    /// An NVMe controller was lost that is reached over a network.
    pub(super) is_fabric: bool,
    /// `io_timeout` of NVMe.
    pub(super) io_timeout: Option<i64>,
    /// `WatchdogSec` of a unit.
    pub(super) watchdog: Option<(String, i64)>,
    /// `kernel.hung_task_timeout_secs`, where the detector panics.
    pub(super) panic: Option<i64>,
}

/// How long the plan holds, and why that is thought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holds {
    pub(super) span: Span,
    pub(super) because: String,
    /// Whether it is that long and no longer: else a fact is missing, and it is at least so.
    pub(super) is_all: bool,
}

/// Asks the model.
#[derive(Debug)]
pub struct Model<'a> {
    /// The machine of a capture.
    pub capture: Option<&'a Facts>,
    /// The policy in force: its budget, and how long a host holds a command.
    pub policy: &'a Policy,
}

impl Model<'_> {
    /// How long the plan holds against a kind of trouble; `None` where it has no part in it, or nobody can tell.
    pub(super) fn holds(&self, kind: Kind, knob: Option<&str>, shown: &Shown) -> Option<Holds> {
        if knob == Some("WatchdogSec") {
            return self.watchdog(shown);
        }
        // The stall model has none of these timers.
        let foreign = matches!(knob, Some("ctrl_loss_tmo" | "nvme_core.admin_timeout"));
        if foreign || (shown.is_fabric && self.capture.is_none()) {
            return None;
        }
        let trouble = trouble(kind, shown)?;
        let facts = self.capture.map_or_else(|| machine(kind, shown), |facts| Some(facts.clone()))?;
        let verdicts = tunables::decide(&facts, self.policy);
        let survey = stall::survey(&facts, &verdicts, self.policy);
        let about = |names: &[String]| {
            shown
                .disks
                .iter()
                .any(|disk| names.iter().any(|name| name == disk || name.starts_with(&format!("{disk}n"))))
        };
        let mut standings =
            survey.standings.iter().filter(|standing| self.capture.is_none() || about(&standing.disks));
        let fates = standings.by_ref().filter_map(|standing| standing.fate(trouble, Column::AfterReboot));
        let fate = fates.min_by_key(|fate| fate.at)?;
        let whose = if self.capture.is_some() {
            "on the machine of the capture"
        } else {
            "on a machine as the log shows it"
        };
        let long = fate.at.seconds().map_or("without limit".to_owned(), |seconds| format!("{seconds} s"));
        let is_all = fate.unknown.is_empty();
        let least = if is_all { "" } else { "at least " };
        let because = format!("{whose} the default plan holds {least}{long} against this");
        Some(Holds { span: fate.at, because, is_all })
    }

    fn watchdog(&self, shown: &Shown) -> Option<Holds> {
        let (unit, seconds) = shown.watchdog.as_ref()?;
        let facts = match self.capture {
            Some(facts) => facts.clone(),
            None => watched(unit, u64::try_from(*seconds).ok()?),
        };
        let verdicts = tunables::decide(&facts, self.policy);
        let survey = stall::survey(&facts, &verdicts, self.policy);
        let service = survey.services.iter().find(|service| service.unit == *unit)?;
        let [_, _, booted] = service.watches;
        let long = booted.fires.seconds().map_or("no limit".to_owned(), |seconds| format!("{seconds} s"));
        Some(Holds {
            span: booted.fires,
            because: format!("the default plan gives {unit} {long} from the next boot on"),
            is_all: true,
        })
    }
}

/// The trouble of the model that a kind is.
fn trouble(kind: Kind, shown: &Shown) -> Option<Trouble> {
    Some(match kind {
        Kind::HostSilent | Kind::NvmeTimeout | Kind::HungTaskPanic => Trouble::Silence,
        Kind::HostErrorsFast => Trouble::Errors,
        Kind::HostErrorsSlow | Kind::IscsiSlowErrors => Trouble::ErrorsHeld,
        Kind::IscsiPathLoss if shown.noop.is_some() => Trouble::Silence,
        // The target answers NOPs, and no command: its error handling dropped the session.
        Kind::IscsiPathLoss if shown.handled => Trouble::Unit,
        Kind::IscsiPathLoss | Kind::MultipathAllPathsDown | Kind::FcPathLoss => Trouble::PathLoss,
        _ => return None,
    })
}

fn guest(release: Option<&str>, hypervisor: Hypervisor) -> Facts {
    let kernel = release.and_then(KernelRelease::parse);
    let mut facts = Facts::default();
    facts.system.cluster = Attribute::Absent;
    facts.system.kernels = kernel.clone().map(|release| {
        vec![InstalledKernel { release, modules: crate::order::Named::new(), built_in: Some(Vec::new()) }]
    });
    facts.machine = Some(Machine {
        hypervisor: Some(hypervisor),
        cpus: Some(4),
        memory: Some(8 << 30),
        kernel,
        timers: Some(Timers::default()),
        ..Machine::default()
    });
    facts
}

fn hyperv() -> Hypervisor {
    Hypervisor::HyperV(HyperV { azure: Some(false), ..HyperV::default() })
}

fn watched(unit: &str, seconds: u64) -> Facts {
    let mut facts = guest(None, hyperv());
    let path = format!("usr/lib/systemd/system/{unit}");
    let line = UnitLine {
        line: 1,
        section: "Service".to_owned(),
        key: "WatchdogSec".to_owned(),
        value: seconds.to_string(),
    };
    let fragment = Some(UnitFile { path: path.clone(), lines: vec![line], ..UnitFile::default() });
    facts.system.units = vec![Unit { name: unit.to_owned(), fragment, ..Unit::default() }];
    facts.system.watchdogs = vec![Watchdog { unit: unit.to_owned(), seconds, with_ours: seconds, path }];
    facts
}

/// A machine with one disk as the log shows it, below one mount.
fn machine(kind: Kind, shown: &Shown) -> Option<Facts> {
    let iscsi = || Class::Iscsi { session: "session1".to_owned() };
    let (class, name) = match kind {
        Kind::IscsiPathLoss | Kind::IscsiSlowErrors => (iscsi(), "sdb"),
        Kind::NvmeTimeout => (Class::Nvme, "nvme0n1"),
        Kind::MultipathAllPathsDown => {
            (Class::Multipath { paths: vec!["sdb".to_owned(), "sdc".to_owned()] }, "dm-0")
        }
        _ if shown.is_hyperv => (Class::StorvscScsi, "sda"),
        // The plan does nothing for disks of other hypervisors.
        _ => return None,
    };
    // What the plan would do is asked of a guest that it is made for.
    let mut facts = guest(shown.release.as_deref(), hyperv());
    let paths: &[&str] = if name == "dm-0" { &["sdb", "sdc"] } else { &[] };
    let mut disks: Vec<Disk> = paths.iter().map(|path| disk(path, iscsi(), shown)).collect();
    for path in &mut disks {
        path.roles = set([Role::Path]);
    }
    disks.insert(
        0,
        Disk { slaves: paths.iter().map(|path| (*path).to_owned()).collect(), ..disk(name, class, shown) },
    );
    facts.system.writers.multipath = !paths.is_empty();
    facts.system.writers.iscsi = matches!(kind, Kind::IscsiPathLoss | Kind::IscsiSlowErrors);
    let machine = facts.machine.as_mut()?;
    machine.mounts = vec![Mount {
        point: "/data".to_owned(),
        fstype: "ext4".to_owned(),
        read_only: false,
        disk: Some(name.to_owned()),
        others: Some(Vec::new()),
        device: Some(name.to_owned()),
        options: vec!["rw".to_owned()],
    }];
    machine.disks = Some(disks);
    let (interval, timeout) = shown.noop.unwrap_or((5, 5));
    let seconds = |value: i64| Attribute::Is(u64::try_from(value).unwrap_or(0));
    machine.sessions.insert(
        "session1".to_owned(),
        Session {
            recovery_tmo: Attribute::Is(shown.recovery.unwrap_or(120)),
            noop_interval: seconds(interval),
            noop_timeout: seconds(timeout),
            handling: [15, 30, 30].map(Attribute::Is),
        },
    );
    if let Some(limit) = shown.panic {
        machine.sysctls.insert("kernel.hung_task_timeout_secs".to_owned(), limit.to_string());
        machine.sysctls.insert("kernel.hung_task_panic".to_owned(), "1".to_owned());
    }
    Some(facts)
}

fn disk(name: &str, class: Class, shown: &Shown) -> Disk {
    let is_scsi = name.starts_with("sd");
    let release = shown.release.as_deref().and_then(KernelRelease::parse);
    let retries = release.as_ref().is_none_or(|release| release.at_least(5, 10));
    Disk {
        name: name.to_owned(),
        path: format!("sys/devices/x/block/{name}"),
        class,
        roles: set([Role::Data]),
        host: None,
        hctl: is_scsi.then(|| "0:0:0:0".to_owned()),
        slaves: Vec::new(),
        vendor: String::new(),
        model: String::new(),
        limits: Limits::default(),
        live: Live {
            timeout: Attribute::Is(30),
            io_timeout: Attribute::Is(u64::try_from(shown.io_timeout.unwrap_or(30)).unwrap_or(30) * 1000),
            max_retries: if retries && is_scsi { Attribute::Is(5) } else { Attribute::Absent },
            ..Live::default()
        },
    }
}
