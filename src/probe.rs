//! Reading the machine and the root into [`crate::facts::Facts`]. Decides nothing;
//! one unreadable file becomes a gap, never a failure.

pub mod boot;
pub mod disks;
pub mod hypervisor;
mod identity;
pub mod iscsi;
pub mod kernel;
pub mod memory;
pub mod modprobe;
pub mod modules;
pub mod mounts;
pub mod multipath;
pub mod os;
pub mod services;
pub mod storage;
pub mod swap;
pub mod templates;
pub mod timers;
pub mod units;
pub mod waagent;
pub mod waits;
pub mod writers;

use crate::facts::{
    Attribute, BootStack, Evidence, Facts, Gap, HyperV, Hypervisor, IscsiFiles, Machine, MultipathFiles,
    Origin, System, Unit, served,
};
use crate::marker::EDITS;
use crate::record::{LIMIT, parse_edits};
use crate::root::Root;

pub use identity::{Identity, MACHINE_JSON};

/// Live sysctl values that are read, with dots.
pub const SYSCTL_KEYS: &[&str] = &[
    "vm.swappiness",
    "vm.dirty_bytes",
    "vm.dirty_background_bytes",
    "vm.dirty_ratio",
    "vm.dirty_background_ratio",
    "kernel.hung_task_timeout_secs",
    "kernel.hung_task_warnings",
    "kernel.hung_task_panic",
    "kernel.hung_task_check_interval_secs",
    "kernel.panic",
    "kernel.softlockup_panic",
    "kernel.watchdog_thresh",
];

/// Modules looked up in every installed kernel.
pub const MODULES: &[&str] = &["hv_storvsc", "nvme_core", "scsi_mod"];

/// Drivers that bring up the disks and the network of a Hyper-V guest: each installed kernel is asked whether
/// it has them built in.
pub const BOOT_DRIVERS: &[&str] = &["hv_vmbus", "hv_storvsc", "hv_netvsc", "nvme", "pci_hyperv"];

/// Live module parameters that are read, by module and name.
pub const PARAMETERS: &[(&str, &str)] = &[
    ("hv_storvsc", "storvsc_ringbuffer_size"),
    ("hv_storvsc", "storvsc_vcpus_per_sub_channel"),
    ("hv_storvsc", "ring_avail_percent_lowater"),
    ("nvme_core", "io_timeout"),
    ("nvme_core", "admin_timeout"),
    ("nvme_core", "max_retries"),
    ("nvme_core", "multipath"),
    ("scsi_mod", "use_blk_mq"),
];

/// Where the machine half of the facts comes from.
#[derive(Debug)]
pub enum MachineSource<'a> {
    /// The running machine.
    Live(&'a Root),
    /// A capture: `machine.json`, `sys/`, `proc/`.
    Capture(&'a Root),
    /// `--assume hyperv` or `--assume azure`: nothing is looked at.
    Assume {
        /// Azure was said.
        azure: bool,
    },
    /// Nowhere: an offline root without a word on its machine.
    Unknown,
}

/// Reads everything: the system half from the root, the machine half from where the source says.
/// On an offline root nothing but the root and the capture is read.
pub fn probe(source: &MachineSource<'_>, root: &Root) -> Facts {
    let mut gaps = Vec::new();
    let mut machine = read_machine(source, &mut gaps);
    let secure_boot = machine.as_ref().and_then(|machine| machine.secure_boot);
    let mut system = read_system(root, secure_boot, &mut gaps);
    // Of a running machine nobody asks: its initramfs has brought it up.
    let running = root.is_live() && matches!(source, MachineSource::Live(_));
    let kernels = system.kernels.as_deref().unwrap_or_default();
    boot::read_initramfs(root, &mut system.boot, kernels, machine.is_some() && !running, &mut gaps);
    waits::of_initramfs(root, &mut system, &mut gaps);
    if let Some(machine) = machine.as_mut().filter(|machine| machine.is_assumed()) {
        machine.arch = system.arch;
    }
    Facts { machine, system, gaps }
}

/// Reads anew how the root boots, by the stack that a policy names.
pub fn boot_as(stack: BootStack, root: &Root, facts: &mut Facts) {
    let record = noted(&mut Vec::new(), "edits", EDITS, root.read_at_most(EDITS, LIMIT)).into_value();
    let edits = record.map_or_else(Vec::new, |bytes| parse_edits(&bytes));
    facts.gaps.retain(|gap| gap.fact != boot::FACT);
    let drivers = facts.system.boot.tools.drivers.is_some();
    let secure_boot = facts.machine.as_ref().and_then(|machine| machine.secure_boot);
    let (system, gaps) = (&mut facts.system, &mut facts.gaps);
    system.boot = boot::read_as(root, system.os.as_ref(), &edits, secure_boot, stack, gaps);
    let kernels = system.kernels.as_deref().unwrap_or_default();
    boot::read_initramfs(root, &mut system.boot, kernels, drivers, gaps);
}

/// The same with the timers that only `survive` looks at.
pub fn probe_timers(source: &MachineSource<'_>, root: &Root) -> Facts {
    let mut facts = probe(source, root);
    if let MachineSource::Live(machine) | MachineSource::Capture(machine) = source {
        timers::complete(machine, &mut facts);
    }
    facts
}

/// The machine half alone; `None` where nobody said what it is.
pub fn read_machine(source: &MachineSource<'_>, gaps: &mut Vec<Gap>) -> Option<Machine> {
    match source {
        MachineSource::Live(root) => Some(look(root, Identity::live(), Origin::Live, gaps)),
        MachineSource::Capture(root) => {
            let identity = Identity::read(root, gaps);
            Some(look(root, identity, Origin::Captured, gaps))
        }
        MachineSource::Assume { azure } => Some(assume(*azure)),
        MachineSource::Unknown => None,
    }
}

fn look(root: &Root, identity: Identity, origin: Origin, gaps: &mut Vec<Gap>) -> Machine {
    let osrelease = kernel::read_osrelease(root, gaps);
    let arch = identity.arch;
    let seen = hypervisor::observe(root, arch, identity.cpuid, osrelease.as_deref(), gaps);
    let (hypervisor, evidence, doubts) = hypervisor::judge(&seen);
    gaps.extend(doubts);
    let azure = match &hypervisor {
        Some(Hypervisor::HyperV(hyperv)) => hyperv.azure,
        Some(_) => Some(false),
        None => None,
    };
    let storage = storage::read(root, azure, gaps);
    Machine {
        origin,
        arch,
        hypervisor,
        evidence,
        cpus: kernel::read_cpus(root, gaps),
        secure_boot: kernel::read_secure_boot(root, gaps),
        memory: memory::read_total(root, gaps),
        kernel: kernel::release(osrelease.as_deref(), gaps),
        cmdline: kernel::read_cmdline(root, gaps),
        disks: storage.disks,
        mounts: storage.mounts,
        served: storage.served,
        swaps: storage.swaps,
        sysctls: kernel::read_sysctls(root, gaps),
        parameters: kernel::read_parameters(root, gaps),
        sessions: iscsi::read_sessions(root, gaps),
        timers: None,
    }
}

fn assume(azure: bool) -> Machine {
    let found = if azure { "azure" } else { "hyperv" };
    Machine {
        origin: Origin::Assumed,
        hypervisor: Some(Hypervisor::HyperV(HyperV { azure: Some(azure), ..HyperV::default() })),
        evidence: vec![Evidence {
            from: "--assume".to_owned(),
            found: found.to_owned(),
            means: "a Hyper-V guest; the machine was not looked at".to_owned(),
        }],
        ..Machine::default()
    }
}

fn read_system(root: &Root, secure_boot: Option<bool>, gaps: &mut Vec<Gap>) -> System {
    let os = os::read_release(root, gaps);
    let record = noted(gaps, "edits", EDITS, root.read_at_most(EDITS, LIMIT)).into_value();
    let edits = record.map_or_else(Vec::new, |bytes| parse_edits(&bytes));
    let boot = boot::read(root, os.as_ref(), &edits, secure_boot, gaps);
    let listed = units::Units::open(root, gaps);
    let mut writers = writers::read_beside(root, &listed, gaps);
    let mut units: Vec<Unit> = served().filter_map(|unit| listed.read(unit, gaps)).collect();
    let (waited, hidden) = waits::units(root, &listed, gaps);
    units.extend(waited);
    writers.masks.extend(hidden);
    let agent = waagent::read(root, os.as_ref(), &listed, gaps);
    (writers.waagent, writers.idle_waagent) = (agent.agent, agent.idle);
    units.extend(agent.units);
    let multipath_files =
        if writers.multipath { multipath::read(root, gaps) } else { MultipathFiles::default() };
    let iscsi = if writers.iscsi { iscsi::read_files(root, gaps) } else { IscsiFiles::default() };
    let fstab = memory::read_fstab(root, gaps);
    let (modprobe, mask) = modprobe::read(root, gaps);
    writers.masks.extend(mask);
    let agent = writers.waagent.as_ref().map(|agent| agent.path.as_str());
    let waits = waits::read(root, os.as_ref(), &fstab, writers.sysctl_files.systemd, gaps);
    let swaps = swap::read_beside(root, &listed, &fstab, agent, gaps);
    let ours = os::read_ours(root, &units, gaps);
    System {
        offline: !root.is_live(),
        layer: false,
        arch: os::read_arch(root, gaps),
        kernels: modules::read(root, gaps),
        boot,
        writers,
        modprobe,
        iscsi,
        multipath: multipath::settings(&multipath_files),
        multipath_files,
        watchdogs: services::watchdogs(&units),
        waits,
        units,
        cluster: services::read_cluster(root, gaps),
        vss_daemon: services::read_vss_daemon(root, gaps),
        snapshot_extension: services::read_snapshot_extension(root, gaps),
        swaps,
        ext: memory::parse_ext(&fstab),
        served: memory::parse_served(&fstab),
        ours,
        os,
    }
}

/// What a read gave; a failure becomes a gap.
pub(crate) fn noted<T>(
    gaps: &mut Vec<Gap>,
    fact: &str,
    path: &str,
    read: crate::root::Result<Option<T>>,
) -> Attribute<T> {
    match read {
        Ok(Some(value)) => Attribute::Is(value),
        Ok(None) => Attribute::Absent,
        Err(error) => {
            gaps.push(Gap::new(fact, path, error.reason()));
            Attribute::Unknown
        }
    }
}

/// What a read gave of something that every Linux machine has: its absence is a gap too.
pub(crate) fn needed<T>(
    gaps: &mut Vec<Gap>,
    fact: &str,
    path: &str,
    read: crate::root::Result<Option<T>>,
) -> Option<T> {
    let read = noted(gaps, fact, path, read);
    if matches!(read, Attribute::Absent) {
        gaps.push(Gap::new(fact, path, "absent"));
    }
    read.into_value()
}

/// Text from devices and firmware, fit for a terminal: whatever steers one, or turns the
/// direction of writing, becomes `?`.
pub(crate) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if steers(c) { '?' } else { c }).collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use crate::facts::Arch;

    /// A root of arm64, whatever this test runs on.
    fn root() -> (tempfile::TempDir, Root) {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(temp.path().join("usr/lib")).unwrap();
        std::fs::write(temp.path().join("usr/lib/ld-linux-aarch64.so.1"), "").unwrap();
        std::fs::write(temp.path().join("usr/lib/os-release"), "ID=debian\n").unwrap();
        let root = Root::offline(temp.path()).unwrap();
        (temp, root)
    }

    #[test]
    fn an_assumed_machine_is_not_looked_at() {
        let (_temp, root) = root();
        let facts = probe(&MachineSource::Assume { azure: true }, &root);
        let machine = facts.machine.unwrap();
        assert!(machine.is_assumed() && facts.system.offline);
        assert_eq!(machine.arch, Some(Arch::Aarch64));
        let expected = HyperV { azure: Some(true), ..HyperV::default() };
        assert_eq!(machine.hypervisor, Some(Hypervisor::HyperV(expected)));
        assert_eq!(machine.evidence.len(), 1);
        let rest = Machine { hypervisor: None, evidence: Vec::new(), ..machine };
        assert_eq!(
            rest,
            Machine { origin: Origin::Assumed, arch: Some(Arch::Aarch64), ..Machine::default() }
        );
        assert_eq!(facts.gaps, []);
    }

    #[test]
    fn an_offline_root_without_a_word_on_its_machine_has_none() {
        let (_temp, root) = root();
        let facts = probe(&MachineSource::Unknown, &root);
        assert_eq!(facts.machine, None);
        assert_eq!(facts.system.os.map(|os| os.id).as_deref(), Some("debian"));
        assert_eq!(facts.system.kernels, Some(Vec::new()));
    }

    #[test]
    fn an_empty_capture_says_what_is_missing() {
        let (temp, root) = root();
        let facts = probe(&MachineSource::Capture(&Root::offline(temp.path()).unwrap()), &root);
        let machine = facts.machine.unwrap();
        assert_eq!((machine.arch, machine.hypervisor, machine.kernel), (None, None, None));
        let gaps: Vec<_> = facts.gaps.iter().map(|gap| gap.fact.as_str()).collect();
        assert_eq!(
            gaps,
            ["machine", "kernel.release", "hypervisor", "disks", "mounts", "cpus", "memory", "cmdline"]
        );
    }

    #[test]
    fn text_for_people_steers_no_terminal() {
        assert_eq!(printable("Virtual Disk é\u{1b}[2J\n\u{202e}x"), "Virtual Disk é?[2J??x");
    }
}
